"""MONAI's own checks of a bundle: properties, metadata, networks, export."""

import hashlib
import json
import re

import pytest
import torch
from monai.bundle import ckpt_export, verify_metadata, verify_net_in_out
from toys import CONFIGS, training, workflow

import cyclevox
from pipelines.model.model_folder import read_model
from pipelines.model.weights import load_weights
from pipelines.translation.volume_translation import build_network

METADATA = CONFIGS / "metadata.json"


@pytest.fixture
def schema(repository):
    """Our own rendering of the fields that MONAI's bundle specification requires."""
    return repository / "tests" / "bundle" / "metadata_schema.json"


def verify(metadata, schema) -> None:
    digest = hashlib.md5(schema.read_bytes(), usedforsecurity=False).hexdigest()
    verify_metadata(meta_file=str(metadata), filepath=str(schema), hash_val=digest, hash_type="md5")


@pytest.mark.parametrize("overlays", [(), ("quickstart",)])
def test_training_has_every_property(toys, tmp_path, overlays):
    files = [CONFIGS / f"{name}.json" for name in overlays]
    places = {"dataset_dir": str(toys), "output_dir": str(tmp_path / "run")}
    built = workflow("train.json", *files, workflow_type="train", **places)
    assert built.check_properties() == []
    assert list(tmp_path.iterdir()) == []


def test_a_missing_property_would_be_found(toys, tmp_path):
    built = training(toys, tmp_path / "run")
    del built.parser["train"]["trainer"]
    built.initialize()
    with pytest.raises(KeyError, match="train::trainer"):
        built.check_properties()


def test_a_renamed_optional_property_would_be_found(toys, tmp_path):
    built = training(toys, tmp_path / "run")
    built.parser["train"]["trainer"]["train_handlers"] = "@handlers"
    built.parser["handlers"] = built.parser["train"].pop("handlers")
    built.initialize()
    assert "train_handlers" in built.check_properties()


def test_properties_of_a_training_are_the_parts_it_runs_with(toys, tmp_path):
    built = training(toys, tmp_path / "run")
    assert built.trainer.state.max_epochs == built.max_epochs == 2
    assert built.train_dataset is built.trainer.data_loader.dataset
    assert built.evaluator.inferer is built.val_inferer
    assert built.bundle_root == "."


def test_properties_of_an_inference_are_the_parts_it_runs_with(run, toys, tmp_path):
    places = {"dataset_dir": str(toys), "output_dir": str(tmp_path / "out"), "model_dir": str(run / "model")}
    overlay = run / "model" / "model.json"
    built = workflow("inference.json", overlay, workflow_type="infer", device="cpu", **places)
    assert built.check_properties() == []
    assert built.evaluator.network is built.parser.get_parsed_content("network")
    assert built.network_def.layers[1].out_channels == 4
    assert [item["case"] for item in built.dataset_data] == ["mr_1", "mr_2", "mr_3", "mr_pair1"]


def test_metadata_is_verified_by_monai(schema):
    """MONAI's real function, with a schema of our own.

    The published schema must be downloaded, and tests run offline. MONAI downloads nothing where the file
    exists, so `filepath` names a schema written from the fields that MONAI's bundle specification requires.
    It stands in for the published one and is no copy of it.
    """
    verify(METADATA, schema)


@pytest.mark.parametrize("field", ["task", "monai_version", "network_data_format", "changelog"])
def test_the_schema_misses_what_is_missing(schema, tmp_path, field):
    metadata = json.loads(METADATA.read_text())
    del metadata[field]
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match=field):
        verify(tmp_path / "metadata.json", schema)


def test_the_schema_knows_the_kinds_of_tensors(schema, tmp_path):
    metadata = json.loads(METADATA.read_text())
    metadata["discriminator_data_format"]["outputs"]["pred"]["type"] = "opinion"
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="opinion"):
        verify(tmp_path / "metadata.json", schema)


def test_metadata_states_the_tested_versions(repository):
    metadata = json.loads(METADATA.read_text())
    lines = (repository / "constraints.txt").read_text().splitlines()
    pairs = [line.partition("#")[0].strip().split("==") for line in lines if "==" in line]
    pinned = {name.lower(): version.partition("+")[0] for name, version in pairs}
    stated = {
        "monai": metadata["monai_version"],
        "torch": metadata["pytorch_version"],
        "numpy": metadata["numpy_version"],
        **metadata["required_packages_version"],
    }
    assert {name: pinned[name.lower()] for name in stated} == stated
    assert metadata["version"] == cyclevox.__version__
    assert metadata["version"] in metadata["changelog"]
    assert "eval_metrics" not in metadata  # there are no weights to have any


@pytest.mark.parametrize("config", ["train.json", "inference.json"])
def test_network_answers_as_the_metadata_says(config):
    verify_net_in_out(
        "network_def",
        meta_file=str(METADATA),
        config_file=str(CONFIGS / config),
        device="cpu",
        **{"network_def#width": 4},
    )


def test_exported_generator_gives_the_same_slices(run, tmp_path):
    model = read_model(run / "model")
    ckpt_export(
        "network_def",
        filepath=str(tmp_path / "model.ts"),
        ckpt_file=str(model.weights("ct")),
        meta_file=str(METADATA),
        config_file=[str(CONFIGS / "inference.json"), str(run / "model" / "model.json")],
    )
    exported = torch.jit.load(str(tmp_path / "model.ts"))
    network = load_weights(build_network(model), model.weights("ct"))
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 24), torch.linspace(-1, 1, 16), indexing="ij")
    slices = torch.stack([rows * columns, (4 * rows).sin()])[:, None]
    with torch.inference_mode():
        torch.testing.assert_close(exported(slices), network(slices))


def test_model_card_names_no_number_of_quality():
    """There are no weights, so there is nothing that a metric could be of."""
    card = (CONFIGS.parent / "docs" / "README.md").read_text()
    assert not re.search(r"\b(MAE|PSNR|SSIM|Dice)\b[^\n]*\d+\.\d+", card)
    assert "not a medical device" in card.lower()
    for command in ("training", "inference.json", "preprocess.json", "evaluate.json"):
        assert command in card
