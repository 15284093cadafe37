"""What counts as rough along the stack, and what as blurred."""

import numpy as np
import pytest
from scipy import ndimage

from evaluation.continuity import KEPT_EDGE_ENERGY, edge_energy_ratio, slice_roughness

AXES = {"sagittal": 0, "coronal": 1, "axial": 2}


def along(values, axis):
    return np.asarray(values, dtype=float).reshape([-1 if k == axis else 1 for k in range(3)])


@pytest.mark.parametrize(("plane", "axis"), AXES.items())
def test_alternating_slices_are_rough_by_four_times_their_amplitude(reference, plane, axis):
    flicker = along((-1.0) ** np.arange(reference.shape[axis]) * 7, axis)
    everywhere = np.ones(reference.shape, bool)
    assert slice_roughness(reference + flicker, reference, plane=plane, mask=everywhere) == pytest.approx(
        28.0
    )
    for other in set(AXES) - {plane}:
        assert slice_roughness(reference + flicker, reference, plane=other, mask=everywhere) == pytest.approx(
            0.0
        )


@pytest.mark.parametrize(("plane", "axis"), AXES.items())
def test_offset_and_even_drift_are_not_rough_however_rough_the_anatomy(reference, plane, axis):
    drift = 30 + 2.5 * along(np.arange(reference.shape[axis]), axis)
    everywhere = np.ones(reference.shape, bool)
    assert slice_roughness(reference + drift, reference, plane=plane, mask=everywhere) == pytest.approx(
        0.0, abs=1e-9
    )


def test_only_voxels_with_both_neighbours_inside_count(reference):
    error = along([0, 0, 0, 9, 0, 0, 0] + [0] * 9, 2)
    mask = np.zeros(reference.shape, bool)
    mask[:, :, 4:10] = True
    assert slice_roughness(reference + error, reference, plane="axial", mask=mask) == 0.0
    mask[:, :, 3] = True  # now slice 4 has the bad slice 3 as its neighbour: 9 in one of 5 counted slices
    assert slice_roughness(reference + error, reference, plane="axial", mask=mask) == pytest.approx(9 / 5)


def test_blur_along_the_stack_loses_edge_energy_and_blur_within_slices_does_not_gain(reference):
    bone = reference >= 250
    assert edge_energy_ratio(reference, reference, plane="coronal", bone=bone) == 1.0
    blurred = ndimage.gaussian_filter1d(reference, 1.0, axis=1)
    assert edge_energy_ratio(blurred, reference, plane="coronal", bone=bone) < KEPT_EDGE_ENERGY
    halved = reference * 0.5
    assert edge_energy_ratio(halved, reference, plane="coronal", bone=bone) == pytest.approx(0.25)


def test_refuses_what_has_no_answer(reference):
    two = np.zeros(reference.shape, bool)
    two[:, :, 3:5] = True
    with pytest.raises(ValueError, match="three axial slices"):
        slice_roughness(reference, reference, plane="axial", mask=two)
    flat = np.zeros(reference.shape)
    with pytest.raises(ValueError, match="no change"):
        edge_energy_ratio(flat, flat, plane="axial", bone=two)
