"""Cohorts: bad cases are left out, nothing is overwritten that is no translation, no working files stay."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from laws import GRIDS, array, volume
from toys import toy_case

import pipelines.translation.inputs as inputs_module
from evaluation.arrays import canonical_array
from pipelines.model.model_folder import ModelError, read_model
from pipelines.model.weights import CheckpointError
from pipelines.translation.inputs import InputError
from pipelines.translation.recipe import build_steps
from pipelines.translation.volume_translation import translate_volume
from preprocessing.cohort import CohortError, read_cohort, write_cohort
from preprocessing.preparation import CohortPreparation
from preprocessing.volume import read_volume, write_volume


class Failing(torch.nn.Module):
    """A network that stands for any fault in the middle of the work."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("out of memory")


def ramp_of(name: str):
    return lambda where: where.sum(axis=-1) + 10 * len(name)


@pytest.fixture
def patients(tmp_path) -> Path:
    """Three MR on the grid of the identity model; the CT beside them is not to be translated to CT."""
    folder = tmp_path / "patients"
    names = ("mr_one", "mr_two", "mr_three", "ct_four")
    cases = [toy_case(folder, name, grid=GRIDS["LPS"], function=ramp_of(name)) for name in names]
    write_cohort(folder / "cohort.csv", cases)
    return folder


def spoil(path: Path) -> None:
    """Put a NaN into a volume."""
    image = read_volume(path)
    image[1, 2, 3] = float("nan")
    sitk.WriteImage(image, str(path))


def cause(error: BaseException, kind: type) -> BaseException:
    while not isinstance(error, kind):
        assert error.__cause__ is not None, error
        error = error.__cause__
    return error


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_bad_case_is_reported_and_the_rest_is_written(patients, infer, identity_model, tmp_path):
    spoil(patients / "mr_two.nii.gz")
    report = infer(patients, tmp_path / "out", identity_model)
    assert report.translated == ("mr_one", "mr_three")
    assert list(report.failed) == ["mr_two"]
    assert str(patients / "mr_two.nii.gz") in report.failed["mr_two"]
    assert "1 of 10472 voxels NaN" in report.failed["mr_two"]
    assert [case.case for case in read_cohort(tmp_path / "out")] == ["mr_one", "mr_three"]
    written = {path.name for path in (tmp_path / "out" / "images").iterdir()}
    assert written == {f"{case}{end}" for case in report.translated for end in (".nii.gz", ".json")}


def test_nothing_but_the_output_is_left(patients, infer, identity_model, tmp_path):
    infer(patients, tmp_path / "out", identity_model)
    assert {path.name for path in tmp_path.iterdir()} == {"patients", "out"}


def test_a_case_that_fails_now_leaves_the_table_but_loses_no_file(patients, infer, identity_model, tmp_path):
    infer(patients, tmp_path / "out", identity_model)
    earlier = content(tmp_path / "out")
    spoil(patients / "mr_two.nii.gz")
    report = infer(patients, tmp_path / "out", identity_model)
    assert report.translated == ("mr_one", "mr_three")
    assert [case.case for case in read_cohort(tmp_path / "out")] == ["mr_one", "mr_three"]
    assert content(tmp_path / "out").keys() == earlier.keys()


def test_where_no_case_is_good_everything_is_said_and_nothing_written(
    patients, infer, identity_model, tmp_path
):
    bad = [patients / f"mr_{name}.nii.gz" for name in ("one", "two", "three")]
    for path in bad:
        spoil(path)
    with pytest.raises(Exception) as fault:
        infer(patients, tmp_path / "out", identity_model)
    message = str(cause(fault.value, InputError))
    assert all(str(path) in message for path in bad)
    assert {path.name for path in tmp_path.iterdir()} == {"patients"}


@pytest.mark.parametrize("single", [False, True])
def test_working_files_go_when_the_network_fails(patients, infer, identity_model, tmp_path, single):
    source = patients / "mr_one.nii.gz" if single else patients
    output = tmp_path / "new" / "out.nii.gz" if single else tmp_path / "out"
    with pytest.raises(Exception) as fault:
        infer(source, output, identity_model, network=Failing())
    assert "out of memory" in str(fault.value.__cause__)
    assert {path.name for path in tmp_path.iterdir()} == {"patients"}


def test_weights_are_checked_before_anything_is_prepared(
    patients, infer, identity_model, tmp_path, monkeypatch
):
    def never(*_):
        raise AssertionError("prepared although the weights do not fit")

    monkeypatch.setattr(inputs_module, "prepare_scan", never)
    with pytest.raises(Exception) as fault:
        infer(patients, tmp_path / "out", identity_model, identity=False, **{"network_def::width": 8})
    assert "another architecture" in str(cause(fault.value, CheckpointError))
    assert {path.name for path in tmp_path.iterdir()} == {"patients"}


def test_prepared_volumes_are_not_prepared_twice(patients, infer, identity_model, tmp_path, monkeypatch):
    steps = {domain: build_steps(recipe) for domain, recipe in identity_model.recipes.items()}
    CohortPreparation(cohort=patients, output=tmp_path / "prepared", steps=steps, fixed="mr").run()
    infer(patients, tmp_path / "from_source", identity_model)

    def never(*_):
        raise AssertionError("prepared a second time")

    monkeypatch.setattr(inputs_module, "prepare_scan", never)
    report = infer(tmp_path / "prepared", tmp_path / "out", identity_model)
    assert report.failed == {}
    for case in report.translated:
        direct = read_volume(tmp_path / "from_source" / "images" / f"{case}.nii.gz")
        prepared = read_volume(tmp_path / "out" / "images" / f"{case}.nii.gz")
        np.testing.assert_array_equal(canonical_array(direct), canonical_array(prepared))


def test_a_partner_on_the_grid_of_the_other_scan_is_not_prepared_twice(
    patients, infer, identity_model, tmp_path, monkeypatch
):
    cases = read_cohort(patients)
    paired = [
        replace(cases["mr_one"], pair="ct_four", split="test"),
        replace(cases["ct_four"], patient=cases["mr_one"].patient, split="test"),
    ]
    write_cohort(patients / "pairs.csv", paired)
    steps = {domain: build_steps(recipe) for domain, recipe in identity_model.recipes.items()}
    CohortPreparation(
        cohort=patients / "pairs.csv", output=tmp_path / "prepared", steps=steps, fixed="mr"
    ).run()
    assert "ToGrid" in (tmp_path / "prepared" / "ct_four.json").read_text()

    def never(*_):
        raise AssertionError("prepared a second time")

    monkeypatch.setattr(inputs_module, "prepare_scan", never)
    assert infer(tmp_path / "prepared", tmp_path / "out", identity_model, to="mr").translated == ("ct_four",)


def test_a_volume_prepared_otherwise_is_prepared_again(patients, infer, make_model, identity_model, tmp_path):
    other = make_model(spacing=(7.0, 6.0, 4.0), size=(20, 17, 22))
    steps = {domain: build_steps(recipe) for domain, recipe in other.recipes.items()}
    CohortPreparation(cohort=patients, output=tmp_path / "prepared", steps=steps, fixed="mr").run()
    infer(tmp_path / "prepared", tmp_path / "out", identity_model)
    written = read_volume(tmp_path / "out" / "images" / "mr_one.nii.gz")
    assert written.GetSize() == (20, 17, 22)


def test_the_trained_network_answers_alike_whichever_way_it_is_called(run, toys, infer, tmp_path):
    model = read_model(run / "model")
    infer(toys, tmp_path / "out", model, identity=False, split="test")
    there = sitk.ReadImage(str(tmp_path / "out" / "images" / "mr_pair1.nii.gz"))
    here = translate_volume(read_volume(toys / "mr_pair1.nii.gz"), model=model, to="ct")
    np.testing.assert_array_equal(array(here), array(there))
    assert len(np.unique(array(here))) > 10
    back = infer(toys, tmp_path / "back", model, identity=False, split="test", to="mr")
    assert back.translated == ("ct_pair1",)
    nominal = sitk.ReadImage(str(tmp_path / "back" / "images" / "ct_pair1.nii.gz"))
    assert nominal.GetPixelID() == sitk.sitkFloat32


def test_record_says_synthetic_and_names_no_path(patients, infer, identity_model, tmp_path):
    infer(patients, tmp_path / "out", identity_model)
    text = (tmp_path / "out" / "images" / "mr_one.json").read_text()
    record = json.loads(text)
    assert (record["synthetic"], record["domain"], record["translated_from"]) == (True, "ct", "mr")
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("overrides", "kind", "named"),
    [
        ({"to": "pet"}, ModelError, "'ct' or 'mr', got 'pet'"),
        ({"split": "validation"}, ModelError, "in validation split"),
        ({"split": "all"}, CohortError, "train, validation, test, found 'all'"),
    ],
)
def test_wrong_choices_are_refused_and_leave_nothing(
    patients, infer, identity_model, tmp_path, overrides, kind, named
):
    with pytest.raises(Exception) as fault:
        infer(patients, tmp_path / "out", identity_model, **overrides)
    assert named in str(cause(fault.value, kind))
    assert {path.name for path in tmp_path.iterdir()} == {"patients"}


def test_a_cohort_without_the_source_domain_names_what_it_has(tmp_path, infer, identity_model):
    case = toy_case(tmp_path / "patients", "ct_one", grid=GRIDS["LPS"])
    write_cohort(tmp_path / "patients" / "cohort.csv", [case])
    with pytest.raises(Exception) as fault:
        infer(tmp_path / "patients", tmp_path / "out", identity_model)
    assert "expected a domain of ct, found 'mr'" in str(cause(fault.value, CohortError))


@pytest.mark.parametrize(
    ("source", "output", "named"),
    [
        ("patients/mr_one.nii.gz", "patients/mr_one.nii.gz", "is the input itself"),
        ("patients/mr_one.nii.gz", "out", "ending in .nii.gz"),
        ("patients", "patients", "holds another cohort"),
        ("patients", "others", "holds another cohort"),
        ("patients", "patients/mr_one.nii.gz", "found the file"),
    ],
)
def test_nothing_is_overwritten_that_is_no_translation(
    patients, infer, identity_model, tmp_path, source, output, named
):
    shutil.copytree(patients, tmp_path / "others")
    before = content(tmp_path)
    with pytest.raises(Exception) as fault:
        infer(tmp_path / source, tmp_path / output, identity_model)
    assert named in str(cause(fault.value, InputError))
    assert content(tmp_path) == before


def test_images_in_a_folder_of_that_name_are_not_overwritten_either(tmp_path, infer, identity_model):
    """The phantom keeps its volumes where a translation would write its own."""
    case = toy_case(tmp_path / "hips" / "images", "mr_one", grid=GRIDS["LPS"])
    write_cohort(tmp_path / "elsewhere" / "cohort.csv", [case])
    before = content(tmp_path)
    with pytest.raises(Exception) as fault:
        infer(tmp_path / "elsewhere", tmp_path / "hips", identity_model)
    assert "is the input itself" in str(cause(fault.value, InputError))
    assert content(tmp_path) == before


@pytest.mark.parametrize("bad_input", [False, True])
@pytest.mark.parametrize("kept", ["real_ct.nii.gz", "real_ct.json"])
def test_a_real_volume_or_its_record_is_never_overwritten(
    patients, infer, identity_model, tmp_path, kept, bad_input
):
    if kept.endswith(".json"):
        (patients / kept).write_text('{"EchoTime": 0.003}')
    else:
        shutil.copy(patients / "ct_four.nii.gz", patients / kept)
    if bad_input:
        spoil(patients / "mr_one.nii.gz")
    before = content(tmp_path)
    with pytest.raises(Exception) as fault:
        infer(patients / "mr_one.nii.gz", patients / "real_ct.nii.gz", identity_model)
    assert f"{kept} is none of ours" in str(cause(fault.value, InputError))
    assert content(tmp_path) == before


def test_images_without_a_table_are_not_overwritten(patients, infer, identity_model, tmp_path):
    real = tmp_path / "out" / "images" / "mr_two.nii.gz"
    real.parent.mkdir(parents=True)
    shutil.copy(patients / "ct_four.nii.gz", real)
    before = content(tmp_path)
    with pytest.raises(Exception) as fault:
        infer(patients, tmp_path / "out", identity_model)
    assert f"{real} is none of ours" in str(cause(fault.value, InputError))
    assert content(tmp_path) == before


def test_the_inputs_own_record_is_never_overwritten(patients, infer, identity_model, tmp_path):
    """A translation, translated back to a name that differs by .gz only, has a record of ours beside it."""
    infer(patients / "mr_one.nii.gz", tmp_path / "ct.nii.gz", identity_model)
    before = content(tmp_path)
    with pytest.raises(Exception) as fault:
        infer(tmp_path / "ct.nii.gz", tmp_path / "ct.nii", identity_model, to="mr")
    assert "is the input's own" in str(cause(fault.value, InputError))
    assert content(tmp_path) == before


def test_an_earlier_translation_stands_when_the_input_has_gone_bad(patients, infer, identity_model, tmp_path):
    infer(patients / "mr_one.nii.gz", tmp_path / "ct.nii.gz", identity_model)
    spoil(patients / "mr_one.nii.gz")
    before = content(tmp_path)
    with pytest.raises(Exception) as fault:
        infer(patients / "mr_one.nii.gz", tmp_path / "ct.nii.gz", identity_model)
    assert "NaN" in str(cause(fault.value, InputError))
    assert content(tmp_path) == before


def test_a_translation_can_be_done_again(patients, infer, identity_model, tmp_path):
    for _ in range(2):
        report = infer(patients, tmp_path / "out", identity_model)
        assert len(report.translated) == 3


def test_plain_nifti_files_are_taken_too(tmp_path, infer, identity_model):
    write_volume(volume(GRIDS["LPS"], ramp_of("plain")), tmp_path / "in.nii")
    infer(tmp_path / "in.nii", tmp_path / "out.nii", identity_model)
    assert {path.name for path in tmp_path.iterdir()} == {"in.nii", "out.nii", "out.json"}
