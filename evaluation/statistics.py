"""Numbers about a cohort: mean, spread, median, and an interval that says how little is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

LEVEL = 0.95
"""Coverage of the intervals."""

DRAWS = 10_000
"""Bootstrap samples."""

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One metric over the patients of a cohort.

    Args:
        n: number of patients.
        mean: over patients; NaN without any.
        sd: sample standard deviation; NaN for fewer than two.
        median: over patients; NaN without any.
        interval: 95 % bootstrap interval of the mean; NaN for fewer than two.
    """

    n: int
    mean: float
    sd: float
    median: float
    interval: Interval


def summarise(values: Sequence[float], *, seed: int = 0) -> Summary:
    """Return mean, SD, median and bootstrap interval over patients.

    Args:
        values: one finite number per patient.
        seed: of the bootstrap.

    Raises:
        ValueError: a value is not finite.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.size == 0:
        return Summary(n=0, mean=math.nan, sd=math.nan, median=math.nan, interval=(math.nan, math.nan))
    return Summary(
        n=numbers.size,
        mean=float(numbers.mean()),
        sd=float(numbers.std(ddof=1)) if numbers.size > 1 else math.nan,
        median=float(np.median(numbers)),
        interval=bootstrap_interval(numbers, seed=seed),
    )


def bootstrap_interval(values: Float[np.ndarray, " patient"], *, seed: int = 0) -> Interval:
    """Return the 95 % percentile interval of the mean, patients drawn with replacement.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.

    Args:
        values: one finite number per patient.
        seed: of the draws.

    Returns:
        Low and high; NaN for fewer than two patients, from whom no spread can be drawn.

    Raises:
        ValueError: a value is not finite.
    """
    return _interval(values[None], seed=seed, resampled=(1,))


def bootstrap_interval_over_seeds(values: Float[np.ndarray, "seed patient"], *, seed: int = 0) -> Interval:
    """Return the 95 % percentile interval of the mean, trainings and patients drawn independently.

    This is the interval for a claim about a method; the one over patients alone is about one trained model.

    Args:
        values: one finite number for each training seed and each patient.
        seed: of the draws.

    Returns:
        Low and high; NaN for fewer than two seeds or patients.

    Raises:
        ValueError: a value is not finite.
    """
    return _interval(values, seed=seed, resampled=(0, 1))


def _interval(
    values: Float[np.ndarray, "seed patient"], *, seed: int, resampled: tuple[int, ...]
) -> Interval:
    if not np.isfinite(values).all():
        raise ValueError("expected finite values for a bootstrap: count the undefined ones beside it")
    if min(values.shape[axis] for axis in resampled) < 2:
        return math.nan, math.nan
    random = np.random.default_rng(seed)
    weights = [_weights(random, values.shape[axis], drawn=axis in resampled) for axis in (0, 1)]
    means = np.einsum("ds,sp,dp->d", weights[0], values.astype(np.float64), weights[1], optimize=True)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _weights(random: np.random.Generator, count: int, *, drawn: bool) -> Float[np.ndarray, "draw item"]:
    even = np.full(count, 1 / count)
    # Drawing n of n with replacement is a multinomial count: the mean needs only how often each was drawn.
    return random.multinomial(count, even, size=DRAWS) / count if drawn else np.tile(even, (DRAWS, 1))
