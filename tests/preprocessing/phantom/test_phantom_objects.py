"""Couch and implant fill the room that their dimensions say, on any grid."""

import numpy as np
import pytest

from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.objects import (
    COUCH_GAP,
    COUCH_HALF_WIDTH,
    COUCH_RISE,
    COUCH_THICKNESS,
    IMPLANT_RADIUS,
    IMPLANT_REACH,
    Couch,
    couch_under,
    implant_of,
    put_in,
)
from preprocessing.phantom.patient import typical_patient
from preprocessing.phantom.scan_grids import make_grid


@pytest.mark.parametrize("pixel", [0.7, 2.8, 7.5])
def test_the_couch_is_as_thick_and_as_curved_as_it_says(pixel):
    width = 2 * round(240 / pixel) + 1
    grid = make_grid(
        centre=(5.0, 100.0, 0.0), axes="LPS", size=(width, width, 2), spacing=(pixel, pixel, 4.0)
    )
    couch = Couch(middle=5.0, top=120.0)
    shares = couch.shares(grid)[0]
    away = (np.arange(width) - width // 2) * pixel
    over = np.abs(away) <= COUCH_HALF_WIDTH
    np.testing.assert_allclose(shares.sum(axis=0)[over] * pixel, COUCH_THICKNESS, atol=1e-3)
    assert not shares[:, ~over].any()
    back = 100.0 + away
    middle = (shares * back[:, None]).sum(axis=0)[over] / shares.sum(axis=0)[over]
    rise = COUCH_RISE * (away[over] / COUCH_HALF_WIDTH) ** 2
    # A voxel that is only partly filled counts at its centre.
    np.testing.assert_allclose(middle, 120.0 + COUCH_THICKNESS / 2 - rise, atol=pixel / 2)


@pytest.mark.parametrize("pixel", [0.7, 2.8, 7.5])
def test_the_couch_touches_no_body_and_is_no_farther_than_it_must(pixel):
    half = round(200 / pixel)
    grid = make_grid(
        centre=(0.0, 0.0, 0.0), axes="LPS", size=(2 * half, 2 * half, 1), spacing=(pixel, pixel, 4.0)
    )
    x, y = np.meshgrid(*[(np.arange(2 * half) - half + 0.5) * pixel] * 2)
    body = ((x / 170) ** 2 + (y / 110) ** 2 < 1)[None]
    couch = couch_under([(grid, body)], middle=0.0)
    assert 110 + COUCH_GAP <= couch.top <= 110 + max(COUCH_GAP, 2 * pixel) + 2 * pixel
    shell = couch.shares(grid) > 0
    for column in range(2 * half):
        inside, below = (np.flatnonzero(part[0, :, column]) for part in (body, shell))
        if len(inside) and len(below):
            assert below[0] - inside[-1] >= 2


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 2.0, 3.0)])
def test_the_implant_has_its_volume_and_holds_the_head(spacing):
    anatomy = HipAnatomy(typical_patient(1))
    implant, head = implant_of(anatomy), anatomy.landmarks()["femoral_head_centre_left"]
    size = tuple(round(140 / step) for step in spacing)
    grid = make_grid(centre=head, axes="LPS", size=size, spacing=spacing)
    shares = implant.shares(grid)
    length = IMPLANT_REACH[1] - IMPLANT_REACH[0]
    assert np.linalg.norm(np.subtract(implant.end, implant.start)) == pytest.approx(length)
    assert shares.sum() * np.prod(spacing) == pytest.approx(np.pi * IMPLANT_RADIUS**2 * length, rel=0.05)
    middle = tuple(count // 2 for count in size[::-1])
    assert shares[middle] == 1


def test_an_object_replaces_what_it_fills():
    volume = np.array([[[-1000.0, 50.0, 50.0]]], np.float32)
    shares = np.array([[[0.0, 0.5, 1.0]]], np.float32)
    np.testing.assert_array_equal(put_in(volume, shares, 3000.0), [[[-1000.0, 1525.0, 3000.0]]])
