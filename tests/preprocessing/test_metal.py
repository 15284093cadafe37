"""Implants are found by their density and volume, wherever they lie on whatever grid."""

import numpy as np
import pytest
from laws import CENTRE_LPS, GRIDS, array, body, hounsfield, volume

from preprocessing.case_preparation import prepare_scan
from preprocessing.metal import MetalDetector
from preprocessing.scan import Scan

STEM_LPS = (37.0, -7.0, 31.0)
"""Middle of the implant: in the patient's left marrow space."""
HALF_MM = (6.5, 7.5, 20.5)
"""Half its edges: between voxel centres of every straight grid, so that none lies on its surface."""
CLIPPED_HU = 3071.0
"""The highest CT number of 12 bits."""
FOUND = 0.25
"""Share by which the volume found may differ from the true one on voxels of 5 x 6 x 4 mm."""


def implant(where: np.ndarray) -> np.ndarray:
    return np.all(np.abs(where - np.array(STEM_LPS)) < np.array(HALF_MM), axis=-1)


def with_implant(where: np.ndarray, *, hu: float = 8000.0) -> np.ndarray:
    return np.where(implant(where), hu, hounsfield(where))


def scan(function, name: str = "LPS") -> Scan:
    grid = GRIDS[name]
    return Scan(image=volume(grid, function), mask=volume(grid, body, kind=np.uint8))


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("hu", [8000.0, CLIPPED_HU])
def test_an_implant_is_flagged_with_its_volume_and_place(name, hu):
    before = scan(lambda where: with_implant(where, hu=hu), name)
    after = MetalDetector()(before)
    (piece,) = after.notes["MetalDetector"]["pieces"]
    true = array(volume(GRIDS[name], implant)).sum() * np.prod(GRIDS[name].spacing) / 1000
    assert piece["volume_ml"] == pytest.approx(true, abs=1e-3)
    assert piece["volume_ml"] == pytest.approx(np.prod(np.multiply(2, HALF_MM)) / 1000, rel=FOUND)
    low, high = np.array(piece["low_lps_mm"]), np.array(piece["high_lps_mm"])
    assert np.all(np.abs((low + high) / 2 - STEM_LPS) < np.max(GRIDS[name].spacing))
    (message,) = after.warnings
    assert "an implant: 1 piece above 2500 HU, the largest of" in message
    np.testing.assert_array_equal(array(after.image), array(before.image))


def test_a_refusal_fails_the_case_by_name():
    with pytest.raises(
        ValueError, match=r"expected a patient without implants, found 1 piece above 2500 HU.* mL"
    ):
        prepare_scan(scan(with_implant), [MetalDetector(action="refuse")])


def test_two_hips_are_two_pieces_the_larger_first():
    def both(where):
        mirrored = where * [-1, 1, 1] + [2 * CENTRE_LPS[0], 0, 0]
        smaller = implant(mirrored) & (where[..., 2] < 31)
        return np.where(smaller, 4000.0, with_implant(where))

    pieces = MetalDetector()(scan(both)).notes["MetalDetector"]["pieces"]
    volumes = [piece["volume_ml"] for piece in pieces]
    assert len(volumes) == 2
    assert volumes[0] > volumes[1]


def speckled(where: np.ndarray) -> np.ndarray:
    """Voxels of photon starvation all over, none beside another."""
    noise = np.zeros(where.shape[:-1])
    noise[::3, ::3, ::3] = 3500.0
    return np.maximum(hounsfield(where), noise)


def bead(where: np.ndarray) -> np.ndarray:
    near = np.linalg.norm(where - np.array(STEM_LPS), axis=-1)
    return np.where(near == near.min(), 9000.0, hounsfield(where))


@pytest.mark.parametrize(
    "function",
    [hounsfield, lambda where: with_implant(where, hu=2000.0), speckled, bead],
    ids=["no implant", "bone of 2000 HU", "noise", "a bead of 0.12 mL"],
)
@pytest.mark.parametrize("action", ["flag", "refuse"])
def test_bone_noise_and_beads_are_no_implants(function, action):
    after = MetalDetector(action=action)(scan(function))
    assert after.notes["MetalDetector"]["pieces"] == []
    assert after.warnings == ()


def test_metal_outside_the_body_is_none_of_the_patients():
    def beside(where):
        return np.where(where[..., 0] > CENTRE_LPS[0] + 62, 9000.0, hounsfield(where))

    assert MetalDetector()(scan(beside)).notes["MetalDetector"]["pieces"] == []
    unmasked = MetalDetector()(Scan(image=volume(GRIDS["LPS"], beside)))
    assert len(unmasked.notes["MetalDetector"]["pieces"]) == 1


@pytest.mark.parametrize("wrong", [{"action": "hide"}, {"volume": 0.0}])
def test_an_unknown_action_or_no_volume_is_refused(wrong):
    with pytest.raises(ValueError, match="expected an action of"):
        MetalDetector(**wrong)
