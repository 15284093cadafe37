"""An MR averaged over blocks of its body: as much as a smooth field needs to be found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float

from preprocessing.spline_field import Basis, Coefficients, field_values, spans_of, spline_basis

MOSTLY_BODY = 0.5
"""Blocks with a larger share of body take part in the fit."""
DARK = 0.1
"""Blocks below this share of the body's median are bone or gas, whose logarithm is that of noise."""
LEAST_VOXELS = 4
"""N4 fits on no grid with fewer voxels along an axis."""
Volume = Float[np.ndarray, "z y x"]


@dataclass(frozen=True, kw_only=True)
class BodyBlocks:
    """The body of an MR in blocks of voxels; all array axes z, y, x.

    Args:
        grid_image: an image whose grid is that of the blocks.
        mean: of each block.
        median: of each block.
        inside: blocks of body that shine.
        shape: voxels of the whole image along the array axes.
        factors: voxels of a block along them.
        spacing: of the blocks along them, millimetres.
        spans: of the B-spline along them.
    """

    grid_image: sitk.Image
    mean: Volume
    median: Volume
    inside: Bool[np.ndarray, "z y x"]
    shape: tuple[int, ...]
    factors: tuple[int, ...]
    spacing: tuple[float, ...]
    spans: tuple[int, ...]

    @classmethod
    def of(
        cls, image: sitk.Image, body: Bool[np.ndarray, "z y x"], *, edge: float, knot_spacing: float
    ) -> BodyBlocks:
        """Cut an MR into blocks.

        Args:
            image: the MR.
            body: its voxels inside the body.
            edge: length of the blocks' edges, millimetres; axes already coarser stay.
            knot_spacing: greatest distance of the B-spline's knots, millimetres.

        Raises:
            ValueError: if no block of the body shines.
        """
        shape, spacing = image.GetSize()[::-1], image.GetSpacing()[::-1]
        factors = tuple(
            max(1, min(round(edge / step), count // LEAST_VOXELS))
            for step, count in zip(spacing, shape, strict=True)
        )
        found = [
            (row.mean(axis=-1), np.median(row, axis=-1))
            for row in _rows(sitk.GetArrayViewFromImage(image), factors)
        ]
        mean, median = (np.stack(values) for values in zip(*found, strict=True))
        share = np.stack([row.mean(axis=-1) for row in _rows(body, factors)])
        whole = (share > MOSTLY_BODY) & (median > 0)
        if not whole.any():
            raise ValueError(
                "N4BiasFieldCorrection: expected a body with positive intensities, found none; see its mask"
            )
        lit = DARK * float(np.median(median[whole]))
        return cls(
            grid_image=sitk.BinShrink(image, factors[::-1]),
            mean=mean,
            median=median,
            inside=whole & (median > lit) & (mean > lit),
            shape=shape,
            factors=factors,
            spacing=tuple(step * factor for step, factor in zip(spacing, factors, strict=True)),
            spans=spans_of([step * count for step, count in zip(spacing, shape, strict=True)], knot_spacing),
        )

    def basis(self, axis: int, *, per_voxel: bool = False) -> Basis:
        """Return the splines of an array axis at the middles of its blocks, or of its voxels.

        Args:
            axis: the array axis.
            per_voxel: whether at every voxel.
        """
        factor = 1 if per_voxel else self.factors[axis]
        count = self.shape[axis] if per_voxel else self.median.shape[axis]
        places = np.arange(count) * factor + (factor - 1) / 2
        return spline_basis(places / max(1, self.shape[axis] - 1), self.spans[axis])

    def images(self, start: Coefficients | None) -> tuple[sitk.Image, sitk.Image]:
        """Return the blocks, divided by a field, and those that count, as N4 takes them.

        Args:
            start: coefficients of the field's logarithm, or None.
        """
        values = self.mean
        if start is not None:
            values = values / np.exp(field_values(start, [self.basis(axis) for axis in range(3)]))
        image = sitk.GetImageFromArray(values.astype(np.float32))
        mask = sitk.GetImageFromArray(self.inside.astype(np.uint8))
        for part in (image, mask):
            part.CopyInformation(self.grid_image)
        return image, mask


def _rows(voxels: np.ndarray, factors: Sequence[int]) -> Iterator[Float[np.ndarray, "y x voxel"]]:
    """Voxels by block, of one row of blocks after the other: large volumes have no room for a second copy."""
    depth, height, width = factors
    layers, rows, columns = (length // factor for length, factor in zip(voxels.shape, factors, strict=True))
    for layer in range(layers):
        slab = voxels[layer * depth : (layer + 1) * depth, : rows * height, : columns * width]
        split = slab.reshape(depth, rows, height, columns, width).transpose(1, 3, 0, 2, 4)
        yield split.reshape(rows, columns, -1).astype(np.float32)
