"""Every recipe prepares a cohort of the domains that it is for, and its windows serve the evaluation."""

import json
from pathlib import Path

import pytest
from laws import tissue
from toys import CONFIGS, toy_case

from pipelines.commands.bundle_run import run_bundle
from preprocessing.cohort import read_cohort, write_cohort
from preprocessing.grid import grid_of
from preprocessing.phantom.cohort import write_phantom_cohort
from preprocessing.provenance import read_provenance, record_path
from preprocessing.volume import read_labels, read_volume

RECIPES = sorted(path.stem for path in (CONFIGS / "recipes").glob("*.json"))
SMALL = {"reference_spacing": [10.0, 8.0, 10.0], "reference_size": [32, 9, 32]}
"""A grid as coarse as the cohorts below."""
DOMAINS = {
    "hip": ("mr", "ct"),
    "hiasa_2018": ("mr", "ct"),
    "brain": ("mr", "ct", "t1", "t2"),
    "abdomen": ("mr", "ct"),
    "t1_t2": ("t1", "t2"),
}


@pytest.fixture(scope="module")
def hips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hips")
    write_phantom_cohort(folder, mr=1, ct=1, pairs=1, seed=3, size=32, progress=False)
    return folder


def trunks(folder: Path, domains: tuple[str, ...]) -> Path:
    functions = {"t1": tissue, "t2": tissue}
    cases = [toy_case(folder, f"{domain}_1", function=functions.get(domain)) for domain in domains]
    write_cohort(folder / "cohort.csv", cases)
    return folder


def test_every_recipe_is_run():
    assert set(RECIPES) == set(DOMAINS)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_prepares_its_cohort_and_sets_its_windows(name, tmp_path, hips):
    cohort = hips if name.startswith("hi") else trunks(tmp_path / "cohort", DOMAINS[name])
    recipe = CONFIGS / "recipes" / f"{name}.json"
    places = {"dataset_dir": str(cohort), "output_dir": str(tmp_path / "out")}
    settings = {**SMALL, **places, "workers": 0}
    run_bundle([CONFIGS / "preprocess.json", recipe], settings, run_id="preparing")
    prepared, source = read_cohort(tmp_path / "out"), read_cohort(cohort)
    assert sorted(case.case for case in prepared) == sorted(case.case for case in source)
    for case in prepared:
        image, mask = read_volume(case.image), read_labels(case.mask)
        assert grid_of(image).size == tuple(SMALL["reference_size"]), case.case
        assert grid_of(mask).difference(grid_of(image)) == ""
        record = read_provenance(record_path(case.image))
        assert record.window.unit == ("HU" if case.domain == "ct" else "nominal")
        assert ("N4BiasFieldCorrection" in record.notes) == (case.domain != "ct")
        assert ("MetalDetector" in record.notes) == (case.domain == "ct")


@pytest.mark.parametrize("name", ["quickstart", "recipes/t1_t2", "recipes/brain"])
def test_evaluation_takes_the_windows_of_an_overlay(name, tmp_path):
    overlay = json.loads((CONFIGS / f"{name}.json").read_text())
    domain = sorted(overlay["windows"])[-1]
    cohort = trunks(tmp_path / "cohort", (domain,))
    places = {"dataset_dir": str(cohort), "predictions": str(cohort), "output_dir": str(tmp_path / "out")}
    (report,) = run_bundle([CONFIGS / "evaluate.json", CONFIGS / f"{name}.json"], places, run_id="evaluating")
    assert report.failed == ()
    errors = [row for row in report.measurements if "mae" in row.metric]
    assert errors
    assert all(row.value == 0 for row in errors)
