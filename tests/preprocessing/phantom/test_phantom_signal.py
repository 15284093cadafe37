"""The MR equation against numbers worked out by hand, and fat against water."""

import numpy as np
import pytest

from preprocessing.phantom.acquisition import FAT_LEVEL, mr_truth
from preprocessing.phantom.anatomy import Tissue
from preprocessing.phantom.sampling import AnatomySample
from preprocessing.phantom.scan_grids import make_grid
from preprocessing.phantom.signal import SpoiledGradientEcho
from preprocessing.phantom.texture import Texture
from preprocessing.phantom.tissue import typical_tissues


def test_signal_against_hand_computed_values():
    """sin 30 (1 - E1) / (1 - cos 30 E1) exp(-TE / T2*) with E1 = exp(-7.9 / T1)."""
    sequence = SpoiledGradientEcho()
    # T1 235: E1 = 0.966942; 0.5 x 0.033058 / (1 - 0.866025 x 0.966942) = 0.101652; exp(-3.08/26) = 0.888283.
    assert sequence.signal(235.0, 26.0) == pytest.approx(0.101652 * 0.888283, rel=1e-4)
    # T1 660: E1 = 0.988102; 0.5 x 0.011898 / (1 - 0.855721) = 0.041232; exp(-3.08/30) = 0.902427.
    assert sequence.signal(660.0, 30.0) == pytest.approx(0.041232 * 0.902427, rel=1e-4)
    assert SpoiledGradientEcho(flip=90.0, te=0.0).signal(7.9, 1.0) == pytest.approx(1 - np.exp(-1))


def test_fat_is_nearly_opposed_at_the_papers_echo():
    """3.4 ppm x 42.577 MHz = 144.8 Hz at 1 T, and 360 x 144.8 x 0.00308 = 160.5 degrees."""
    assert np.rad2deg(SpoiledGradientEcho().fat_phase) == pytest.approx(160.51, abs=0.05)
    assert np.rad2deg(SpoiledGradientEcho(field=3.0).fat_phase) == pytest.approx(3 * 160.51, abs=0.2)


def test_equal_water_and_fat_nearly_cancel():
    """|1 + exp(i phi)| = 2 |cos(phi / 2)|."""
    sequence = SpoiledGradientEcho()
    one = np.ones(1, np.float32)
    expected = 2 * abs(np.cos(sequence.fat_phase / 2))
    assert sequence.magnitude(one, one)[0] == pytest.approx(expected, rel=1e-4)
    assert expected < 0.35
    in_phase = SpoiledGradientEcho(te=1000 / (3.4 * 42.577))
    assert in_phase.magnitude(one, one)[0] == pytest.approx(2, rel=1e-4)


def mixture(shares):
    """Voxels in a row with given shares of tissues and no texture."""
    count = len(shares)
    grid = make_grid(centre=(0, 0, 0), axes="LPS", size=(count, 1, 1), spacing=(1, 1, 1))
    fraction = np.zeros((len(Tissue), 1, 1, count), np.float32)
    for i, voxel in enumerate(shares):
        for tissue, share in voxel.items():
            fraction[tissue, 0, 0, i] = share
    zero = np.zeros((1, 1, count), np.float32)
    sample = AnatomySample(
        grid=grid, label=zero.astype(np.uint8), fraction=fraction, rest=np.zeros((3, 1, 1, count), np.float32)
    )
    texture = Texture(drift=zero, streak_fat=zero, trabeculae=zero, marrow_fat=zero)
    return mr_truth(sample, texture, typical_tissues(), SpoiledGradientEcho())[0, 0]


def test_fat_is_bright_muscle_middling_bone_and_air_dark():
    pure = mixture([{t: 1.0} for t in (Tissue.FAT, Tissue.MUSCLE, Tissue.CORTICAL_BONE, Tissue.AIR)])
    assert pure[0] == pytest.approx(FAT_LEVEL, rel=1e-4)
    assert 32 < pure[1] < 45
    assert pure[2] < 2
    assert pure[3] == 0


def test_a_voxel_of_muscle_and_fat_is_darker_than_either():
    """The dark line about muscle: the sum is complex, so a mixture is no mean. Closed form from the table."""
    steps = np.linspace(0, 1, 41)
    values = mixture([{Tissue.FAT: s, Tissue.MUSCLE: 1 - s} for s in steps])
    table, sequence = typical_tissues().table, SpoiledGradientEcho()
    fat, muscle = table[Tissue.FAT], table[Tissue.MUSCLE]

    def phasor(t):
        water = (1 - t.fat_fraction) * sequence.signal(t.t1, t.t2_star)
        lipid = t.fat_fraction * sequence.signal(235.0, t.t2_star)
        return t.proton_density * (water + lipid * np.exp(1j * sequence.fat_phase))

    exact = np.abs(steps * phasor(fat) + (1 - steps) * phasor(muscle))
    assert values == pytest.approx(FAT_LEVEL * exact / exact[-1], abs=0.02)
    assert values.min() < 0.5 * values[0]
    assert 0.15 < steps[values.argmin()] < 0.45
