"""Windows, sidecars and the common grid of a cohort's volumes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from laws import array, tissue, volume
from toys import SIZE, SPACING, toy_case, toy_grid

from pipelines.data.items import case_window, common_grid, volume_items
from pipelines.data.sidecar import stored_provenance
from pipelines.data.windowing import RestoreIntensityd, WindowIntensityd
from preprocessing.body_mask import BodyMask
from preprocessing.cohort import CohortError, read_cohort
from preprocessing.intensity_window import IntensityWindow
from preprocessing.provenance import Provenance, write_provenance
from preprocessing.window import FixedWindow, PercentileWindow

WINDOWS = {"mr": [FixedWindow(low=0, high=100, unit="nominal")]}
STEPS = {
    "mr": [BodyMask(), PercentileWindow(percentile=99.5)],
    "ct": [FixedWindow(low=-150, high=350, unit="HU")],
}


def record(case, window) -> None:
    path = case.image.with_name(f"{case.case}.json")
    write_provenance(path, Provenance(case=case.case, sources={}, recipe=[], outputs={}, window=window))


def test_windowing_agrees_with_the_window_itself_both_ways():
    window = IntensityWindow(-150.0, 350.0, "HU")
    values = torch.linspace(-400, 600, 501)[None]
    windowed = WindowIntensityd("image")({"image": values, "window": window.to_dict()})["image"]
    np.testing.assert_allclose(windowed.numpy(), window.forward(values.numpy()), atol=1e-6)
    restored = RestoreIntensityd("pred", window=window.to_dict())({"pred": windowed})["pred"]
    np.testing.assert_allclose(restored.numpy(), window.backward(windowed.numpy()), atol=1e-3)
    np.testing.assert_allclose(restored.numpy(), values.numpy().clip(-150, 350), atol=1e-3)


def test_a_stored_window_comes_before_the_configs(tmp_path):
    case = toy_case(tmp_path, "mr_1")
    assert case_window(case, windows=WINDOWS) == IntensityWindow(0, 100, "nominal")
    stored = IntensityWindow(5.0, 61.0, "nominal")
    record(case, stored)
    assert case_window(case, windows=WINDOWS) == stored


def test_a_json_file_of_another_make_is_no_sidecar(tmp_path):
    case = toy_case(tmp_path, "mr_1")
    sidecar = case.image.with_name("mr_1.json")
    for content in ('{"EchoTime": 0.003, "window": [1, 2]}', "[1, 2]", "not json"):
        sidecar.write_text(content)
        assert stored_provenance(case.image) is None
        assert case_window(case, windows=WINDOWS) == IntensityWindow(0, 100, "nominal")


def test_a_damaged_record_of_ours_is_refused(tmp_path):
    case = toy_case(tmp_path, "mr_1")
    record(case, None)
    path = case.image.with_name("mr_1.json")
    content = json.loads(path.read_text())
    del content["recipe"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"mr_1\.json: expected a preparation record"):
        case_window(case, windows=WINDOWS)


def test_percentile_windows_are_found_inside_the_body(toys):
    case = read_cohort(toys)["mr_1"]
    inside = array(volume(toy_grid(), lambda where: tissue(where + 3.0 * (ord("1") % 5))))
    window = case_window(case, windows=STEPS)
    assert (window.low, window.unit) == (0.0, "nominal")
    assert window.high == pytest.approx(np.percentile(inside[inside > 0], 99.5), rel=0.02)


def test_a_domain_without_any_window_is_refused_with_the_remedy(toys):
    with pytest.raises(CohortError, match=r"ct_1: no window .* 'ct'\. Run `cyclevox prepare`, or add"):
        volume_items(read_cohort(toys), domain="ct", split="train", windows=WINDOWS)


@pytest.mark.parametrize(
    ("choice", "named"),
    [({"domain": "pet", "split": "train"}, "pet"), ({"domain": "ct", "split": "validation"}, "validation")],
)
def test_no_case_at_all_is_refused_naming_what_there_is(toys, choice, named):
    with pytest.raises(CohortError, match=named) as fault:
        volume_items(read_cohort(toys), **choice, windows=STEPS)
    assert "ct, mr" in str(fault.value)


def test_no_case_may_be_an_answer(toys):
    nothing = volume_items(
        read_cohort(toys), domain="ct", split="validation", windows=STEPS, allow_empty=True
    )
    assert nothing == []


def test_the_common_grid_is_canonical(toys):
    assert common_grid(list(read_cohort(toys))) == (pytest.approx(SPACING, abs=1e-4), SIZE)


def test_every_volume_on_another_grid_is_named_and_no_other(toys, tmp_path):
    cases = list(read_cohort(toys))
    wider = toy_case(tmp_path, "ct_wide", grid=toy_grid((24, 4, 16)))
    finer = toy_case(tmp_path, "ct_fine", grid=replace(toy_grid(), spacing=(6.0, 7.9, 7.0)))
    with pytest.raises(CohortError) as fault:
        common_grid([*cases, wider, finer])
    assert [line.partition(":")[0] for line in fault.value.faults] == ["ct_wide", "ct_fine"]
    assert "24 x 4 x 16" in fault.value.faults[0]
    assert "6 x 7.9 x 7 mm" in fault.value.faults[1]
