"""Where the body is: the first thing to know before statistics of its intensities mean anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float
from scipy import ndimage

from preprocessing.body_shape import enclosing, filled, large, opened
from preprocessing.body_surface import between_air_and_tissue, body_at_surface, coarse_grid
from preprocessing.couch import couch_region
from preprocessing.grid import Grid, grid_of, place
from preprocessing.resampling import resample_linear
from preprocessing.scan import Scan

CLIP_PERCENTILE = 99.0
"""Vessels and coil flare above this percentile would pull the thresholds up."""
LOGARITHM_OFFSET = 0.05
"""Share of the clip level below which the logarithm turns linear, so that noise in air stays one class."""
TISSUE_SHARE = 0.35
"""Muscle in the dark of a coil's field is brighter than this share of the median of all tissue."""
MR_SURFACE = 0.25
"""Skin is a third as bright as the fat below it: the surface is at this share of the way from air to fat."""
CT_SURFACE_HU = -500.0
"""The surface of a CT lies halfway from air to skin."""
AIR_HU = -1000.0
PAD_MM = 25.0
"""Radius of a ball that fits into trunk, thighs and arms, but into no mattress."""
PAD_HU = (-300.0, -20.0)
"""CT numbers of mattresses, as far as they are denser than air at all."""
HOLLOW = 2.0
"""What encloses the body found and is this much larger is the body: a skull around dark contents."""


@dataclass(frozen=True, kw_only=True)
class BodyMask:
    """Mark the body: the large bright components without thin appendages, its holes filled.

    The body is sought on a grid of about 2.5 mm; its surface is then laid where the intensity falls from that
    of the tissue nearby to that of what is around. A mask that the scan brings along stays. Things thinner
    than twice `opening` fall away; where a threshold is given (CT), so does a couch that touches the body.

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
        grid = coarse_grid(grid_of(scan.image))
        image = resample_linear(scan.image, grid, outside=0.0)
        smooth = _smoothed(sitk.GetArrayViewFromImage(image), self.smoothing, grid.spacing[::-1])
        threshold = automatic_threshold(smooth) if self.threshold is None else self.threshold
        coarse, couch = self._coarse(smooth, threshold, image)
        limit = self._limit(smooth, coarse, threshold, grid)
        body = body_at_surface(scan.image, coarse, limit, coarse=grid, excluded=couch)
        body = filled(body)
        mask = sitk.GetImageFromArray(body.astype(np.uint8))
        place(mask, grid_of(scan.image))
        note = {"threshold": float(threshold), "fraction": float(body.mean())}
        return replace(scan, mask=mask).with_note("BodyMask", note)

    def _limit(
        self,
        smooth: Float[np.ndarray, "z y x"],
        body: Bool[np.ndarray, "z y x"],
        threshold: float,
        grid: Grid,
    ) -> Float[np.ndarray, "z y x"]:
        if self.threshold is not None:
            return np.full(body.shape, CT_SURFACE_HU)
        return between_air_and_tissue(
            smooth, body, smooth > threshold, spacing=grid.spacing[::-1], share=MR_SURFACE
        )

    def _coarse(
        self, smooth: Float[np.ndarray, "z y x"], threshold: float, image: sitk.Image
    ) -> tuple[Bool[np.ndarray, "z y x"], Bool[np.ndarray, "z y x"]]:
        """Return the body and the couch on the coarse grid."""
        spacing = image.GetSpacing()[::-1]
        dense = smooth > threshold
        if not dense.any():
            found = f"at most {float(smooth.max()):g}"
            raise ValueError(
                f"BodyMask: expected a body brighter than {threshold:g}, found {found}; see the scan"
            )
        # Smoothed, a thin shell is fainter than skin.
        faint = dense if self.threshold is None else smooth > (threshold + AIR_HU) / 2
        body = filled(large(opened(dense, self.opening, spacing)))
        around = enclosing(faint, body, spacing)
        if around.sum() > HOLLOW * body.sum():
            body = around
        couch = np.zeros_like(dense)
        if self.threshold is not None:
            couch = couch_region(body, faint, image) | _pad_region(smooth, body, faint, image)
            body = body & ~couch
        return filled(large(opened(body, self.opening, spacing))), couch


def _pad_region(
    smooth: Float[np.ndarray, "z y x"],
    body: Bool[np.ndarray, "z y x"],
    faint: Bool[np.ndarray, "z y x"],
    image: sitk.Image,
) -> Bool[np.ndarray, "z y x"]:
    """A mattress is too thick to be opened away, but as light as fat all through, as no limb is."""
    core = large(opened(body, PAD_MM, image.GetSpacing()[::-1]))
    soft = (smooth > PAD_HU[0]) & (smooth < PAD_HU[1])
    return couch_region(core, faint, image, pad=soft)


def _smoothed(
    voxels: Float[np.ndarray, "z y x"], sigma: float, spacing: tuple[float, ...]
) -> Float[np.ndarray, "z y x"]:
    smooth: np.ndarray = ndimage.gaussian_filter(voxels, [sigma / step for step in spacing], mode="nearest")
    return smooth


def automatic_threshold(voxels: Float[np.ndarray, "z y x"]) -> float:
    """Intensity between air and the darkest soft tissue of an MR.

    Three classes (air, dark tissue, fat) by Otsu's method (1979, doi:10.1109/TSMC.1979.4310076) on the
    logarithm, because fat is several times brighter than muscle. Where the body fills the field of view, the
    lowest class is tissue: so no more than a share of the median of what is above, as in AFNI's 3dClipLevel.

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
    return min(lowest, TISSUE_SHARE * float(np.median(above))) if above.size else lowest
