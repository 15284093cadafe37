"""Mutual information with fixed voxels, and how it changes with every moving intensity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Real

Values = Float[np.ndarray, " n"]
Window = tuple[float, float]

PADDING = 2
"""Bins beyond either end of the moving window that hold the tails of the Parzen window."""


@dataclass(frozen=True, kw_only=True)
class Information:
    """Mutual information of a set of fixed voxels with changing moving intensities.

    Fixed intensities fall into bins, moving ones into a cubic Parzen window. Source: Mattes et al. 2003,
    doi:10.1109/TMI.2003.809072, equations 10 and 24.

    Args:
        fixed_bin: bin of each fixed voxel.
        bins: number of bins along each image.
        window: moving intensities at which the bins begin and end.
    """

    fixed_bin: Int[np.ndarray, " n"]
    bins: int
    window: Window

    def __call__(self, moving: Values) -> tuple[float, Values]:
        """Return the mutual information in nat, and its derivative by every moving intensity.

        Args:
            moving: intensity at each voxel.
        """
        low, high = self.window
        scale = self.bins / (high - low)
        place = np.clip((moving - low) * scale, 0, self.bins) + PADDING
        cell = place.astype(np.intp)
        weights, slopes = _parzen(place - cell)
        width = self.bins + 2 * PADDING + 1
        first = self.fixed_bin * width + cell - 1
        joint = np.zeros(self.bins * width)
        for offset, weight in enumerate(weights):
            joint += np.bincount(first + offset, weights=weight, minlength=joint.size)
        joint /= moving.size
        found, gain = _information(joint.reshape(self.bins, width))
        slope = np.zeros_like(moving)
        for offset, part in enumerate(slopes):
            slope += part * gain.ravel()[first + offset]
        # What lies beyond the window is clipped to it, and does not change with the intensity.
        free = (moving > low) & (moving < high)
        return found, slope * free * (scale / moving.size)


def information_with(
    fixed: Real[np.ndarray, " n"], *, bins: int, fixed_window: Window, moving_window: Window
) -> Information:
    """Return the measure for a set of fixed voxels.

    Args:
        fixed: their intensities.
        bins: number of bins along each image.
        fixed_window: lowest and highest fixed intensity.
        moving_window: lowest and highest moving intensity.
    """
    low, high = fixed_window
    place = ((fixed - low) / (high - low) * bins).astype(np.intp)
    return Information(fixed_bin=np.clip(place, 0, bins - 1), bins=bins, window=moving_window)


def _information(joint: Float[np.ndarray, "f m"]) -> tuple[float, Float[np.ndarray, "f m"]]:
    """Return the information of a joint distribution, and what a little more of each cell would add."""
    fixed, moving = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
    present = joint > 0
    gain = np.zeros_like(joint)
    np.log(np.divide(joint, fixed * moving, out=np.ones_like(joint), where=present), out=gain, where=present)
    return float((joint * gain).sum()), gain


def _parzen(part: Values) -> tuple[list[Values], list[Values]]:
    """Return the cubic B-spline's weights on four bins, and their slopes, by the place between two bins."""
    rest = 1 - part
    weights = [rest**3 / 6, 2 / 3 - part**2 + part**3 / 2, 2 / 3 - rest**2 + rest**3 / 2, part**3 / 6]
    slopes = [-(rest**2) / 2, 1.5 * part**2 - 2 * part, 2 * rest - 1.5 * rest**2, part**2 / 2]
    return weights, slopes
