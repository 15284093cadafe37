"""Candidates are registered onto their prepared partner and the verdict obeyed; steps see the cohort once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import SimpleITK as sitk
from laws import GRIDS, array
from small_cohort import STEPS, preparation, spoil, write_source

from preprocessing.cohort import Case, read_cohort, write_cohort
from preprocessing.grid import grid_of
from preprocessing.landmarks import write_landmarks
from preprocessing.preparation import PreparationError
from preprocessing.provenance import file_hash, read_provenance, step_config
from preprocessing.reslice import ToReferenceGrid
from preprocessing.scan import CohortStep, GridStep, PairStep, Scan, Step
from preprocessing.volume import read_labels, read_volume


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """A registration that trusts the coordinates, and says what it was told to say."""

    verdict: str = "accept"

    def register(self, moving: Scan, fixed: Scan) -> Scan:
        assert fixed.mask is not None, "the fixed scan comes with its mask"
        assert moving.mask is not None, "the moving scan comes prepared but for its grid"
        assert moving.window is None, "windows come after the registration"
        grid = grid_of(fixed.image)
        reached = sitk.Resample(moving.image, fixed.image, defaultPixelValue=-5000) > -5000
        note = {
            "verdict": self.verdict,
            "reasons": ["because the test says so"],
            "fixed_landmarks": sorted(fixed.landmarks),
            "moving_size": list(moving.image.GetSize()),
        }
        moved = Scan(
            image=sitk.Resample(moving.image, fixed.image, defaultPixelValue=-1000),
            mask=sitk.Resample(moving.mask, fixed.image, sitk.Transform(), sitk.sitkNearestNeighbor),
            coverage=sitk.Cast(reached, sitk.sitkUInt8),
            notes=moving.notes,
        )
        assert not grid_of(moved.image).difference(grid)
        return moved.with_note("registration", note)


@pytest.fixture
def source(tmp_path):
    """The small cohort, in which the pair is not registered yet."""
    folder = write_source(tmp_path / "source")
    cases = [replace(case, pair=None) for case in read_cohort(folder)]
    cases[-1] = replace(cases[-1], candidate="mr_2")
    write_cohort(folder / "cohort.csv", cases)
    return folder


def test_without_a_registration_candidates_are_prepared_by_themselves(source, tmp_path):
    report = preparation(source).run()
    cohort = read_cohort(tmp_path / "out")
    assert report.pairs == ()
    assert (cohort["ct_2"].pair, cohort["ct_2"].candidate) == (None, "mr_2")
    own, fixed = (grid_of(read_volume(cohort[name].image)) for name in ("ct_2", "mr_2"))
    assert own.difference(fixed)


def test_an_accepted_candidate_becomes_the_pair_on_the_grid_of_its_partner(source, tmp_path):
    write_landmarks(source / "mr_2_landmarks.json", {"femoral_head_left": (37.5, -8.0, 30.0)})
    report = preparation(source, registration=Overlay()).run()
    out = tmp_path / "out"
    cohort = read_cohort(out)
    assert [(pair.case, pair.fixed, pair.verdict) for pair in report.pairs] == [("ct_2", "mr_2", "accept")]
    assert (cohort["ct_2"].pair, cohort["mr_2"].pair) == ("mr_2", "ct_2")
    assert cohort["ct_2"].candidate is cohort["mr_2"].candidate is None
    moved, fixed = (read_volume(out / f"{name}.nii.gz") for name in ("ct_2", "mr_2"))
    assert grid_of(moved).difference(grid_of(fixed)) == ""
    record = read_provenance(out / "ct_2.json")
    names = [step["_target_"].rpartition(".")[2] for step in record.recipe]
    assert names == ["CanonicalOrientation", "BodyMask", "Overlay", "FixedWindow"]
    assert record.recipe[2] == step_config(Overlay())
    assert record.notes["registration"]["fixed_landmarks"] == ["femoral_head_left"]
    assert record.notes["registration"]["moving_size"] == list(GRIDS["LPS"].size), "it was not cut before"
    assert record.window is not None
    assert list(record.warnings) == []
    for role in ("image", "mask", "landmarks"):
        assert record.sources[f"fixed_{role}"] == read_provenance(out / "mr_2.json").outputs[role]
    covered = array(read_labels(out / "ct_2_coverage.nii.gz"))
    assert set(np.unique(covered)) == {0, 1}
    assert record.outputs["coverage"] == file_hash(out / "ct_2_coverage.nii.gz")


@pytest.mark.parametrize("verdict", ["review", "reject"])
def test_a_candidate_that_is_not_accepted_is_no_pair_and_says_where_it_lies(verdict, source, tmp_path):
    report = preparation(source, registration=Overlay(verdict=verdict)).run()
    (pair,) = report.pairs
    assert (pair.verdict, pair.reasons) == (verdict, ("because the test says so",))
    cohort = read_cohort(tmp_path / "out")
    assert cohort["ct_2"].pair is cohort["mr_2"].pair is None
    assert cohort["ct_2"].candidate == "mr_2"
    (warning,) = read_provenance(tmp_path / "out" / "ct_2.json").warnings
    assert f"registration onto mr_2: {verdict}" in warning
    assert "on the grid of mr_2" in warning


def test_the_candidate_may_be_named_by_either_of_the_two(source, tmp_path):
    cases = [replace(case, candidate="ct_2" if case.case == "mr_2" else None) for case in read_cohort(source)]
    write_cohort(source / "cohort.csv", cases)
    preparation(source, registration=Overlay()).run()
    assert read_cohort(tmp_path / "out")["ct_2"].pair == "mr_2"
    preparation(source, registration=Overlay(verdict="reject")).run()
    assert read_cohort(tmp_path / "out")["mr_2"].candidate == "ct_2"


def test_a_registration_is_done_again_only_if_one_of_the_two_or_it_itself_has_changed(source):
    preparation(source, registration=Overlay()).run()
    again = preparation(source, registration=Overlay()).run()
    assert again.prepared == ()
    assert [pair.verdict for pair in again.pairs] == ["accept"], "the verdict is read from the record"
    assert preparation(source, registration=Overlay(verdict="review")).run().prepared == ("ct_2",)
    other = {**STEPS, "mr": [*STEPS["mr"][:1], *STEPS["mr"][1:2], *STEPS["mr"][3:]]}
    changed = preparation(source, steps=other, registration=Overlay(verdict="review")).run()
    assert changed.prepared == ("mr_1", "mr_2", "ct_2"), "other voxels of the fixed scan"


def test_a_candidate_whose_partner_fails_fails_and_one_that_fails_leaves_its_partner(source, tmp_path):
    content = (source / "mr_2.nii.gz").read_bytes()
    spoil(source / "mr_2.nii.gz")
    report = preparation(source, registration=Overlay()).run()
    assert [name for name, _ in report.failed] == ["mr_2", "ct_2"]
    (source / "mr_2.nii.gz").write_bytes(content)
    report = preparation(source, registration=Overlay(verdict="maybe")).run()
    ((name, message),) = report.failed
    assert name == "ct_2"
    assert "Overlay: expected a verdict of accept, review, reject in its note, found 'maybe'" in message
    assert read_cohort(tmp_path / "out")["mr_2"].candidate is None


def test_a_candidate_of_two_other_domains_is_refused(source):
    steps = {**STEPS, "t2": STEPS["mr"]}
    with pytest.raises(PreparationError, match="case mr_2, pair ct_2: expected one of fixed domain 't2'"):
        preparation(source, steps=steps, fixed="t2", registration=Overlay()).run()


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Adds a number."""

    by: float

    def __call__(self, scan: Scan) -> Scan:
        return replace(scan, image=scan.image + self.by)


@dataclass(frozen=True, kw_only=True)
class ShiftByNumberOfCases:
    """Adds the number of cases in the cohort."""

    domain: str

    def fit(self, cases: Sequence[Case]) -> Shift:
        FITTED.append(self)
        return Shift(by=float(sum(case.domain == self.domain for case in cases)))


FITTED: list[ShiftByNumberOfCases] = []


def test_a_step_that_needs_the_cohort_is_fitted_once_and_recorded_with_its_numbers(source, tmp_path):
    FITTED.clear()
    preparation(source, output=tmp_path / "plain").run()
    step = ShiftByNumberOfCases(domain="ct")
    steps = {"mr": [*STEPS["mr"], step], "ct": [*STEPS["ct"], ShiftByNumberOfCases(domain="ct")]}
    preparation(source, steps=steps).run()
    assert [step] == FITTED, "equal steps of two domains are one"
    record = read_provenance(tmp_path / "out" / "ct_1.json")
    assert record.recipe[-1] == step_config(Shift(by=2.0))
    before, after = (array(read_volume(tmp_path / name / "ct_1.nii.gz")) for name in ("plain", "out"))
    np.testing.assert_allclose(after, before + 2, atol=1e-3)
    cases = [case for case in read_cohort(source) if case.case != "ct_1"]
    write_cohort(source / "cohort.csv", cases)
    assert preparation(source, steps=steps).run().prepared == ("mr_1", "mr_2", "ct_2"), "other numbers"


@dataclass(frozen=True, kw_only=True)
class Crop:
    """Cuts the lowest slice off; there is nothing to cut where the grid is given."""

    def __call__(self, scan: Scan) -> Scan:
        cut = scan.image[:, :, 1:]
        return replace(scan, image=cut, mask=None if scan.mask is None else scan.mask[:, :, 1:])

    def onto(self, grid: object) -> None:
        return None


def test_every_step_that_chooses_a_grid_gives_way_to_the_partners(source, tmp_path):
    ct = [*STEPS["ct"][:2], Crop(), *STEPS["ct"][2:]]
    preparation(source, steps={**STEPS, "ct": ct}, registration=Overlay()).run()
    note = read_provenance(tmp_path / "out" / "ct_2.json").notes["registration"]
    assert note["moving_size"] == list(GRIDS["LPS"].size)
    cases = [replace(case, candidate=None) for case in read_cohort(source)]
    write_cohort(source / "cohort.csv", [*cases[:-1], replace(cases[-1], pair="mr_2")])
    preparation(source, steps={**STEPS, "ct": ct}).run()
    recipe = read_provenance(tmp_path / "out" / "ct_2.json").recipe
    names = [step["_target_"].rpartition(".")[2] for step in recipe]
    assert names == ["CanonicalOrientation", "BodyMask", "ToGrid", "FixedWindow"]


def test_the_kinds_of_steps_are_told_apart():
    assert isinstance(Overlay(), PairStep)
    assert isinstance(ShiftByNumberOfCases(domain="ct"), CohortStep)
    assert isinstance(Crop(), GridStep)
    assert isinstance(STEPS["mr"][3], ToReferenceGrid)
    assert isinstance(STEPS["mr"][3], GridStep)
    for step in (*STEPS["mr"], Shift(by=1.0)):
        assert isinstance(step, Step)
        assert not isinstance(step, CohortStep | PairStep)
