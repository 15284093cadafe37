"""A model folder comes back as it was written; what is no model folder, or other weights, is refused."""

import json
from dataclasses import replace

import pytest
import torch

from pipelines.model.model_folder import MODEL_FILE, ModelError, read_model, weights_file
from pipelines.model.weights import CheckpointError, load_weights, save_weights
from pipelines.networks.resnet_generator import ResnetGenerator


def generator(width: int = 4, blocks: int = 1, seed: int = 0) -> ResnetGenerator:
    torch.manual_seed(seed)
    return ResnetGenerator(width=width, blocks=blocks)


def test_description_makes_the_round_trip(run, tmp_path):
    model = read_model(run / "model")
    moved = replace(model, folder=tmp_path / "elsewhere")
    moved.write()
    assert read_model(tmp_path / "elsewhere") == moved
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == [MODEL_FILE]


def test_description_holds_nothing_of_the_patients(run, toys):
    content = (run / "model" / MODEL_FILE).read_text()
    assert not [case for case in ("mr_1", "ct_2", str(toys)) if case in content]


def test_each_direction_has_its_origin_and_weights(run):
    model = read_model(run / "model")
    assert (model.origin_of("ct"), model.origin_of("mr")) == ("mr", "ct")
    assert model.weights("ct") == run / "model" / "generator_to_ct.pt"
    with pytest.raises(ModelError, match=r"'ct' or 'mr', got 'pet'\. Choose one of them with --to"):
        model.weights("pet")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "Give the `model` folder of a run"),
        ("no json", "cannot be read"),
        ('{"description": {}}', "cannot be read"),
        (
            '{"network_def": {}, "inferer": {}, "description": {"format": 0}}',
            "wanted model layout 1, found 0",
        ),
        (
            '{"network_def": {}, "inferer": {}, "description": {"format": 1, "source": "mr"}}',
            "field is missing or wrong",
        ),
    ],
)
def test_what_is_no_model_folder_is_refused(tmp_path, content, named):
    if content is not None:
        (tmp_path / MODEL_FILE).write_text(content)
    with pytest.raises(ModelError, match=named) as fault:
        read_model(tmp_path)
    assert str(tmp_path) in str(fault.value)


def test_an_unknown_field_is_refused(run, tmp_path):
    content = json.loads((run / "model" / MODEL_FILE).read_text())
    content["description"]["colour"] = "blue"
    (tmp_path / MODEL_FILE).write_text(json.dumps(content))
    with pytest.raises(ModelError, match="colour"):
        read_model(tmp_path)


def test_weights_make_the_round_trip(tmp_path):
    stored = generator()
    save_weights(stored, weights_file(tmp_path / "model", "ct"))
    loaded = load_weights(generator(seed=1), tmp_path / "model" / "generator_to_ct.pt")
    assert not loaded.training
    for name, value in stored.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"width": 8}, r"layers\.1\.bias: wanted \(8,\), found \(4,\)"),
        ({"blocks": 2}, r"wanted \(.*\), found nothing; .* more"),
    ],
)
def test_weights_of_another_architecture_are_refused_naming_layers_and_shapes(tmp_path, other, named):
    save_weights(generator(), tmp_path / "weights.pt")
    network = generator(**other)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(CheckpointError, match=named) as fault:
        load_weights(network, tmp_path / "weights.pt")
    assert "weights.pt holds weights of another architecture" in str(fault.value)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("content", [None, b"", b"damaged", [1, 2], {"a": 3}])
def test_files_that_hold_no_weights_are_refused(tmp_path, content):
    path = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"weights\.pt"):
        load_weights(generator(), path)
