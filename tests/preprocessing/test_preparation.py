"""A cohort is prepared whole: partners on one grid, faults listed, nothing half-written or done twice."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

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
    body,
    hounsfield,
    marker,
    tissue,
    volume,
)

from preprocessing.bias_field import N4BiasFieldCorrection
from preprocessing.body_mask import BodyMask
from preprocessing.case_preparation import CaseTask, prepare_case, prepare_scan
from preprocessing.cohort import Case, CohortError, read_cohort, write_cohort
from preprocessing.grid import grid_of
from preprocessing.orientation import CanonicalOrientation
from preprocessing.output_folder import OutputError
from preprocessing.preparation import CohortPreparation, PreparationError
from preprocessing.prepared_files import ENDING_OF_ROLE
from preprocessing.provenance import file_hash, read_provenance
from preprocessing.reslice import ToReferenceGrid
from preprocessing.scan import Scan
from preprocessing.volume import read_labels, read_volume, write_volume
from preprocessing.window import FixedWindow, IntensityWindow, PercentileWindow

SPACING, SIZE = (6.0, 5.0, 4.0), (20, 18, 22)
STEPS = {
    "mr": [
        CanonicalOrientation(),
        BodyMask(),
        N4BiasFieldCorrection(iterations=(5,)),
        ToReferenceGrid(spacing=SPACING, size=SIZE, outside=0.0),
        PercentileWindow(percentile=99.5),
    ],
    "ct": [
        CanonicalOrientation(),
        BodyMask(threshold=-300),
        ToReferenceGrid(spacing=SPACING, size=SIZE, outside=-1000.0),
        FixedWindow(low=-150, high=350, unit="HU"),
    ],
}


def with_marker(function):
    return lambda where: function(where) + marker(where)


@pytest.fixture
def source(tmp_path):
    """Cohort of one MR and one CT without partners, and a pair of an oblique MR and a straight CT."""
    folder = tmp_path / "source"
    grids = {"mr_1": "LPS", "ct_1": "LAS", "mr_2": "oblique coronal", "ct_2": "LPS"}
    for name, grid in grids.items():
        function = tissue if name.startswith("mr") else hounsfield
        write_volume(volume(GRIDS[grid], with_marker(function)), folder / f"{name}.nii.gz")
    write_volume(volume(GRIDS["LAS"], lambda where: 3 * body(where), kind=np.uint8), folder / "label.nii.gz")
    write_cohort(folder / "cohort.csv", [case_of(folder, name) for name in grids])
    return folder


def case_of(folder: Path, name: str) -> Case:
    return Case(
        case=name,
        patient="p2" if name.endswith("2") else f"p_{name}",
        domain=name[:2],
        image=folder / f"{name}.nii.gz",
        label=folder / "label.nii.gz" if name == "ct_1" else None,
        mask=None,
        pair="ct_2" if name == "mr_2" else None,
        split="test" if name.endswith("2") else "train",
    )


def preparation(source: Path, **changes) -> CohortPreparation:
    arguments = {"cohort": source, "output": source.parent / "out", "steps": STEPS, "fixed": "mr", **changes}
    return CohortPreparation(**arguments)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


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
    names = {path.name for path in (tmp_path / "out").iterdir()}
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


def test_preparing_again_does_nothing(source, tmp_path):
    preparation(source).run()
    before = {
        name: content
        for name, content in snapshot(tmp_path / "out").items()
        if name not in ("cohort.csv", "report.json")
    }
    report = preparation(source).run()
    assert report.prepared == ()
    assert report.unchanged == ("mr_1", "ct_1", "mr_2", "ct_2")
    after = snapshot(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    assert len(read_cohort(tmp_path / "out")) == 4


def test_the_same_input_gives_the_same_bytes_elsewhere(source, tmp_path):
    preparation(source).run()
    preparation(source, output=tmp_path / "elsewhere").run()
    for path in (tmp_path / "out").glob("*.nii.gz"):
        assert path.read_bytes() == (tmp_path / "elsewhere" / path.name).read_bytes(), path.name


def spoil_output(source, out):
    (out / "ct_1.nii.gz").write_bytes((out / "ct_1.nii.gz").read_bytes()[:-9])


def lose_output(source, out):
    (out / "ct_1_mask.nii.gz").unlink()


def lose_record(source, out):
    (out / "ct_1.json").unlink()


def spoil_record(source, out):
    (out / "ct_1.json").write_text("{")


def change_source(source, out):
    write_volume(volume(GRIDS["LAS"], hounsfield), source / "ct_1.nii.gz")


def change_label(source, out):
    write_volume(volume(GRIDS["LAS"], lambda where: 4 * body(where), kind=np.uint8), source / "label.nii.gz")


@pytest.mark.parametrize(
    "event", [spoil_output, lose_output, lose_record, spoil_record, change_source, change_label]
)
def test_only_what_has_changed_is_prepared_again(event, source, tmp_path):
    preparation(source).run()
    event(source, tmp_path / "out")
    report = preparation(source).run()
    assert report.prepared == ("ct_1",)
    assert report.unchanged == ("mr_1", "mr_2", "ct_2")
    assert preparation(source).run().unchanged == ("mr_1", "ct_1", "mr_2", "ct_2")


def test_another_recipe_prepares_its_domain_again_and_a_fixed_case_its_partner(source):
    preparation(source).run()
    other = {**STEPS, "ct": [*STEPS["ct"][:-1], FixedWindow(low=-160, high=240, unit="HU")]}
    assert preparation(source, steps=other).run().prepared == ("ct_1", "ct_2")
    coarser = ToReferenceGrid(spacing=(8.0, 8.0, 8.0), size=(14, 12, 11), outside=0.0)
    other["mr"] = [coarser if isinstance(step, ToReferenceGrid) else step for step in STEPS["mr"]]
    assert preparation(source, steps=other).run().prepared == ("mr_1", "mr_2", "ct_2")


def spoil(path: Path) -> None:
    voxels = np.full(GRIDS["LPS"].size, np.nan, np.float32)
    nib.save(nib.Nifti1Image(voxels, GRIDS["LPS"].affine_ras), path)


def test_one_bad_case_is_listed_and_left_out_and_the_rest_is_finished(source, tmp_path):
    spoil(source / "mr_1.nii.gz")
    report = preparation(source).run()
    assert report.prepared == ("ct_1", "mr_2", "ct_2")
    ((name, message),) = report.failed
    assert name == "mr_1"
    for part in ("case mr_1", str(source / "mr_1.nii.gz"), "expected finite voxels", "NaN", "replace them"):
        assert part in message
    assert [case.case for case in read_cohort(tmp_path / "out")] == ["ct_1", "mr_2", "ct_2"]
    assert not list((tmp_path / "out").glob("*mr_1*"))
    assert not list((tmp_path / "out").glob(".*"))


def test_the_partner_of_a_failed_fixed_case_fails_and_says_so(source, tmp_path):
    spoil(source / "mr_2.nii.gz")
    report = preparation(source).run()
    assert dict(report.failed)["ct_2"] == (
        "case ct_2: its partner mr_2 could not be prepared; mend that case first"
    )
    assert [case.case for case in read_cohort(tmp_path / "out")] == ["mr_1", "ct_1"]


def test_a_fixed_case_outlives_its_partner(source, tmp_path):
    spoil(source / "ct_2.nii.gz")
    assert [name for name, _ in preparation(source).run().failed] == ["ct_2"]
    assert read_cohort(tmp_path / "out")["mr_2"].pair is None


def test_if_every_case_fails_it_is_an_error_with_every_reason(source, tmp_path):
    for path in source.glob("*_?.nii.gz"):
        spoil(path)
    label = array(read_labels(source / "label.nii.gz"))
    nib.save(nib.Nifti1Image(label, GRIDS["LPS"].affine_ras), source / "label.nii.gz")
    with pytest.raises(PreparationError, match="no case could be prepared") as refusal:
        preparation(source).run()
    assert all(f"case {name}" in str(refusal.value) for name in ("mr_1", "ct_1", "mr_2", "ct_2"))
    assert not (tmp_path / "out" / "cohort.csv").exists()


def test_a_step_that_cannot_be_applied_names_case_file_and_step(source):
    steps = {**STEPS, "ct": [PercentileWindow()]}
    messages = dict(preparation(source, steps=steps).run().failed)
    assert messages["ct_1"].startswith(
        f"case ct_1, image {source / 'ct_1.nii.gz'}: PercentileWindow: expected a body"
    )


def test_a_partner_without_reference_grid_that_lies_elsewhere_is_refused(source):
    steps = {**STEPS, "ct": [CanonicalOrientation(), BodyMask(threshold=-300)]}
    report = preparation(source, steps=steps).run()
    ((name, message),) = report.failed
    assert name == "ct_2"
    assert "expected the grid of its prepared partner" in message
    assert "add ToReferenceGrid to the steps of domain ct" in message


class Killed(BaseException):
    """What no handler of errors may catch, as when the process dies."""


@pytest.mark.parametrize("survivors", range(8))
def test_a_run_killed_anywhere_leaves_nothing_half_written_and_the_next_run_completes_it(
    survivors, source, tmp_path, monkeypatch
):
    """Killed in the middle of the n-th file: every volume is whole, every record speaks of what is there."""
    coarser = {"spacing": (8.0, 7.0, 6.0), "size": (14, 12, 14)}
    other = {
        domain: [replace(step, **coarser) if isinstance(step, ToReferenceGrid) else step for step in steps]
        for domain, steps in STEPS.items()
    }
    preparation(source, steps=other, output=tmp_path / "whole").run()
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").glob("*.nii.gz")}
    preparation(source).run()
    written = []

    def dying(image, name, *, write=sitk.WriteImage, **options):
        if len(written) == survivors:
            Path(name).write_bytes(b"half a file")
            raise Killed
        written.append(name)
        write(image, name, **options)

    monkeypatch.setattr(sitk, "WriteImage", dying)
    with pytest.raises(Killed):
        preparation(source, steps=other).run()
    monkeypatch.undo()
    for path in (tmp_path / "out").glob("*.nii.gz"):
        read_volume(path)
    for path in (tmp_path / "out").glob("*.json"):
        record = read_provenance(path)
        assert all(
            file_hash(path.with_name(path.stem + ENDING_OF_ROLE[role])) == content
            for role, content in record.outputs.items()
        )
    assert not (tmp_path / "out" / "cohort.csv").exists()
    assert len(preparation(source, steps=other).run().failed) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.nii.gz")} == whole


@pytest.mark.parametrize("image", ["mr_1.nii.gz", "mr_1_mask.nii.gz"])
def test_the_sources_are_never_overwritten(source, tmp_path, image):
    """Under a table of another name, in the folder of the images themselves, or by a link to it."""
    cases = [replace(case_of(source, "mr_1"), image=source / image), case_of(source, "ct_1")]
    if image != "mr_1.nii.gz":
        (source / "mr_1.nii.gz").rename(source / image)
    write_cohort(source / "my.csv", cases)
    (tmp_path / "link").symlink_to(source)
    before = snapshot(source)
    for output in (source, tmp_path / "link"):
        with pytest.raises(OutputError, match=rf"would overwrite .*{image}, a source of case mr_1"):
            preparation(source / "my.csv", output=output).run()
    assert snapshot(source) == before


def test_wrong_use_is_refused_before_anything_is_written(source, tmp_path):
    with pytest.raises(OutputError, match="would overwrite the cohort itself"):
        preparation(source, output=source).run()
    with pytest.raises(
        PreparationError, match=r"expected domains with steps, \['mr'\], found .*\['ct', 'mr'\]"
    ):
        preparation(source, steps={"mr": STEPS["mr"]}).run()
    with pytest.raises(PreparationError, match="fixed domain 'mri'"):
        preparation(source, fixed="mri").run()
    steps = {**STEPS, "t2": STEPS["mr"]}
    with pytest.raises(PreparationError, match="case mr_2, pair ct_2: expected one of fixed domain 't2'"):
        preparation(source, steps=steps, fixed="t2").run()
    with pytest.raises(CohortError, match="expected a readable table"):
        preparation(source / "none").run()
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in source.iterdir())[0] == "cohort.csv"


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
