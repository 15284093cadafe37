"""Draws of slices: of (seed, number) only, near each other in mm where asked for, fair to every volume."""

from collections import Counter

import numpy as np
import pytest
import torch

from pipelines.data.sampler import UnpairedSliceSampler
from pipelines.data.slices import UnpairedSliceDataset
from preprocessing.volume import VolumeError


def dataset(counts_a=(3, 5), counts_b=(4, 9), *, spacing=2.5, kept=None) -> UnpairedSliceDataset:
    """Empty volumes of so many slices; `kept` names the slices to draw from, by number of the volume."""
    volumes = [torch.zeros(1, 2, count, 2) for count in (*counts_a, *counts_b)]
    items = [{"image": volume, "case": str(number)} for number, volume in enumerate(volumes)]
    for number, slices in (kept or {}).items():
        items[number]["slices"] = slices
    data = {"a": items[: len(counts_a)], "b": items[len(counts_a) :]}
    return UnpairedSliceDataset(
        data=data, transform=lambda item: item, plane="coronal", spacing=(1, spacing, 1)
    )


def sampler(*, samples=400, seed=3, tolerance=None, slices=None) -> UnpairedSliceSampler:
    return UnpairedSliceSampler(
        dataset=slices or dataset(), samples=samples, seed=seed, position_tolerance=tolerance
    )


def test_a_draw_depends_on_seed_and_number_only():
    drawn = list(sampler())
    shuffled = np.random.default_rng(0).permutation(400)
    other = sampler()
    assert {int(number): other.draw(int(number)) for number in shuffled} == dict(enumerate(drawn))
    assert list(sampler(samples=100)) == drawn[:100]
    assert list(sampler(seed=4)) != drawn


def test_global_generators_neither_matter_nor_move():
    before = torch.get_rng_state()
    drawn = list(sampler())
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert list(sampler()) == drawn


@pytest.mark.parametrize("start", [1, 137, 400])
def test_resumed_sampler_continues_the_sequence(start):
    whole = list(sampler())
    resumed = sampler()
    resumed.start = start
    assert list(resumed) == whole[start:]
    assert len(resumed) == 400 - start


def test_every_draw_exists():
    slices = dataset()
    for draw in sampler(slices=slices):
        assert draw.slice_a < slices.slice_counts("a")[draw.volume_a]
        assert draw.slice_b < slices.slice_counts("b")[draw.volume_b]


def test_volumes_are_drawn_alike_whatever_their_size_and_every_slice_of_each():
    draws = list(sampler(samples=6000))
    for side, counts in (("a", (3, 5)), ("b", (4, 9))):
        pairs = Counter((getattr(draw, f"volume_{side}"), getattr(draw, f"slice_{side}")) for draw in draws)
        for volume, count in enumerate(counts):
            shares = np.array([pairs[volume, index] for index in range(count)]) / 6000
            # Six standard deviations of a binomial share around the fair one.
            fair = 1 / len(counts) / count
            np.testing.assert_allclose(shares, fair, atol=6 * np.sqrt(fair / 6000))


@pytest.mark.parametrize("tolerance", [2.5, 5.0])
def test_tolerance_is_kept_in_millimetres_from_each_centre(tolerance):
    slices = dataset(counts_a=(5, 7), counts_b=(5, 9))
    distances = {
        abs((draw.slice_a - (counts_a - 1) / 2) - (draw.slice_b - (counts_b - 1) / 2)) * 2.5
        for draw in sampler(slices=slices, tolerance=tolerance)
        for counts_a, counts_b in [((5, 7)[draw.volume_a], (5, 9)[draw.volume_b])]
    }
    assert max(distances) == tolerance


def test_where_no_slice_is_within_the_tolerance_the_nearest_is_taken():
    slices = dataset(counts_a=(9,), counts_b=(3,))
    ends = {draw.slice_a: draw.slice_b for draw in sampler(slices=slices, tolerance=1.0)}
    assert ends == {0: 0, 1: 0, 2: 0, 3: 0, 4: 1, 5: 2, 6: 2, 7: 2, 8: 2}


def test_without_a_tolerance_positions_are_independent():
    slices = dataset(counts_a=(9,), counts_b=(9,))
    draws = np.array([[draw.slice_a, draw.slice_b] for draw in sampler(slices=slices, samples=3000)])
    assert abs(np.corrcoef(draws.T)[0, 1]) < 6 / np.sqrt(3000)


@pytest.mark.parametrize("tolerance", [None, 2.5])
def test_slices_that_were_left_out_are_never_drawn_and_the_others_all_are(tolerance):
    kept = {0: [2], 3: [0, 1, 7, 8]}
    draws = list(sampler(slices=dataset(kept=kept), samples=4000, tolerance=tolerance))
    for side, volume, slices in (("a", 0, [2]), ("b", 1, [0, 1, 7, 8])):
        drawn = {
            getattr(draw, f"slice_{side}") for draw in draws if getattr(draw, f"volume_{side}") == volume
        }
        assert drawn <= set(slices)
        assert tolerance is not None or drawn == set(slices)
    assert {draw.slice_a for draw in draws if draw.volume_a == 1} == set(range(5))


def test_positions_are_counted_from_the_middle_of_the_whole_volume_whatever_is_left_out():
    slices = dataset(counts_a=(9,), counts_b=(9,), kept={1: [0, 1, 2]})
    ends = {draw.slice_a: draw.slice_b for draw in sampler(slices=slices, tolerance=0.5)}
    assert ends == {0: 0, 1: 1, 2: 2, **dict.fromkeys(range(3, 9), 2)}


def test_keeping_every_slice_by_name_draws_what_naming_none_draws():
    assert list(sampler(slices=dataset(kept={0: [0, 1, 2], 3: list(range(9))}))) == list(sampler())


def test_an_epoch_counts_the_slices_that_are_drawn_and_a_record_of_another_volume_is_refused():
    assert len(dataset(kept={2: [0], 3: [1]})) == 8
    assert len(dataset(kept={0: [0], 1: [0], 2: [0], 3: [1]})) == 2
    with pytest.raises(VolumeError, match="case 3: wanted slices 2 to 9 as its record names them, found 9"):
        dataset(kept={3: [2, 9]})
