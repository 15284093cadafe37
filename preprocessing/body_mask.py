"""Where the body is: the first thing to know before statistics of its intensities mean anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float
from scipy import ndimage

from preprocessing.grid import grid_of, place
from preprocessing.scan import Scan

CLIP_PERCENTILE = 99.0
"""Vessels and coil flare above this percentile would pull the thresholds up."""
PART_SHARE = 0.25
"""Components at least this large beside the largest are body too: two thighs below the crotch."""
LOGARITHM_OFFSET = 0.05
"""Share of the clip level below which the logarithm turns linear, so that noise in air stays one class."""


@dataclass(frozen=True, kw_only=True)
class BodyMask:
    """Mark the body: the large bright components without thin appendages, its holes filled.

    A mask that the scan brings along stays. Tables and coils thinner than twice `opening` fall away.

    Args:
        threshold: lowest intensity of the body (CT: -300 HU), or None for `automatic_threshold` (MR).
        smoothing: standard deviation of the Gaussian before the threshold, millimetres.
        opening: radius of the ball that must fit into the body everywhere, millimetres.
    """

    threshold: float | None = None
    smoothing: float = 2.0
    opening: float = 6.0

    def __call__(self, scan: Scan) -> Scan:
        """Add the mask.

        Args:
            scan: a scan on any grid.

        Raises:
            ValueError: if nothing is brighter than the threshold.
        """
        if scan.mask is not None:
            return scan
        spacing = scan.image.GetSpacing()[::-1]
        smooth = _smoothed(sitk.GetArrayViewFromImage(scan.image), self.smoothing, spacing)
        threshold = automatic_threshold(smooth) if self.threshold is None else self.threshold
        body = _filled(_large(_opened(smooth > threshold, self.opening, spacing)))
        if not body.any():
            found = f"at most {float(smooth.max()):g}"
            raise ValueError(
                f"BodyMask: expected a body brighter than {threshold:g}, found {found}; see the scan"
            )
        mask = sitk.GetImageFromArray(body.astype(np.uint8))
        place(mask, grid_of(scan.image))
        note = {"threshold": float(threshold), "fraction": float(body.mean())}
        return replace(scan, mask=mask).with_note("BodyMask", note)


def _smoothed(
    voxels: Float[np.ndarray, "z y x"], sigma: float, spacing: tuple[float, ...]
) -> Float[np.ndarray, "z y x"]:
    smooth: np.ndarray = ndimage.gaussian_filter(voxels, [sigma / step for step in spacing], mode="nearest")
    return smooth


def automatic_threshold(voxels: Float[np.ndarray, "z y x"]) -> float:
    """Intensity between air and the darkest soft tissue of an MR.

    Three classes (air, dark tissue, fat) by Otsu's method (1979, doi:10.1109/TSMC.1979.4310076) on the
    logarithm, because fat is several times brighter than muscle. Where the body fills the field of view, the
    lowest class is tissue: so no more than half the median of what is above, as in AFNI's 3dClipLevel.

    Args:
        voxels: smoothed MR.
    """
    top = float(np.percentile(voxels, CLIP_PERCENTILE))
    if top <= 0:
        return top
    offset = LOGARITHM_OFFSET * top
    levels = np.log(np.clip(voxels, 0, top) + offset).astype(np.float32)
    otsu = sitk.OtsuMultipleThresholdsImageFilter()
    otsu.SetNumberOfThresholds(2)
    otsu.SetNumberOfHistogramBins(256)
    otsu.Execute(sitk.GetImageFromArray(levels))
    lowest = float(np.exp(otsu.GetThresholds()[0]) - offset)
    above = voxels[voxels > lowest]
    return min(lowest, float(np.median(above)) / 2) if above.size else lowest


def _opened(
    body: Bool[np.ndarray, "z y x"], radius: float, spacing: tuple[float, ...]
) -> Bool[np.ndarray, "z y x"]:
    """Part of a mask that a ball can reach; beyond the edge of the field of view the body goes on."""
    if body.all() or not body.any():
        return body
    core = ndimage.distance_transform_edt(body, sampling=spacing) > radius
    if not core.any():
        return body
    core = _large(core)
    return np.asarray(body & (ndimage.distance_transform_edt(~core, sampling=spacing) <= radius))


def _large(body: Bool[np.ndarray, "z y x"]) -> Bool[np.ndarray, "z y x"]:
    labels, count = ndimage.label(body)
    if count <= 1:
        return body
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= PART_SHARE * sizes.max())[labels])


def _filled(body: Bool[np.ndarray, "z y x"]) -> Bool[np.ndarray, "z y x"]:
    """Fill holes in space, and then in every slice: bowel gas may leave through the last one."""
    filled = ndimage.binary_fill_holes(body)
    for axis in range(3):
        slices = [ndimage.binary_fill_holes(plane) for plane in np.moveaxis(filled, axis, 0)]
        filled = np.moveaxis(np.stack(slices), 0, axis)
    return np.asarray(filled)
