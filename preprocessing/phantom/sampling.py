"""The anatomy seen through a lattice of voxels: fractions of each tissue, labels and texture coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from preprocessing.grid import Grid
from preprocessing.phantom.anatomy import HipAnatomy, Tissue
from preprocessing.phantom.scan_grids import voxel_positions

BLOCK_MM = 46.0
"""Edge in mm of the blocks in which a lattice is evaluated: so small that few structures reach into one."""
FINEST = 2.0
"""Largest distance in mm between sub-voxel samples; a voxel has at least two along each axis."""
MOST = 4
"""Most samples along an axis of a voxel, however thick it is."""
SLOPE = 1.25
"""Factor by which approximate distances may exceed true ones."""


@dataclass(frozen=True, kw_only=True)
class AnatomySample:
    """What each voxel holds.

    Args:
        grid: the lattice.
        label: structure at the voxel's centre, uint8, axes (k, j, i) as SimpleITK's arrays.
        fraction: share of each tissue in the voxel, float32, axes (tissue, k, j, i); sums to 1.
        rest: texture coordinates of the voxel's centre in mm, float32, axes (3, k, j, i).
    """

    grid: Grid
    label: NDArray[np.uint8]
    fraction: NDArray[np.float32]
    rest: NDArray[np.float32]


def sample_anatomy(
    anatomy: HipAnatomy, grid: Grid, *, supersampling: tuple[int, int, int] | None = None
) -> AnatomySample:
    """Return tissue fractions and labels on a lattice.

    Only voxels that a border may cross are divided; the others are of one tissue.

    Args:
        anatomy: the patient.
        grid: the lattice, of any size, spacing, origin and direction.
        supersampling: samples along each stored axis of a divided voxel; by default as `FINEST` asks.
    """
    factors = supersampling or _factors(grid)
    offsets = _offsets(factors)
    half_diagonal = SLOPE * float(np.linalg.norm(np.array(grid.spacing) * (1 - 1 / np.array(factors)))) / 2
    shape = grid.size[::-1]
    label = np.zeros(shape, np.uint8)
    fraction = np.zeros((len(Tissue), *shape), np.float32)
    fraction[Tissue.AIR] = 1
    rest = np.zeros((3, *shape), np.float32)
    for block in _blocks(grid):
        index = _indices(block)
        found = anatomy.classify(voxel_positions(grid, index), margin=half_diagonal + 4)
        rows, columns, slices = (slice(r.start, r.stop) for r in block)
        extent = tuple(len(r) for r in block[::-1])
        label[slices, columns, rows] = found.label.reshape(extent)
        shares = _shares(anatomy, grid, index, found.tissue, found.clearance < half_diagonal, offsets)
        fraction[:, slices, columns, rows] = shares.reshape(len(Tissue), *extent)
        for axis in range(3):
            rest[axis, slices, columns, rows] = found.rest[axis].reshape(extent)
    return AnatomySample(grid=grid, label=label, fraction=fraction, rest=rest)


def _factors(grid: Grid) -> tuple[int, int, int]:
    first, second, third = (
        min(max(2, int(np.ceil(spacing / FINEST - 1e-6))), MOST) for spacing in grid.spacing
    )
    return first, second, third


def _offsets(factors: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the sub-voxel positions in voxel units, symmetric about the centre."""
    axes = [(np.arange(n) + 0.5) / n - 0.5 for n in factors]
    return np.array(list(product(*axes)))


def _blocks(grid: Grid) -> Iterator[tuple[range, range, range]]:
    edges = [max(1, round(BLOCK_MM / spacing)) for spacing in grid.spacing]
    starts = [range(0, n, edge) for n, edge in zip(grid.size, edges, strict=True)]
    for corner in product(*starts):
        i, j, k = (range(c, min(c + e, n)) for c, e, n in zip(corner, edges, grid.size, strict=True))
        yield i, j, k


def _indices(block: tuple[range, range, range]) -> NDArray[np.float64]:
    """Return the voxel indices (n, 3) of a block in stored axis order, the first axis running fastest."""
    i, j, k = block
    planes = np.meshgrid(np.array(k), np.array(j), np.array(i), indexing="ij")
    return np.stack([planes[2].ravel(), planes[1].ravel(), planes[0].ravel()], axis=1).astype(float)


def _shares(
    anatomy: HipAnatomy,
    grid: Grid,
    index: NDArray[np.float64],
    tissue: NDArray[np.uint8],
    mixed: NDArray[np.bool_],
    offsets: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return the share of each tissue (tissue, n), from the centre alone where no border is near."""
    shares = np.zeros((len(Tissue), len(tissue)), np.float32)
    shares[tissue, np.arange(len(tissue))] = 1
    if not mixed.any():
        return shares
    inner = (index[mixed][:, None, :] + offsets).reshape(-1, 3)
    parts = anatomy.classify(voxel_positions(grid, inner), margin=4).tissue.reshape(-1, len(offsets))
    for kind in Tissue:
        shares[kind, mixed] = np.count_nonzero(parts == kind, axis=1) / np.float32(len(offsets))
    return shares
