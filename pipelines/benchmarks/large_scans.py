"""CT and MR of a digital hip with as many voxels as large clinical scans: what memory is measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from preprocessing.grid import Grid, place
from preprocessing.phantom.acquisition import acquire_ct, acquire_mr
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.scan_grids import axial_grid
from preprocessing.phantom.scanning import ScanOrder, make_truth
from preprocessing.resampling import sample_linear
from preprocessing.volume import write_volume

LENGTH = 400.0
"""From head to foot, mm: pelvis and proximal femurs."""
DRAWN_SIDE, DRAWN_SLICES = 128, 100
"""Voxels that the phantom itself is drawn with at most; finer ones lie between them."""
NOISE = {"ct": 20.0, "mr": 2.0}
"""Standard deviation, HU or magnitude: without it compression and histograms would be too easy."""
AIR = {"ct": -1000.0, "mr": 0.0}


def write_large_scan(domain: str, path: Path, *, slices: int, side: int, seed: int) -> Path:
    """Write an axial scan as whole numbers and return its path.

    Args:
        domain: ct or mr.
        path: a .nii.gz file.
        slices: their number.
        side: pixels along a side of a slice.
        seed: of patient and noise.
    """
    order = ScanOrder(case=f"{domain}_large", domain=domain, split="train", seed=seed, size=DRAWN_SIDE)
    anatomy = HipAnatomy(order.draw())
    drawn = _grid(anatomy, slices=min(slices, DRAWN_SLICES), side=min(side, DRAWN_SIDE))
    rng = np.random.default_rng(seed)
    image = sitk.GetImageFromArray(_acquired(domain, anatomy, drawn, rng).astype(np.float32))
    place(image, drawn)
    grid = _grid(anatomy, slices=slices, side=side)
    voxels = sitk.GetArrayFromImage(sample_linear(image, grid, outside=AIR[domain]))
    for plane in voxels:
        plane += rng.normal(scale=NOISE[domain], size=plane.shape)
    whole = sitk.GetImageFromArray(np.rint(np.maximum(voxels, AIR[domain])).astype(np.int16))
    place(whole, grid)
    write_volume(whole, path)
    return path


def _acquired(
    domain: str, anatomy: HipAnatomy, grid: Grid, rng: np.random.Generator
) -> Float[np.ndarray, "k j i"]:
    # Partial volume would take most of the time, and changes nothing of what is measured.
    made = make_truth(anatomy, grid, supersampling=(1, 1, 1))
    return acquire_ct(made.ct, grid, rng) if domain == "ct" else acquire_mr(made.mr, grid, rng).image


def _grid(anatomy: HipAnatomy, *, slices: int, side: int) -> Grid:
    centre = anatomy.head_midpoint()
    return axial_grid(centre=centre, size=side, slices=slices, thickness=LENGTH / slices)
