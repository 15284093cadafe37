"""Shapes of masks: what a ball can reach, what is large, what has no holes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

PART_SHARE = 0.25
"""Components at least this large beside the largest are body too: two thighs below the crotch."""
MOST_SHELLS = 3
"""Of the components of what is dense, this many of the largest may enclose the body."""
BRIDGE_MM = 5.0
"""Gaps in a shell up to twice this wide are bridged."""
NEARLY_ALL = 0.95
"""Share of the body inside what encloses it."""


def opened(
    body: Bool[np.ndarray, "z y x"], radius: float, spacing: tuple[float, ...]
) -> Bool[np.ndarray, "z y x"]:
    """Part of a mask that a ball can reach; beyond the edge of the field of view the body goes on.

    Args:
        body: the mask.
        radius: of the ball, millimetres.
        spacing: along the array axes, millimetres.
    """
    if body.all() or not body.any():
        return body
    core = ndimage.distance_transform_edt(body, sampling=spacing) > radius
    if not core.any():
        return body
    core = large(core)
    return np.asarray(body & (ndimage.distance_transform_edt(~core, sampling=spacing) <= radius))


def large(body: Bool[np.ndarray, "z y x"]) -> Bool[np.ndarray, "z y x"]:
    """Components that are large beside the largest one.

    Args:
        body: the mask.
    """
    labels, count = ndimage.label(body)
    if count <= 1:
        return body
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= PART_SHARE * sizes.max())[labels])


def filled(body: Bool[np.ndarray, "z y x"]) -> Bool[np.ndarray, "z y x"]:
    """Fill holes in space, and then in every slice: bowel gas may leave through the last one.

    Args:
        body: the mask.
    """
    whole = _without_holes(body, (0, 1, 2))
    for axis in range(3):
        whole = _without_holes(whole, tuple(other for other in range(3) if other != axis))
    return whole


def _without_holes(body: Bool[np.ndarray, "z y x"], axes: tuple[int, ...]) -> Bool[np.ndarray, "z y x"]:
    """Fill what no path along some axes leads out of, for every slice across the others at once."""
    neighbours = np.zeros((3, 3, 3), bool)
    for axis in axes:
        line: list[int | slice] = [1, 1, 1]
        line[axis] = slice(None)
        neighbours[tuple(line)] = True
    labels, count = ndimage.label(~body, structure=neighbours)
    outside = np.zeros(count + 1, bool)
    for axis in axes:
        for end in (0, -1):
            outside[labels.take(end, axis=axis)] = True
    outside[0] = False
    result = np.empty_like(body)
    for numbers, plane in zip(labels, result, strict=True):
        plane[:] = ~outside[numbers]
    return result


def enclosing(
    dense: Bool[np.ndarray, "z y x"], body: Bool[np.ndarray, "z y x"], spacing: tuple[float, ...]
) -> Bool[np.ndarray, "z y x"]:
    """The largest filled component that holds nearly all of the body, else the body.

    Gaps of a thin shell are bridged first.

    Args:
        dense: voxels brighter than air.
        body: part of them, filled.
        spacing: along the array axes, millimetres.
    """
    if dense.all():
        return body
    bridged = ndimage.distance_transform_edt(~dense, sampling=spacing) <= BRIDGE_MM
    labels, _ = ndimage.label(bridged)
    sizes = np.bincount(labels.ravel())
    best = body
    for number in np.argsort(sizes[1:])[::-1][:MOST_SHELLS] + 1:
        whole = filled(labels == number)
        whole = ndimage.distance_transform_edt(whole, sampling=spacing) > BRIDGE_MM
        if whole.sum() > best.sum() and whole[body].mean() > NEARLY_ALL:
            best = whole
    return best
