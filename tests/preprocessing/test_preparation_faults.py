"""One bad case is listed and the rest is finished; wrong use changes nothing."""

import json
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
import pytest
from laws import GRIDS, array, body, volume
from small_cohort import STEPS, case_of, preparation, snapshot, spoil, write_source

from preprocessing.body_mask import BodyMask
from preprocessing.cohort import CohortError, read_cohort, write_cohort
from preprocessing.landmarks import landmarks_path
from preprocessing.orientation import CanonicalOrientation
from preprocessing.output_folder import OutputError
from preprocessing.preparation import PreparationError
from preprocessing.preparation_report import without_paths
from preprocessing.scan import Scan
from preprocessing.volume import read_labels, write_volume
from preprocessing.window import PercentileWindow


@pytest.fixture
def source(tmp_path):
    return write_source(tmp_path / "source")


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


@pytest.mark.parametrize("fault", ["missing", "cut", "no volume"])
def test_a_file_that_cannot_be_read_fails_its_case_only(fault, source, tmp_path):
    path = source / "ct_1.nii.gz"
    content = path.read_bytes()
    path.unlink()
    if fault != "missing":
        path.write_bytes(content[:-40] if fault == "cut" else b"hello")
    report = preparation(source).run()
    ((name, message),) = report.failed
    assert name == "ct_1"
    assert str(path) in message
    assert report.prepared == ("mr_1", "mr_2", "ct_2")


def test_a_label_on_another_grid_fails_its_case_only(source):
    write_volume(volume(GRIDS["RAS"], body, kind=np.uint8), source / "label.nii.gz")
    ((name, message),) = preparation(source).run().failed
    assert name == "ct_1"
    assert f"case ct_1, label {source / 'label.nii.gz'}: expected the grid of its image" in message


@dataclass(frozen=True, kw_only=True)
class Surprising:
    """A step with a fault that nobody foresaw."""

    def __call__(self, scan: Scan) -> Scan:
        return scan.with_note("never", 1 / 0)


def test_an_error_that_nobody_foresaw_fails_its_case_and_says_what_it_was(source, caplog):
    failed = dict(preparation(source, steps={**STEPS, "ct": [Surprising()]}).run().failed)
    assert list(failed) == ["ct_1", "ct_2"]
    assert "case ct_1" in failed["ct_1"]
    assert "ZeroDivisionError: division by zero" in failed["ct_1"]
    assert "Traceback" in caplog.text


def test_what_an_earlier_run_made_of_a_case_that_fails_now_is_taken_away(source, tmp_path):
    preparation(source).run()
    assert list((tmp_path / "out").rglob("ct_1*"))
    spoil(source / "ct_1.nii.gz")
    preparation(source).run()
    assert not list((tmp_path / "out").rglob("ct_1*"))
    assert [case.case for case in read_cohort(tmp_path / "out")] == ["mr_1", "mr_2", "ct_2"]


def test_if_every_case_fails_what_stands_is_left_for_the_day_the_sources_are_back(source, tmp_path):
    preparation(source).run()
    source.rename(tmp_path / "elsewhere")
    source.mkdir()
    (source / "cohort.csv").write_bytes((tmp_path / "elsewhere" / "cohort.csv").read_bytes())
    with pytest.raises(PreparationError, match="no case could be prepared"):
        preparation(source).run()
    (source / "cohort.csv").unlink()
    source.rmdir()
    (tmp_path / "elsewhere").rename(source)
    assert preparation(source).run().unchanged == ("mr_1", "ct_1", "mr_2", "ct_2")


@pytest.mark.parametrize("name", ["cohort.csv", "ct_1.nii.gz", "ct_1.json", "overview/ct_1.jpg"])
def test_files_that_no_preparation_wrote_are_never_replaced(name, source, tmp_path):
    foreign = tmp_path / "out" / name
    foreign.parent.mkdir(parents=True)
    foreign.write_text("case,image\n")
    with pytest.raises(OutputError, match=rf"found {foreign.name} and no preparation record"):
        preparation(source).run()
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [foreign]
    assert foreign.read_text() == "case,image\n"


def test_other_files_may_stand_in_the_output(source, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    preparation(source).run()
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_the_reports_file_tells_the_failures_without_paths(source, tmp_path):
    """A folder or file may be called after a patient."""
    hidden = source.rename(tmp_path / "DOE^JANE 1950")
    cases = [case_of(hidden, name) for name in ("mr_1", "ct_1", "mr_2")]
    (hidden / "ct_1.nii.gz").rename(hidden / "SMITH.nii.gz")
    (hidden / "SMITH.nii.gz").write_bytes(b"")
    named = [
        replace(cases[0], label=hidden / "MILLER.nii.gz"),
        replace(cases[1], image=hidden / "SMITH.nii.gz"),
        replace(cases[2], pair=None),
        replace(case_of(hidden, "ct_2"), image=hidden / "BAKER HUGO.nii.gz", pair=None),
    ]
    (hidden / "ct_2.nii.gz").rename(hidden / "BAKER HUGO.nii.gz")
    landmarks_path(hidden / "BAKER HUGO.nii.gz").write_text("none")
    write_cohort(hidden / "cohort.csv", named)
    failed = dict(preparation(hidden).run().failed)
    assert "SMITH" in failed["ct_1"]
    told = (tmp_path / "out" / "overview" / "report.json").read_text()
    assert [failure["case"] for failure in json.loads(told)["failed"]] == ["mr_1", "ct_1", "ct_2"]
    assert "the file is cut or damaged" in told
    for planted in ("DOE", "JANE", "1950", "SMITH", "MILLER", "BAKER", "HUGO", str(tmp_path)):
        assert planted not in told


def test_paths_of_others_are_taken_out_of_messages_as_well(source):
    message = "worker tcp://10.0.0.1: found /scratch/DOE/x.h5 and (/home/JANE/y.nii)"
    told = without_paths(message, case_of(source, "ct_1"))
    assert "DOE" not in told
    assert "JANE" not in told
    assert told.startswith("worker tcp:")


def test_numbers_and_planes_are_checked_before_anything_is_done(source, tmp_path):
    with pytest.raises(PreparationError, match="expected 0 workers or more, found -1"):
        preparation(source, workers=-1).run()
    with pytest.raises(PreparationError, match=r"a plane of sagittal, .* found 'frontal'"):
        preparation(source, plane="frontal").run()
    assert not (tmp_path / "out").exists()
