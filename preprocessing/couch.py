"""Take the CT couch away where it touches the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float
from scipy import ndimage

MOST_SLICES = 0.6
"""A couch runs through at least this share of the slices at one place; limbs and lines do not."""
STRAIGHTEST_MM = 2.0
"""Mean deviation of the couch's upper face from a parabola, at most."""
LEAST_WIDTH_MM = 12.0
"""The couch shows over at least this width on either side of the patient's middle."""
TOLERANCE_MM = 3.0
"""The lower face of what is cut away lies this near to the couch's."""
THICKEST_MM = 15.0
"""Shells are thinner; an arm is thicker."""
CLEAR_MM = 4.0
"""What is nearer to the body than this is not looked at: the skin, not the couch."""
MOST_OBLIQUE = 0.8
"""Least cosine between an array axis and head or back."""


@dataclass(frozen=True, kw_only=True)
class Couch:
    """Cross-section of a couch, the same in every slice; positions in voxels.

    Args:
        upper: coefficients of the parabola of its upper face, of the column number.
        thickness: of its upper shell.
        first: leftmost column in which it was seen.
        last: rightmost one.
    """

    upper: tuple[float, ...]
    thickness: float
    first: int
    last: int


def couch_region(
    body: Bool[np.ndarray, "z y x"],
    dense: Bool[np.ndarray, "z y x"],
    image: sitk.Image,
    *,
    pad: Bool[np.ndarray, "z y x"] | None = None,
) -> Bool[np.ndarray, "z y x"]:
    """Everything from the upper face of the couch backwards, if a couch shows on both sides of the body.

    The couch is what is dense, is not body, lies behind its middle and is the same in most slices. Its upper
    face is continued under the patient by a parabola. A column of voxels belongs to the region where what is
    dense there ends with the couch's lower face.

    Args:
        body: voxels taken for the body, the couch under it perhaps among them.
        dense: voxels denser than air.
        image: an image on the same grid, for its axes and spacing.
        pad: voxels that may be a mattress, which must show on both sides beyond the body; None for a couch.
    """
    order = _order(image)
    if order is None:
        return np.zeros_like(body)
    axes, flips = order
    parts = (body, dense, dense if pad is None else pad)
    turned_body, turned_dense, possible = (np.flip(part.transpose(axes), flips) for part in parts)
    spacing = np.array(image.GetSpacing()[::-1])[list(axes)]
    couch = find_couch(turned_body, possible, spacing=spacing, beyond=pad is not None)
    if couch is None:
        return np.zeros_like(body)
    region = _region(turned_dense, couch, tolerance=max(1.0, TOLERANCE_MM / spacing[1]))
    return np.ascontiguousarray(np.flip(region, flips).transpose(np.argsort(axes)))


def find_couch(
    body: Bool[np.ndarray, "slice row column"],
    dense: Bool[np.ndarray, "slice row column"],
    *,
    spacing: Float[np.ndarray, "3"],
    beyond: bool = False,
) -> Couch | None:
    """Cross-section of the couch, or None.

    Args:
        body: voxels taken for the body; rows grow to the back.
        dense: voxels denser than air.
        spacing: along the three array axes, millimetres.
        beyond: whether only columns to the sides of the body count.
    """
    near = ndimage.distance_transform_edt(~body, sampling=spacing) <= CLEAR_MM
    section = (dense & ~near).mean(axis=0) >= MOST_SLICES
    rows, columns = np.nonzero(body.any(axis=0))
    section[: int(np.median(rows))] = False
    if beyond:
        section[:, columns.min() : columns.max() + 1] = False
    seen = np.flatnonzero(section.any(axis=0))
    if len(seen) < 3:
        return None
    top = section.argmax(axis=0)[seen].astype(float)
    upper, good = _parabola(seen.astype(float), top, STRAIGHTEST_MM / spacing[1])
    middle, least = float(np.median(columns)), LEAST_WIDTH_MM / spacing[2]
    if min(np.sum(seen[good] < middle), np.sum(seen[good] > middle)) < least:
        return None
    lengths = [_run(section[int(row) :, column]) for row, column in zip(top[good], seen[good], strict=True)]
    thickness = float(np.median(lengths))
    if not beyond and thickness > THICKEST_MM / spacing[1]:
        return None
    return Couch(upper=upper, thickness=thickness, first=int(seen[good][0]), last=int(seen[good][-1]))


def _parabola(
    x: Float[np.ndarray, " place"], y: Float[np.ndarray, " place"], width: float
) -> tuple[tuple[float, ...], Bool[np.ndarray, " place"]]:
    good = np.ones(len(x), bool)
    coefficients = np.zeros(3)
    # Rails and pads beside the couch are left out one round after the other.
    for _ in range(5):
        coefficients = np.polyfit(x[good], y[good], 2)
        off = np.abs(np.polyval(coefficients, x) - y)
        good = off <= max(1.5 * width, float(np.median(off)))
        if good.sum() < 3:
            break
    good &= np.abs(np.polyval(coefficients, x) - y) <= 1.5 * width
    return tuple(coefficients.tolist()), good


def _run(column: Bool[np.ndarray, " row"]) -> int:
    return len(column) if column.all() else int(np.argmin(column))


def _region(
    dense: Bool[np.ndarray, "slice row column"], couch: Couch, *, tolerance: float
) -> Bool[np.ndarray, "slice row column"]:
    rows = np.arange(dense.shape[1])
    region = np.zeros_like(dense)
    for column in range(couch.first, couch.last + 1):
        upper = float(np.polyval(couch.upper, column))
        start = max(0, min(round(upper), len(rows) - 1))
        ends = np.array([start + _run(dense[number, start:, column]) for number in range(len(dense))])
        thin = ends <= upper + couch.thickness + tolerance
        region[:, :, column] = thin[:, None] & (rows >= round(upper))[None, :]
    return region


def _order(image: sitk.Image) -> tuple[tuple[int, int, int], tuple[int, ...]] | None:
    """Return the array axes that run along head, back and side, and which of them to flip."""
    cosines = np.reshape(image.GetDirection(), (3, 3))
    head, back = int(np.argmax(np.abs(cosines[2]))), int(np.argmax(np.abs(cosines[1])))
    if head == back or min(abs(cosines[2, head]), abs(cosines[1, back])) < MOST_OBLIQUE:
        return None
    side = 3 - head - back
    # Arrays list SimpleITK's axes backwards.
    axes = (2 - head, 2 - back, 2 - side)
    return axes, (1,) if cosines[1, back] < 0 else ()
