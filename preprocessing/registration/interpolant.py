"""An image between its voxels, and how it changes there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float

Values = Float[np.ndarray, " n"]
Vectors = Float[np.ndarray, "3 n"]


@dataclass(frozen=True, kw_only=True)
class Interpolant:
    """Trilinear interpolation of an image, with its exact gradient.

    Args:
        voxels: intensities, axes k, j, i.
        to_index: matrix from LPS mm to voxel index (i, j, k).
        origin: centre of voxel (0, 0, 0), LPS mm.
    """

    voxels: Float[np.ndarray, "k j i"]
    to_index: Float[np.ndarray, "3 3"]
    origin: Float[np.ndarray, "3"]

    def covers(self, points: Vectors) -> Bool[np.ndarray, " n"]:
        """Tell which points lie among the voxel centres.

        Args:
            points: LPS mm.
        """
        index = self._index(points)
        return np.asarray(((index >= 0) & (index <= self._last)).all(axis=0))

    def __call__(self, points: Vectors) -> tuple[Values, Vectors]:
        """Return intensities and their gradients per mm; beyond the edge the image goes on as at its edge.

        Args:
            points: LPS mm.
        """
        index = self._index(points)
        held = np.clip(index, 0, self._last)
        corner = np.minimum(held.astype(np.intp), np.maximum(self._last - 1, 0))
        u, v, w = held - corner
        near, far = self._lines(corner)
        slopes = [ahead - here for here, ahead in zip(near, far, strict=True)]
        along = [here + u * slope for here, slope in zip(near, slopes, strict=True)]
        gradient = np.stack(
            [
                _bilinear(slopes, v, w),
                (1 - w) * (along[2] - along[0]) + w * (along[3] - along[1]),
                (1 - v) * (along[1] - along[0]) + v * (along[3] - along[2]),
            ]
        )
        return _bilinear(along, v, w), np.asarray(self.to_index.T @ (gradient * (held == index)))

    @property
    def _last(self) -> np.ndarray:
        return np.array(self.voxels.shape[::-1])[:, None] - 1

    def _index(self, points: Vectors) -> Vectors:
        return np.asarray(self.to_index @ (points - self.origin[:, None]))

    def _lines(self, corner: np.ndarray) -> tuple[list[Values], list[Values]]:
        """Return the cell's corners, (j, k) in order 00 01 10 11, at its lower and its upper end along i."""
        _, rows, columns = self.voxels.shape
        strides = np.array([1, columns, columns * rows])
        # A single plane has no neighbour to interpolate with.
        step_i, step_j, step_k = np.where(self._last[:, 0] > 0, strides, 0)
        base, flat = strides @ corner, self.voxels.ravel()
        places = [base + j * step_j + k * step_k for j in (0, 1) for k in (0, 1)]
        return [flat[place] for place in places], [flat[place + step_i] for place in places]


def interpolant(image: sitk.Image) -> Interpolant:
    """Return the interpolant of an image.

    Args:
        image: intensities, LPS mm.
    """
    axes = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    voxels = sitk.GetArrayFromImage(image).astype(np.float64)
    return Interpolant(voxels=voxels, to_index=np.linalg.inv(axes), origin=np.array(image.GetOrigin()))


def _bilinear(corners: list[Values], v: Values, w: Values) -> Values:
    low, low_w, high, high_w = corners
    return np.asarray((1 - v) * ((1 - w) * low + w * low_w) + v * ((1 - w) * high + w * high_w))
