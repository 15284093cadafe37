"""The body mask is the body: all of it, filled, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from laws import CENTRE_LPS, GRIDS, array, body, hounsfield, tissue, volume
from scipy import ndimage

from preprocessing.body_mask import BodyMask
from preprocessing.grid import Grid
from preprocessing.orientation import reoriented
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
NEARLY_WITHOUT_COUCH = 0.99
"""Overlap with the true body that a couch may cost."""
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


WIDE = Grid(
    size=(110, 70, 24),
    spacing=(2.0, 2.0, 4.0),
    origin=(-97.0, -66.0, -15.0),
    direction=(1, 0, 0, 0, 1, 0, 0, 0, 1),
)
"""An axial grid that sees the couch on both sides of the test body."""


def on_couch(*, gap=0.0, thick=6.0, sag=0.0, hu=100.0, hollow=False):
    """The test body on a couch `gap` below its back; `sag` is the depth of its cradle, all in mm."""

    def function(where):
        x, y, _ = offset(where)
        below = y - (42 + gap - sag * (x / 90) ** 2)
        shell = (below >= 0) & (below < thick)
        if hollow:
            shell |= (below >= 14) & (below < 14 + thick)
        return np.where(shell & (np.abs(x) < 95), np.maximum(hounsfield(where), hu), hounsfield(where))

    return function


COUCHES = {
    "touching": {},
    "2 mm away": {"gap": 2},
    "4 mm away": {"gap": 4},
    "of carbon, 3 mm": {"thick": 3, "hu": 200},
    "faint": {"hu": -200},
    "curved": {"sag": 18},
    "curved, 3 mm away": {"sag": 18, "gap": 3},
    "hollow": {"thick": 4, "sag": 10, "hollow": True},
    "with a foam mattress": {"thick": 24, "hu": -100},
    "with a foam mattress 4 mm away": {"thick": 24, "hu": -100, "gap": 4},
}


@pytest.mark.parametrize("couch", COUCHES.values(), ids=COUCHES)
@pytest.mark.parametrize("code", ["LPS", "RAS"])
def test_a_ct_couch_is_removed_wherever_it_touches(couch, code):
    image = reoriented(volume(WIDE, on_couch(**couch)), code)
    true = array(reoriented(volume(WIDE, body, kind=np.uint8), code)) > 0
    found = array(CT(Scan(image=image)).mask) > 0
    assert (array(image)[~true] > -500).sum() > 2000
    assert dice(found, true) > NEARLY_WITHOUT_COUCH
    assert found[true].mean() > NEARLY_WITHOUT_COUCH


def test_nothing_of_a_body_without_a_couch_is_taken_for_one():
    np.testing.assert_array_equal(mask_of(CT, hounsfield, WIDE), array(volume(WIDE, body)) > 0)


@pytest.mark.parametrize(("step", "function"), [(MR, tissue), (CT, on_couch())], ids=["MR", "CT on a couch"])
def test_the_mask_moves_with_the_scan_and_flips_with_it(step, function):
    fine = replace(WIDE, size=(219, 141, 24), spacing=(1.0, 1.0, 4.0))
    before = mask_of(step, function, fine)
    away = np.array([40.0, -30.0, 500.0])
    far = replace(fine, origin=tuple(np.add(fine.origin, away).tolist()))
    moved = step(Scan(image=volume(far, lambda where: function(where - away))))
    np.testing.assert_array_equal(array(moved.mask) > 0, before)
    for code in ("RPS", "LAS", "LPI"):
        flipped = step(Scan(image=reoriented(volume(fine, function), code)))
        np.testing.assert_array_equal(array(reoriented(flipped.mask, "LPS")) > 0, before, err_msg=code)


def test_a_skull_around_air_is_filled():
    """Head phantoms are hollow, and their shell is thinner than a couch may be."""

    def skull(where):
        x, y, z = offset(where)
        shell = ((x / 58) ** 2 + (y / 42) ** 2 < 1) & ((x / 54) ** 2 + (y / 38) ** 2 >= 1)
        insert = (x / 15) ** 2 + (y / 15) ** 2 < 1
        return np.where(shell | (insert & (z < 30)), 300.0, -1000.0)

    assert dice(mask_of(CT, skull), array(volume(FINE, body)) > 0) > LEAST_DICE


def test_arms_beside_the_body_are_left_out_alike():
    def with_arms(where):
        x, y, _ = offset(where)
        arm = (np.abs(x) - 80) ** 2 + (y - 15) ** 2 < 13**2
        return np.where(arm, 40.0, hounsfield(where))

    found = mask_of(CT, with_arms, WIDE)
    np.testing.assert_array_equal(found, array(volume(WIDE, body)) > 0)


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
