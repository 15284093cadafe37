"""A record tells one preparation from another, survives JSON, and gives nothing away."""

import json
from dataclasses import dataclass, replace

import pytest

from preprocessing import provenance as module
from preprocessing.body_mask import BodyMask
from preprocessing.intensity_window import IntensityWindow
from preprocessing.provenance import (
    Provenance,
    file_hash,
    preparation_key,
    read_provenance,
    recipe_hash,
    step_config,
    write_provenance,
)

RECIPE = [step_config(BodyMask()), {"_target_": "preprocessing.orientation.CanonicalOrientation"}]
RECORD = Provenance(
    case="mr_1",
    sources={"image": "a" * 64, "label": "b" * 64},
    recipe=RECIPE,
    outputs={"image": "c" * 64},
    window=IntensityWindow(0.0, 117.5, "nominal"),
    notes={"coverage": {"fraction": 0.5}},
    warnings=["the scan covers 50.0% of its reference grid"],
)


@pytest.mark.parametrize("window", [None, RECORD.window])
def test_a_record_is_read_back_equal(window, tmp_path):
    record = replace(RECORD, window=window)
    write_provenance(tmp_path / "mr_1.json", record)
    again = read_provenance(tmp_path / "mr_1.json")
    assert again == record
    assert again.key == record.key
    assert [path.name for path in tmp_path.iterdir()] == ["mr_1.json"]


def test_the_file_shows_key_recipe_hash_window_and_versions(tmp_path):
    write_provenance(tmp_path / "mr_1.json", RECORD)
    content = json.loads((tmp_path / "mr_1.json").read_text())
    assert content["key"] == RECORD.key
    assert content["recipe_hash"] == recipe_hash(RECIPE)
    assert content["window"] == {"low": 0.0, "high": 117.5, "unit": "nominal"}
    assert {"preprocessing", "SimpleITK", "numpy", "python"} <= set(content["versions"])
    assert content["written"].endswith("+00:00")


def test_the_key_changes_with_sources_recipe_order_and_version(monkeypatch):
    keys = [
        RECORD.key,
        replace(RECORD, sources={"image": "d" * 64, "label": "b" * 64}).key,
        replace(RECORD, sources={"image": "a" * 64}).key,
        replace(RECORD, recipe=[step_config(BodyMask(threshold=-300)), RECIPE[1]]).key,
        replace(RECORD, recipe=RECIPE[::-1]).key,
    ]
    monkeypatch.setattr(module, "PREPROCESSING_VERSION", module.PREPROCESSING_VERSION + 1)
    keys.append(RECORD.key)
    assert len(set(keys)) == len(keys)


def test_the_key_does_not_depend_on_the_order_of_fields():
    turned = [dict(reversed(list(step.items()))) for step in RECIPE]
    assert preparation_key(RECORD.sources, turned) == preparation_key(RECORD.sources, RECIPE)


def test_the_hash_is_sha_256_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1; also `printf abc | sha256sum`.
    assert file_hash(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_step_is_named_by_where_it_can_be_found():
    assert step_config(BodyMask(threshold=-300)) == {
        "_target_": "preprocessing.body_mask.BodyMask",
        "threshold": -300,
        "smoothing": 2.0,
        "opening": 6.0,
    }


@dataclass(frozen=True)
class WithImage:
    image: object


def test_what_json_cannot_hold_is_no_step():
    with pytest.raises(TypeError, match="expected a step that is a dataclass"):
        step_config(len)
    with pytest.raises(TypeError):
        step_config(WithImage(image=object()))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"case": "x"}'])
def test_what_is_no_record_is_refused(content, tmp_path):
    (tmp_path / "mr_1.json").write_text(content)
    with pytest.raises(ValueError, match=r"mr_1\.json: expected a preparation record"):
        read_provenance(tmp_path / "mr_1.json")


def test_a_value_that_is_no_number_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_provenance(tmp_path / "mr_1.json", replace(RECORD, notes={"x": float("nan")}))
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_a_step_is_named_too():
    @dataclass(frozen=True)
    class Other:
        threshold: float | None = -300

    @dataclass(frozen=True)
    class Whole:
        part: object
        parts: tuple[object, ...] = ()

    config = step_config(Whole(part=BodyMask(threshold=-300), parts=(Other(),)))
    assert config["part"] == step_config(BodyMask(threshold=-300))
    assert config["parts"] == [step_config(Other())]
