"""Equal gaps, planned changes of gap, holes and copies are told apart; what is no plan is refused."""

import shutil

import numpy as np
import pytest
from dicom_toys import AXIAL, CORNER, counted, mr, toy_series
from hypothesis import assume, given
from hypothesis import strategies as st
from laws import array
from pydicom import dcmread

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.gaps import POSITION_TOLERANCE_MM, is_regular, judge_gaps
from preprocessing.dicom.ordering import MAX_MISSING_IN_A_ROW
from preprocessing.dicom.read import read_series

PLANNED = {
    "paper": [2] * 9 + [6] * 12 + [1] * 20,
    "short runs": [2, 2, 6, 6, 1, 1],
    "in the middle": [1, 1, 1, 5, 5, 5, 1, 1, 1],
    "finer at the end": [3, 3, 3, 3, 1, 1, 1, 1],
    "a gap that leads over": [2, 2, 2, 3, 6, 6, 6],
    "not commensurate": [2.5, 2.5, 2.5, 1, 1, 1],
}
HOLES = {
    "one": ([2, 2, 4, 2, 2], [6.0]),
    "two": ([2, 2, 6, 2, 2], [6.0, 8.0]),
    "two apart": ([1, 1, 2, 1, 1, 2, 1, 1, 1], [3.0, 7.0]),
    "the last but one": ([0.75, 0.75, 1.5], [2.25]),
    "the second": ([3, 1.5, 1.5, 1.5], [1.5]),
    "every other for a while": ([2, 2, 2, 4, 4, 2, 2, 2], [8.0, 12.0]),
    "between two plans": ([2, 2, 2, 4, 1, 1, 1], [7.0, 8.0, 9.0]),
}
UNCLEAR = {
    "odd hole": [2, 2, 2, 5, 2, 2, 2],
    "no pattern": [2, 3.1, 4.7],
    "two gaps": [2, 3.3],
    "one finer gap": [3, 3, 3, 1, 3, 3, 3],
    "a finer gap at the end": [3, 3, 3, 1.2],
    "pairs": [1, 6.4, 1, 6.4, 1],
    "wider than both sides": [2, 2, 2, 7, 4, 4, 4],
}


def places(gaps):
    return np.concatenate([[0.0], np.cumsum(gaps)]).tolist()


def judged(gaps, thickness=None):
    thicknesses = thickness if isinstance(thickness, list) else [thickness] * (len(gaps) + 1)
    return judge_gaps(places(gaps), thicknesses)


@pytest.mark.parametrize("name", PLANNED)
def test_planned_gaps_miss_nothing(name):
    found = judged(PLANNED[name])
    assert (found.regular, found.missing, found.unclear) == (False, (), ())
    assert found.step == pytest.approx(min(PLANNED[name]))


@pytest.mark.parametrize("name", HOLES)
def test_holes_are_found_where_they_are(name):
    gaps, missing = HOLES[name]
    found = judged(gaps)
    np.testing.assert_allclose(found.missing, missing)
    assert found.unclear == ()


@pytest.mark.parametrize("name", UNCLEAR)
def test_gaps_without_a_plan_are_unclear(name):
    assert judged(UNCLEAR[name]).unclear


def test_slices_of_changing_thickness_that_touch_miss_nothing():
    gaps = [2, 2, 2, 4, 6, 6, 6]
    assert judged(gaps).missing
    assert judged(gaps, [2.0] * 4 + [6.0] * 4).missing == ()
    assert judged(gaps, [2.0] * 8).missing == (8.0,)


@given(
    step=st.floats(0.5, 10),
    count=st.integers(3, 60),
    seed=st.integers(0, 2**32 - 1),
    start=st.floats(-2000, 2000),
)
def test_what_headers_round_away_is_not_a_change_of_gap(step, count, seed, start):
    jitter = np.random.default_rng(seed).uniform(-0.49, 0.49, count) * min(POSITION_TOLERANCE_MM, 0.1 * step)
    assert is_regular((start + step * np.arange(count) + jitter).tolist())


@given(gap=st.sampled_from([0.625, 1.25, 0.7, 3.125]), count=st.integers(5, 60), start=st.floats(-500, 500))
def test_positions_of_one_decimal_are_no_reason_for_refusal(gap, count, start):
    # Exact halves are rounded up and down in turn: gaps of 0.6 and 0.8 mm are rightly asked about.
    assume(abs(10 * start % 0.5 - 0.25) < 0.2499)
    exact = start + gap * np.arange(count)
    found = judge_gaps(np.round(exact, 1).tolist(), [gap] * count)
    assert (found.missing, found.unclear) == ((), ())
    assert found.step == pytest.approx(gap, abs=0.1)


def test_gaps_that_drift_are_resliced_where_they_are():
    found = judged([2.0] * 30 + [2.08] * 30)
    assert (found.regular, found.missing, found.unclear) == (False, (), ())
    assert found.step == pytest.approx(2.04, abs=0.05)


@given(count=st.integers(6, 40), lost=st.data(), step=st.floats(0.5, 8))
def test_a_lost_slice_is_never_taken_for_a_plan(count, lost, step):
    index = lost.draw(st.integers(1, count - 2))
    kept = [step * place for place in range(count) if place != index]
    found = judge_gaps(kept, [None] * (count - 1))
    np.testing.assert_allclose(found.missing, [step * index])
    assert found.step == pytest.approx(step)


def test_a_missing_slice_is_refused_with_its_place(tmp_path):
    toy_series(tmp_path, [0, 2, 4, 8, 10])
    with pytest.raises(DicomError, match=rf"{CORNER[2] + 6:.4f} mm") as refusal:
        read_series(tmp_path)
    assert refusal.value.reason == "missing_slice"


def test_a_missing_slice_is_interpolated_on_request(tmp_path):
    toy_series(tmp_path, [0, 2, 4, 8, 10], pixels=lambda index: counted([0, 1, 2, 4, 5][index]))
    whole = toy_series(tmp_path / "whole", [0, 2, 4, 6, 8, 10])
    found = read_series([path for path in tmp_path.iterdir() if path.is_file()], repair=True)
    assert found.image == read_series(whole).image
    assert found.record["missing_mm"] == [pytest.approx(CORNER[2] + 6)]
    assert found.record["repairs"]
    assert set(found.record["repairs"]) <= set(found.warnings)


def test_a_wide_hole_is_not_filled(tmp_path):
    toy_series(tmp_path, [0, 1, 2, 3, 5 + MAX_MISSING_IN_A_ROW, 6 + MAX_MISSING_IN_A_ROW])
    with pytest.raises(DicomError) as refusal:
        read_series(tmp_path, repair=True)
    assert refusal.value.reason == "missing_slice"


def test_gaps_without_a_plan_are_refused_and_bridged_on_request(tmp_path):
    toy_series(tmp_path, [0, 2, 4, 6, 11, 13, 15])
    with pytest.raises(DicomError) as refusal:
        read_series(tmp_path)
    assert refusal.value.reason == "mixed_spacing"
    volume = read_series(tmp_path, repair=True)
    assert volume.record["repairs"]
    assert volume.image.GetSpacing()[2] == pytest.approx(2.0)


def test_absurdly_small_gaps_are_refused(tmp_path):
    toy_series(tmp_path, [0, 0.02, 0.04, 0.06, *range(100, 1000, 100)])
    with pytest.raises(DicomError) as refusal:
        read_series(tmp_path, repair=True)
    assert refusal.value.reason == "mixed_spacing"


def test_copies_are_refused_with_their_place_and_dropped_on_request(tmp_path):
    toy_series(tmp_path, [0, 2, 4, 4, 6], pixels=lambda index: counted([0, 1, 2, 2, 3][index]))
    with pytest.raises(DicomError, match=rf"{CORNER[2] + 4:.4f} mm") as refusal:
        read_series(tmp_path)
    assert refusal.value.reason == "duplicate_slice"
    volume = read_series(tmp_path, repair=True)
    whole = read_series(toy_series(tmp_path / "whole", [0, 2, 4, 6]))
    assert volume.image == whole.image
    assert volume.record["repairs"]


@pytest.mark.parametrize("repair", [False, True])
def test_different_slices_at_one_place_are_always_refused(repair, tmp_path):
    toy_series(tmp_path, [0, 2, 4, 4, 6])
    with pytest.raises(DicomError) as refusal:
        read_series(tmp_path, repair=repair)
    assert refusal.value.reason == "conflicting_slices"


def test_a_series_exported_twice_is_used_once_and_needs_no_repair(tmp_path):
    first = toy_series(tmp_path / "one", [0, 2, 4, 6])
    alone = read_series(tmp_path / "one")
    (tmp_path / "two").mkdir()
    for number, path in enumerate(first):
        shutil.copy(path, tmp_path / "two" / f"IM{90 - number}")
    twice = read_series(tmp_path)
    assert twice.image == alone.image
    assert twice.record["repairs"] == []


def test_copies_of_one_object_that_differ_are_refused(tmp_path):
    first = toy_series(tmp_path / "one", [0, 2, 4, 6])
    toy_series(tmp_path / "two", [0, 2, 4, 6], pixels=lambda index: counted(index) + 1)
    for one, two in zip(first, sorted((tmp_path / "two").iterdir()), strict=True):
        data = dcmread(two)
        data.SOPInstanceUID = dcmread(one).SOPInstanceUID
        data.save_as(two)
    with pytest.raises(DicomError) as refusal:
        read_series(tmp_path, repair=True)
    assert refusal.value.reason == "conflicting_slices"


def test_copies_that_rescale_otherwise_are_no_copies(tmp_path):
    toy_series(
        tmp_path,
        [0, 2, 2, 4],
        pixels=lambda index: counted([0, 1, 1, 2][index]),
        RescaleSlope=lambda index: [1, 1, 2, 1][index],
    )
    with pytest.raises(DicomError) as refusal:
        read_series(tmp_path, repair=True)
    assert refusal.value.reason == "conflicting_slices"


def test_values_between_slices_are_linear(tmp_path):
    gaps = [2.5, 2.5, 2.5, 1, 1, 1, 1]
    along = places(gaps)
    paths = toy_series(
        tmp_path, along, orientation=AXIAL, pixels=lambda index: counted(0) + 40 * along[index], **mr()
    )
    volume = read_series(paths)
    step = volume.image.GetSpacing()[2]
    assert step == pytest.approx(1.0)
    values = array(volume.image)
    for index in range(values.shape[2]):
        np.testing.assert_allclose(values[..., index], counted(0).T + 40 * step * index, atol=0.5)
    assert (
        float(dcmread(paths[-1]).ImagePositionPatient[2]) - CORNER[2] >= step * (values.shape[2] - 1) - 1e-6
    )
