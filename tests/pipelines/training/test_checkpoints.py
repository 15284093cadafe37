"""A resumed training is the uninterrupted one to the bit; a checkpoint that cannot serve is refused."""

import json
import random
import shutil

import numpy as np
import pytest
import torch
from toys import train

from pipelines.model.weights import CheckpointError
from pipelines.training.checkpoint import Checkpoints, read_checkpoint
from pipelines.training.model_export import ModelExport
from pipelines.training.random_state import random_state, restore_random_state
from pipelines.training.run_folder import RunFolderError


def last(run) -> dict:
    return read_checkpoint(sorted((run / "checkpoints").glob("*.pt"))[-1])


def assert_same(first, second, at=""):
    """Both hold the same plain types and tensors, compared to the bit."""
    assert type(first) is type(second), at
    if isinstance(first, dict):
        assert first.keys() == second.keys(), at
        for key in first:
            assert_same(first[key], second[key], f"{at}/{key}")
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second), at
        for number, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f"{at}/{number}")
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second), at
    else:
        assert first == second, at


@pytest.fixture(scope="module", params=[1, 2], ids="stopped after {}".format)
def resumed(request, toys, tmp_path_factory):
    """Stopped after some iterations, in the middle of an epoch too, and finished by a second build.

    The stop is a copy of the run folder as a killed run leaves it: checkpoint there, last rows not yet.
    """
    output = tmp_path_factory.mktemp("runs") / "halves"
    stop = request.param
    train(toys, output, max_epochs=1, epoch_length=stop, checkpoint_interval=1)
    train(toys, output, resume=True)
    return output


def test_resumed_training_equals_the_uninterrupted_one(run, resumed):
    whole, halves = last(run), last(resumed)
    for state in (whole, halves):
        # The runtime type checker of the tests draws from Python's generator.
        del state["config"], state["random"]["python"]
    assert whole["iteration"] == halves["iteration"] == 4
    assert_same(whole, halves)


def test_losses_continue_without_a_seam(run, resumed):
    assert (resumed / "losses.csv").read_text() == (run / "losses.csv").read_text()


def test_model_of_the_resumed_training_is_the_same(run, resumed):
    for name in ("generator_to_ct.pt", "generator_to_mr.pt"):
        first, second = (torch.load(folder / "model" / name, weights_only=True) for folder in (run, resumed))
        assert_same(first, second, name)


def test_finished_run_resumed_stays_as_it_is(run, toys, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    before = {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    train(toys, copy, resume=True)
    after = {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert after == before


def test_the_newest_two_checkpoints_are_kept(toys, tmp_path):
    train(toys, tmp_path / "run", checkpoint_interval=1)
    names = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert names == ["iteration_00000003.pt", "iteration_00000004.pt"]


def refused(toys, run, kind=CheckpointError, **overrides) -> str:
    with pytest.raises(Exception) as fault:
        train(toys, run, **{"resume": True, **overrides})
    error = fault.value
    while not isinstance(error, kind):
        error = error.__cause__
    return str(error)


def test_another_architecture_is_refused_naming_layer_and_shapes(run, toys, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    message = refused(toys, copy, max_epochs=3, **{"network_def::width": 8})
    assert str(copy / "checkpoints" / "iteration_00000004.pt") in message
    assert "generator_ab.layers.1.bias: wanted (8,), found (4,)" in message
    assert "width, blocks" in message


def test_damaged_checkpoint_is_refused_with_the_remedy(run, toys, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    newest = copy / "checkpoints" / "iteration_00000004.pt"
    newest.write_bytes(newest.read_bytes()[:2000])
    assert "Remove it to resume from the one before" in refused(toys, copy, max_epochs=3)
    newest.unlink()
    train(toys, copy, resume=True)
    assert last(copy)["iteration"] == 4


@pytest.mark.parametrize("resume", [False, True])
def test_a_trained_model_without_checkpoints_is_not_trained_over(run, toys, tmp_path, resume):
    copy = shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(copy / "checkpoints")
    before = (copy / "losses.csv").read_bytes()
    assert "a trained model and no checkpoint" in refused(toys, copy, RunFolderError, resume=resume)
    assert (copy / "losses.csv").read_bytes() == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_ended_before_its_first_checkpoint_starts_anew(run, toys, tmp_path, resume, monkeypatch):
    """It leaves rows, pictures and curves of its own, of epochs that the new one does not validate too."""
    dead = tmp_path / "run"

    def stop(*_) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(ModelExport, "export", stop)
        killed.setattr(Checkpoints, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            train(toys, dead, seed=5, epoch_length=1, max_epochs=4, checkpoint_interval=4)
    assert (dead / "losses.csv").read_text().count("\n") == 5
    assert (dead / "validation" / "metrics.csv").read_text().count("\n") >= 3
    train(toys, dead, resume=resume, val_interval=2)
    assert (dead / "losses.csv").read_text() == (run / "losses.csv").read_text()
    rows = (dead / "validation" / "metrics.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["epoch", "2"]
    assert [path.name for path in (dead / "validation").glob("*.png")] == ["epoch_00002.png"]
    assert len(list((dead / "tensorboard").iterdir())) == 1
    config = json.loads((dead / "config.json").read_text())
    assert config["seed"] == 0


@pytest.mark.parametrize("content", [b"", b"no zip archive", {"format": 99}, {"iteration": 3}, [1, 2]])
def test_what_is_no_checkpoint_of_ours_is_refused(tmp_path, content):
    path = tmp_path / "iteration_00000001.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match="iteration_00000001"):
        read_checkpoint(path)


def test_restored_generators_repeat_their_draws():
    state = random_state()
    drawn = random.random(), np.random.rand(), np.random.standard_normal(), torch.rand(3)  # noqa: NPY002
    half_used = random_state()
    following = random.gauss(0, 1), np.random.standard_normal(), torch.rand(2)  # noqa: NPY002
    restore_random_state(state)
    again = random.random(), np.random.rand(), np.random.standard_normal(), torch.rand(3)  # noqa: NPY002
    restore_random_state(half_used)
    and_on = random.gauss(0, 1), np.random.standard_normal(), torch.rand(2)  # noqa: NPY002
    assert_same(list(again), list(drawn))
    assert_same(list(and_on), list(following))
