"""Steps that bring scans onto a common grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from preprocessing.coverage import coverage_on, with_coverage
from preprocessing.femoral_heads import femoral_heads
from preprocessing.grid import Grid, grid_of, three_floats, three_ints
from preprocessing.resampling import resample_linear, resample_nearest
from preprocessing.scan import Scan


@dataclass(frozen=True, kw_only=True)
class ToGrid:
    """Resample a scan onto one given grid; nothing is done where it lies on it already.

    Args:
        size: voxels along the array axes.
        spacing: millimetres along the array axes.
        origin: centre of voxel (0, 0, 0), LPS millimetres.
        direction: 3x3 matrix, row by row, whose columns are the array axes in LPS.
        outside: intensity where the scan does not reach: -1000 for CT in HU, 0 for MR.
    """

    size: Sequence[int]
    spacing: Sequence[float]
    origin: Sequence[float]
    direction: Sequence[float]
    outside: float

    def __post_init__(self) -> None:
        """Keep the sequences as tuples, also where JSON gave lists."""
        object.__setattr__(self, "size", three_ints(self.size))
        for name in ("spacing", "origin"):
            object.__setattr__(self, name, three_floats(getattr(self, name)))
        object.__setattr__(self, "direction", tuple(float(value) for value in self.direction))

    def __call__(self, scan: Scan) -> Scan:
        """Resample the image linearly, mask and label to the nearest voxel.

        Args:
            scan: a scan on any grid.
        """
        grid = Grid(
            size=three_ints(self.size),
            spacing=three_floats(self.spacing),
            origin=three_floats(self.origin),
            direction=tuple(self.direction),
        )
        return resliced(scan, grid, outside=self.outside)


@dataclass(frozen=True, kw_only=True)
class ToReferenceGrid:
    """Cut a box of fixed size and spacing, along the scan's own axes, out of a scan.

    Args:
        spacing: millimetres along the array axes, [R, A, S] after `CanonicalOrientation`.
        size: voxels along the array axes, in the same order.
        outside: intensity where the scan does not reach: -1000 for CT in HU, 0 for MR.
        centre: middle of the box: that of the "image", the centroid of the "body" mask, or the point midway
            between the "femoral_heads", from landmarks or, in a CT, from its bone.
    """

    spacing: Sequence[float]
    size: Sequence[int]
    outside: float
    centre: Literal["image", "body", "femoral_heads"] = "image"

    def __post_init__(self) -> None:
        """Refuse a box without extent; keep the sequences as tuples, also where JSON gave lists."""
        if len(self.size) != 3 or len(self.spacing) != 3 or min(self.size) < 1 or min(self.spacing) <= 0:
            found = f"size {self.size}, spacing {self.spacing}"
            raise ValueError(f"ToReferenceGrid: expected three positive sizes and spacings, found {found}")
        object.__setattr__(self, "size", three_ints(self.size))
        object.__setattr__(self, "spacing", three_floats(self.spacing))

    def __call__(self, scan: Scan) -> Scan:
        """Cut the box.

        Args:
            scan: a scan, with a mask where the box is centred on the body.

        Raises:
            ValueError: if the centre is to be the body's and there is no mask, or the femoral heads' and they
                are not found.
        """
        middle, note = self.middle(scan)
        result = resliced(scan, self._box(scan, middle), outside=self.outside)
        return result.with_note(type(self).__name__, note) if note else result

    def onto(self, grid: Grid) -> ToGrid:
        """Step that ends on a given grid instead.

        Args:
            grid: the grid of the prepared partner.
        """
        return ToGrid(
            size=grid.size,
            spacing=grid.spacing,
            origin=grid.origin,
            direction=grid.direction,
            outside=self.outside,
        )

    def grid(self, scan: Scan) -> Grid:
        """Box that belongs to a scan.

        Args:
            scan: the scan to cut.
        """
        return self._box(scan, self.middle(scan)[0])

    def middle(self, scan: Scan) -> tuple[Float[np.ndarray, "3"], dict[str, object]]:
        """Middle of the box in LPS millimetres, and how it was found, as JSON values.

        Args:
            scan: the scan to cut.

        Raises:
            ValueError: if what the box is to be centred on is not known.
        """
        if self.centre == "image":
            return np.array(grid_of(scan.image).centre), {}
        if self.centre == "body":
            return _body_centroid(scan), {}
        heads = femoral_heads(scan)
        return np.array(heads.midpoint), {"heads": heads.to_note()}

    def _box(self, scan: Scan, middle: Float[np.ndarray, "3"]) -> Grid:
        spacing, size = three_floats(self.spacing), three_ints(self.size)
        axes = np.reshape(scan.image.GetDirection(), (3, 3))
        half = np.array([(count - 1) / 2 * step for count, step in zip(size, spacing, strict=True)])
        return Grid(
            size=size,
            spacing=spacing,
            origin=three_floats((middle - axes @ half).tolist()),
            direction=scan.image.GetDirection(),
        )


def resliced(scan: Scan, grid: Grid, *, outside: float) -> Scan:
    """Scan on another grid, with a note of how much of that grid was scanned, slice by slice.

    Where some of it was not, the result has a coverage image.

    Args:
        scan: a scan on any grid.
        grid: the grid wanted.
        outside: intensity where the scan does not reach.
    """
    covered = coverage_on(scan, grid)
    if not grid_of(scan.image).difference(grid):
        return with_coverage(scan, covered)
    whole = bool(sitk.GetArrayViewFromImage(covered).all())
    result = replace(
        scan,
        image=resample_linear(scan.image, grid, outside=outside, covered=scan.coverage),
        mask=None if scan.mask is None else resample_nearest(scan.mask, grid),
        label=None if scan.label is None else resample_nearest(scan.label, grid),
        coverage=None if whole else covered,
    )
    return with_coverage(result, covered)


def _body_centroid(scan: Scan) -> Float[np.ndarray, "3"]:
    if scan.mask is None:
        raise ValueError("ToReferenceGrid: expected a body mask, found none; put BodyMask before it")
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(scan.mask != 0)
    if not shape.GetLabels():
        raise ValueError("ToReferenceGrid: expected a body to centre on, found an empty mask; see the mask")
    return np.array(shape.GetCentroid(1))
