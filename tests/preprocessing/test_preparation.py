"""A cohort is prepared whole: partners on one grid, windows and records as the steps say."""

import json
import pickle
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from laws import (
    GRIDS,
    MARKER_LPS,
    RAMP_TOLERANCE,
    SAME_PLACE_MM,
    array,
    hounsfield,
    volume,
)
from small_cohort import (
    SIZE,
    SPACING,
    STEPS,
    preparation,
    write_source,
)

from preprocessing.case_preparation import CaseTask, prepare_case, prepare_scan
from preprocessing.cohort import read_cohort, write_cohort
from preprocessing.grid import grid_of
from preprocessing.landmarks import read_landmarks, write_landmarks
from preprocessing.provenance import file_hash, read_provenance
from preprocessing.scan import Scan
from preprocessing.volume import read_labels, read_volume
from preprocessing.window import IntensityWindow


@pytest.fixture
def source(tmp_path):
    return write_source(tmp_path / "source")


def test_every_case_is_written_with_mask_label_record_and_window(source, tmp_path):
    report = preparation(source).run()
    assert report.prepared == ("mr_1", "ct_1", "mr_2", "ct_2")
    assert (report.unchanged, report.failed) == ((), ())
    cohort = read_cohort(tmp_path / "out")
    assert [case.case for case in cohort] == ["mr_1", "ct_1", "mr_2", "ct_2"]
    assert cohort["mr_2"].pair == "ct_2"
    for case in cohort:
        image, record = read_volume(case.image), read_provenance(tmp_path / "out" / f"{case.case}.json")
        assert image.GetSize() == SIZE
        np.testing.assert_allclose(image.GetSpacing(), SPACING, rtol=1e-6)
        assert grid_of(read_labels(case.mask)).difference(grid_of(image)) == ""
        assert (case.label is not None) == (case.case == "ct_1")
        assert nib.aff2axcodes(nib.load(case.image).affine) == ("R", "A", "S")
        assert record.window is not None
        assert record.outputs["image"] == file_hash(case.image)
        assert record.sources["image"] == file_hash(source / f"{case.case}.nii.gz")
    assert set(np.unique(array(read_labels(cohort["ct_1"].label)))) == {0, 3}
    names = {path.name for path in (tmp_path / "out").iterdir() if "_coverage" not in path.name}
    roles = {
        f"{name}{end}"
        for name in ("mr_1", "ct_1", "mr_2", "ct_2")
        for end in (".nii.gz", "_mask.nii.gz", ".json")
    }
    assert names == roles | {"ct_1_label.nii.gz", "cohort.csv", "overview"}
    pictures = {path.name for path in (tmp_path / "out" / "overview").iterdir()}
    assert pictures == {"mr_1.jpg", "ct_1.jpg", "mr_2.jpg", "ct_2.jpg", "report.json"}


def test_windows_are_those_of_the_steps(source, tmp_path):
    preparation(source).run()
    assert read_provenance(tmp_path / "out" / "ct_1.json").window == IntensityWindow(-150, 350, "HU")
    window = read_provenance(tmp_path / "out" / "mr_1.json").window
    image, mask = read_volume(tmp_path / "out/mr_1.nii.gz"), read_labels(tmp_path / "out/mr_1_mask.nii.gz")
    assert window.low == 0
    assert window.high == pytest.approx(np.percentile(array(image)[array(mask) > 0], 99.5), rel=1e-6)


def test_a_partner_comes_to_lie_on_the_fixed_cases_grid_place_by_place(source, tmp_path):
    preparation(source).run()
    fixed, moving = (read_volume(tmp_path / "out" / f"{name}.nii.gz") for name in ("mr_2", "ct_2"))
    assert grid_of(moving).difference(grid_of(fixed)) == ""
    own = grid_of(read_volume(tmp_path / "out/ct_1.nii.gz"))
    assert own.difference(grid_of(fixed)) != "", "the oblique MR must not lie where a CT of its own would"
    for image in (fixed, moving):
        peak = np.unravel_index(np.argmax(array(image)), image.GetSize())
        found = np.array(image.TransformIndexToPhysicalPoint([int(index) for index in peak]))
        assert np.linalg.norm(found - MARKER_LPS) <= np.linalg.norm(SPACING) / 2
    recipe = read_provenance(tmp_path / "out/ct_2.json").recipe
    targets = [step["_target_"].rpartition(".")[2] for step in recipe]
    assert targets == ["CanonicalOrientation", "BodyMask", "ToGrid", "FixedWindow"]
    # The low pass runs along the CT's own axes; beyond its field of view there is air and no body.
    assert recipe[2]["outside"] == -1000
    uncovered = array(moving) == -1000
    assert not array(read_labels(tmp_path / "out/ct_2_mask.nii.gz"))[uncovered].all()


def test_either_domain_can_be_the_fixed_one(source, tmp_path):
    preparation(source, fixed="ct").run()
    fixed, moving = (read_volume(tmp_path / "out" / f"{name}.nii.gz") for name in ("ct_2", "mr_2"))
    assert grid_of(moving).difference(grid_of(fixed)) == ""
    np.testing.assert_allclose(np.abs(fixed.GetDirection()), np.eye(3).ravel(), atol=1e-6)


def test_the_same_input_gives_the_same_bytes_elsewhere(source, tmp_path):
    preparation(source).run()
    preparation(source, output=tmp_path / "elsewhere").run()
    for path in (tmp_path / "out").glob("*.nii.gz"):
        assert path.read_bytes() == (tmp_path / "elsewhere" / path.name).read_bytes(), path.name


def test_landmarks_and_coverage_come_to_lie_beside_the_prepared_volume(source, tmp_path):
    points = {"femoral_head_left": (37.5, -8.0, 30.0)}
    write_landmarks(source / "mr_1_landmarks.json", points)
    preparation(source).run()
    out = tmp_path / "out"
    assert read_landmarks(out / "mr_1_landmarks.json") == points
    record = read_provenance(out / "mr_1.json")
    assert record.sources["landmarks"] == file_hash(source / "mr_1_landmarks.json")
    assert record.outputs["landmarks"] == file_hash(out / "mr_1_landmarks.json")
    write_landmarks(source / "mr_1_landmarks.json", {"femoral_head_left": (37.0, -8.0, 30.0)})
    assert preparation(source).run().prepared == ("mr_1",)
    (source / "mr_1_landmarks.json").unlink()
    assert preparation(source).run().prepared == ("mr_1",)
    assert not (out / "mr_1_landmarks.json").exists(), "what is no longer made must not stay"


def test_coverage_of_a_scan_is_written_and_recorded(source, tmp_path):
    grid = GRIDS["LPS"]
    half = volume(grid, lambda where: where[..., 0] > 0, kind=np.uint8)

    @dataclass(frozen=True, kw_only=True)
    class Half:
        def __call__(self, scan: Scan) -> Scan:
            return replace(scan, coverage=half)

    task = CaseTask(case=read_cohort(source)["ct_2"], steps=(Half(),), output=tmp_path / "out")
    assert prepare_case(task).state == "prepared"
    written = tmp_path / "out" / "ct_2_coverage.nii.gz"
    np.testing.assert_array_equal(array(read_labels(written)), array(half))
    assert read_provenance(tmp_path / "out" / "ct_2.json").outputs["coverage"] == file_hash(written)


def test_a_task_and_its_result_can_be_sent_to_another_process(source, tmp_path):
    task = CaseTask(case=read_cohort(source)["ct_1"], steps=tuple(STEPS["ct"]), output=tmp_path / "out")
    result = pickle.loads(pickle.dumps(prepare_case(pickle.loads(pickle.dumps(task)))))
    assert (result.case, result.state) == ("ct_1", "prepared")


def test_records_hold_no_path_and_no_patient(source, tmp_path):
    table = source / "cohort.csv"
    cases = [replace(case, patient=f"DOE^JOHN^{case.patient}") for case in read_cohort(source)]
    write_cohort(table, cases)
    preparation(source).run()
    for path in (tmp_path / "out").glob("*.json"):
        assert str(tmp_path) not in path.read_text()
        assert "DOE" not in path.read_text()
        json.loads(path.read_text())


def test_prepare_scan_applies_steps_in_order_and_names_an_itk_filter_that_fails():
    scan = Scan(image=volume(GRIDS["LPS"], hounsfield))
    result = prepare_scan(scan, STEPS["ct"])
    by_hand = scan
    for step in STEPS["ct"]:
        by_hand = step(by_hand)
    np.testing.assert_allclose(array(result.image), array(by_hand.image), atol=RAMP_TOLERANCE)
    np.testing.assert_allclose(
        grid_of(result.image).corners(), grid_of(by_hand.image).corners(), atol=SAME_PLACE_MM
    )

    class Broken:
        def __call__(self, scan: Scan) -> Scan:
            return replace(scan, image=scan.image + sitk.Image(1, 1, 1, sitk.sitkFloat32))

    with pytest.raises(ValueError, match="Broken: "):
        prepare_scan(scan, [Broken()])
