"""First stage without landmarks: the bodies' centres of mass, then a coarse search around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import SimpleITK as sitk

from preprocessing.registration.match import Match
from preprocessing.registration.similarity import centroid, matched_information

SEARCH_SHRINK = 4
"""Factor by which the fixed image is thinned out for the search."""
SEARCH_SMOOTHING = 4.0
"""Standard deviation of the Gaussian before the search, millimetres."""
LEAST_OVERLAP = 0.5
"""A position at which less of the fixed body is compared than this is not considered."""


@dataclass(frozen=True, kw_only=True)
class MomentsStart:
    """Shift that lays the centres of mass of the two bodies on each other, bettered by mutual information.

    Where a body leaves the field of view its centre of mass is that of the field of view, so positions around
    it are tried: each round looks one step to either side along every axis, then halves the step. The
    position of the scanner's own coordinates is tried too.

    Args:
        reach: first step of the search, millimetres; 0 takes the centres of mass as they are.
        least_step: the search ends below this step, millimetres.
    """

    reach: float = 40.0
    least_step: float = 8.0

    def start(self, match: Match, *, centre: Sequence[float]) -> sitk.Transform:
        """Return the shift from fixed to moving points, LPS mm.

        Args:
            match: the two images.
            centre: about which a later rotation is written, LPS mm.

        Raises:
            RegistrationError: if a body is empty.
        """
        first = centroid(match.moving_mask, "moving") - centroid(match.fixed_mask, "fixed")
        if self.reach <= 0:
            return _shift(first, centre)
        coarse = _thinned(match)
        best = max((first, np.zeros(3)), key=lambda offset: _score(coarse, offset, centre))
        step = self.reach
        while step >= self.least_step:
            best = max(_around(best, step), key=lambda offset: _score(coarse, offset, centre))
            step /= 2
        return _shift(best, centre)


def _around(offset: np.ndarray, step: float) -> Iterator[np.ndarray]:
    # The middle comes first, so that it stays where nothing is better.
    yield offset
    for move in product((-step, 0.0, step), repeat=3):
        if any(move):
            yield offset + np.array(move)


def _score(match: Match, offset: np.ndarray, centre: Sequence[float]) -> float:
    information, compared = matched_information(match, _shift(offset, centre))
    return information if compared >= LEAST_OVERLAP else compared - 1.0


def _shift(offset: np.ndarray, centre: Sequence[float]) -> sitk.Euler3DTransform:
    motion = sitk.Euler3DTransform()
    motion.SetCenter([float(value) for value in centre])
    motion.SetTranslation([float(value) for value in offset])
    return motion


def _thinned(match: Match) -> Match:
    size = match.fixed.GetSize()
    factors = [max(1, min(SEARCH_SHRINK, count // 4)) for count in size]
    return replace(
        match,
        fixed=sitk.BinShrink(sitk.SmoothingRecursiveGaussian(match.fixed, SEARCH_SMOOTHING), factors),
        fixed_mask=sitk.BinShrink(sitk.Cast(match.fixed_mask, sitk.sitkFloat32), factors) >= 0.5,
        moving=sitk.SmoothingRecursiveGaussian(match.moving, SEARCH_SMOOTHING),
    )
