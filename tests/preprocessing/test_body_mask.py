"""The body mask is the body: all of it, filled, and nothing else."""

import numpy as np
import pytest
from laws import CENTRE_LPS, GRIDS, array, body, hounsfield, tissue, volume
from scipy import ndimage

from preprocessing.body_mask import BodyMask
from preprocessing.grid import Grid
from preprocessing.scan import Scan

FINE = Grid(
    size=(90, 60, 24),
    spacing=(2.0, 2.0, 4.0),
    origin=(-77.0, -66.0, -15.0),
    direction=(1, 0, 0, 0, 1, 0, 0, 0, 1),
)
"""An axial grid fine enough for tables and gas, around the middle of the test body."""
RIM_MM = 4.0
"""A voxel this near to the true surface may fall on either side: twice the smoothing."""
LEAST_DICE = 0.97
"""Where the back touches the table, a wedge between them may stay."""
CT = BodyMask(threshold=-300)
MR = BodyMask()


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * np.sum(first & second) / (first.sum() + second.sum())


def worst_error(found: np.ndarray, true: np.ndarray, grid: Grid) -> float:
    """Distance in mm, beyond the next voxel, of the most misplaced voxel from the true surface."""
    depth = [ndimage.distance_transform_edt(part, sampling=grid.spacing) for part in (true, ~true)]
    wrong = np.where(found != true, np.maximum(*depth), 0)
    return float(wrong.max()) - max(grid.spacing)


def mask_of(step: BodyMask, function, grid: Grid = FINE) -> np.ndarray:
    return array(step(Scan(image=volume(grid, function))).mask) > 0


def offset(where: np.ndarray) -> np.ndarray:
    return np.moveaxis(where - np.array(CENTRE_LPS), -1, 0)


@pytest.mark.parametrize("grid", [*GRIDS.values(), FINE], ids=[*GRIDS, "fine"])
@pytest.mark.parametrize(("step", "function"), [(MR, tissue), (CT, hounsfield)], ids=["MR", "CT"])
def test_it_is_the_body_on_every_grid(step, function, grid):
    assert worst_error(mask_of(step, function, grid), array(volume(grid, body)) > 0, grid) <= RIM_MM


def test_scaling_and_noise_of_an_mr_do_not_matter():
    def noisy(where):
        noise = np.random.default_rng(0).normal(scale=4.0, size=(2, *where.shape[:-1]))
        return np.hypot(tissue(where) + noise[0], noise[1])

    assert worst_error(mask_of(MR, noisy), array(volume(FINE, body)) > 0, FINE) <= RIM_MM
    np.testing.assert_array_equal(mask_of(MR, lambda where: 37 * tissue(where)), mask_of(MR, tissue))


def test_muscle_belongs_to_the_body_where_hardly_any_air_is_in_view():
    """Two classes would be fat and muscle there."""
    inside = Grid(
        size=(40, 24, 24),
        spacing=(2.4, 2.8, 3.5),
        origin=(-35, -39, -9),
        direction=(1, 0, 0, 0, 1, 0, 0, 0, 1),
    )
    air_share = 1 - array(volume(inside, body)).mean()
    assert air_share < 0.05
    assert worst_error(mask_of(MR, tissue, inside), array(volume(inside, body)) > 0, inside) <= RIM_MM


def with_gas(where):
    x, y, z = offset(where)
    pocket = (x / 12) ** 2 + (y / 10) ** 2 < 1
    # From the middle of the volume out through its last slice.
    return np.where(pocket & (z > 0), -1000.0, hounsfield(where))


def test_gas_that_leaves_through_the_last_slice_is_filled():
    assert dice(mask_of(CT, with_gas), mask_of(CT, hounsfield)) == 1.0


def with_table(where):
    _, y, _ = offset(where)
    # The patient lies on it.
    return np.where((y > 40) & (y < 46), np.maximum(hounsfield(where), 200.0), hounsfield(where))


def with_phantom_beside(where):
    x, y, _ = offset(where)
    return np.where((x + 80) ** 2 + y**2 < 8**2, 200.0, hounsfield(where))


@pytest.mark.parametrize("function", [with_table, with_phantom_beside])
def test_tables_and_things_beside_the_body_are_left_out(function):
    assert not np.array_equal(array(volume(FINE, function)), array(volume(FINE, hounsfield)))
    assert dice(mask_of(CT, function), mask_of(CT, hounsfield)) > LEAST_DICE


def thighs(where):
    x, y, _ = offset(where)
    return np.where(((np.abs(x) - 32) / 24) ** 2 + (y / 28) ** 2 < 1, 50.0, -1000.0)


def test_two_thighs_are_one_body():
    assert worst_error(mask_of(CT, thighs), array(volume(FINE, thighs)) > 0, FINE) <= RIM_MM


def test_a_mask_that_the_scan_brings_is_kept():
    given = volume(FINE, lambda where: where[..., 0] > 0, kind=np.uint8)
    result = MR(Scan(image=volume(FINE, tissue), mask=given))
    np.testing.assert_array_equal(array(result.mask), array(given))


def test_no_body_is_an_error_and_all_body_is_not():
    with pytest.raises(ValueError, match="expected a body brighter than -300, found at most -1000"):
        CT(Scan(image=volume(FINE, lambda where: np.full(where.shape[:-1], -1000.0))))
    with pytest.raises(ValueError, match="expected a body brighter than 0, found at most 0"):
        MR(Scan(image=volume(FINE, lambda where: np.zeros(where.shape[:-1]))))
    assert mask_of(CT, lambda where: np.full(where.shape[:-1], 50.0)).all()
