"""Answers that need no network. A translator that does not beat them has learnt nothing from context."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evaluation.arrays import Mask, Volume, check_region
from preprocessing.intensity_window import GREY_LEVELS, IntensityWindow

BINS = 256
"""Input levels that the map tells apart."""


def input_answer(
    image: Volume, *, input_window: IntensityWindow, target_window: IntensityWindow
) -> Float[np.ndarray, "R A S"]:
    """Return the input as it is, its window stretched onto the target's.

    Args:
        image: source volume in its own unit.
        input_window: window of the source.
        target_window: window of the target domain.

    Returns:
        The same grid in the target's unit.
    """
    return target_window.backward(input_window.forward(image.astype(np.float64)))


def mean_target(targets: Iterable[Volume]) -> Float[np.ndarray, "R A S"]:
    """Return the mean of training targets, voxel by voxel: what one knows before seeing the patient.

    Args:
        targets: volumes of the target domain on one common grid, read one after the other.

    Raises:
        ValueError: there is none, or a shape differs from the first.
    """
    total, count = np.zeros(0), 0
    for target in targets:
        total = np.zeros(target.shape) if count == 0 else total
        if target.shape != total.shape:
            raise ValueError(f"mean target: expected shape {total.shape} as the first, found {target.shape}")
        total += target
        count += 1
    if count == 0:
        raise ValueError("mean target: expected at least one training volume, found none")
    return total / count


@dataclass(frozen=True, kw_only=True)
class ContextFreeMap:
    """The best map from input level to target level that looks at one voxel at a time (`lut`).

    Args:
        levels: target level 0..255 for each of 256 equal bins of the input window.
        input_window: window of the source domain.
        target_window: window of the target domain.
    """

    levels: Float[np.ndarray, " bin"]
    input_window: IntensityWindow
    target_window: IntensityWindow

    def __call__(
        self, image: Volume, *, input_window: IntensityWindow | None = None
    ) -> Float[np.ndarray, "R A S"]:
        """Return the mapped volume in the target's unit.

        Args:
            image: source volume.
            input_window: window of this case, where windows differ from case to case; else the fitted one.
        """
        levels = self.levels[_bins(image, input_window or self.input_window)]
        return np.asarray(self.target_window.backward(2 * levels / GREY_LEVELS - 1))


@dataclass(frozen=True, kw_only=True)
class Example:
    """A true pair from which the map may learn; never the patient on whom it is judged.

    Args:
        image: source volume.
        target: target volume on the same grid.
        mask: voxels to learn from: those on which the answer will be judged.
        input_window: window of the source.
        target_window: window of the target.
    """

    image: Volume
    target: Volume
    mask: Mask
    input_window: IntensityWindow
    target_window: IntensityWindow


def fit_context_free_map(examples: Sequence[Example]) -> ContextFreeMap:
    """Return the map with the least mean absolute error in target levels over all voxels of the examples.

    Per input bin that is the median of the target levels; a bin that never occurs is interpolated.

    Args:
        examples: true pairs; the windows of the first become the map's.

    Raises:
        ValueError: there is no example, or an example's arrays do not match.
    """
    if not examples:
        raise ValueError("context-free map: expected at least one true pair, found none")
    for example in examples:
        check_region(example.image, example.target, example.mask)
    bins = np.concatenate([_bins(e.image[e.mask], e.input_window) for e in examples])
    targets = np.concatenate([e.target_window.levels(e.target[e.mask].astype(np.float64)) for e in examples])
    return ContextFreeMap(
        levels=_medians(bins, targets),
        input_window=examples[0].input_window,
        target_window=examples[0].target_window,
    )


def _medians(bins: np.ndarray, targets: np.ndarray) -> Float[np.ndarray, " bin"]:
    order = np.argsort(bins, kind="stable")
    present, starts = np.unique(bins[order], return_index=True)
    medians = [np.median(group) for group in np.split(targets[order], starts[1:])]
    return np.asarray(np.interp(np.arange(BINS), present, medians))


def _bins(values: np.ndarray, window: IntensityWindow) -> np.ndarray:
    fraction = (window.forward(values.astype(np.float64)) + 1) / 2
    return np.asarray(np.minimum((fraction * BINS).astype(np.intp), BINS - 1))
