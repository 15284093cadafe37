"""What a training leaves: rows, curves, pictures, hashes, a model; and nothing where it cannot be built."""

import csv
import json
import shutil
from hashlib import sha256

import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from toys import SIZE, toy_case, toy_cohort, toy_grid, train, training

from pipelines.model.model_folder import read_model
from pipelines.model.weights import load_weights
from pipelines.training.run_folder import RunFolderError, default_output
from pipelines.translation.volume_translation import build_network
from preprocessing.cohort import CohortError, read_cohort, write_cohort

PARTS = {"config.json", "environment.json", "cohort.csv", "losses.csv", "tensorboard", "checkpoints"}


def cause(error: BaseException, kind: type) -> BaseException:
    while not isinstance(error, kind):
        assert error.__cause__ is not None, error
        error = error.__cause__
    return error


def test_run_folder_is_whole(run):
    assert {path.name for path in run.iterdir()} == PARTS | {"validation", "model"}
    assert not list(run.rglob("*.partial*"))


def test_every_iteration_has_a_row_with_every_term(run):
    table = pd.read_csv(run / "losses.csv")
    assert table["iteration"].tolist() == [1, 2, 3, 4]
    terms = ("adversarial", "cycle", "gradient_consistency", "discriminator")
    assert {f"{term}_{side}" for term in terms for side in "ab"} | {"generator", "discriminator"} <= set(
        table
    )
    parts = table.filter(regex="^adversarial").sum(axis=1) + 3 * table.filter(regex="^cycle").sum(axis=1)
    consistency = 0.15 * table.filter(regex="^gradient_consistency").sum(axis=1)
    pd.testing.assert_series_equal(parts + consistency, table["generator"], rtol=1e-4, check_names=False)


def test_rows_are_means_over_their_interval(run, toys, tmp_path):
    train(toys, tmp_path / "run", loss_interval=3)
    single = pd.read_csv(run / "losses.csv").set_index("iteration")
    coarse = pd.read_csv(tmp_path / "run" / "losses.csv").set_index("iteration")
    pd.testing.assert_series_equal(coarse.loc[3], single.loc[1:3].mean(), rtol=1e-4, check_names=False)
    pd.testing.assert_series_equal(coarse.loc[4], single.loc[4], rtol=1e-4)


def test_rows_beyond_the_checkpoint_are_not_doubled(run, toys, tmp_path):
    """A killed run has rows, and validations, that its newest checkpoint knows nothing of."""
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "checkpoints" / "iteration_00000004.pt").unlink()
    train(toys, copy, resume=True)
    for name in ("losses.csv", "validation/metrics.csv"):
        assert (copy / name).read_text() == (run / name).read_text()


def test_tensorboard_has_the_same_curves(run):
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    with (run / "losses.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name in set(rows[0]) - {"iteration"}:
        curve = events.Scalars(f"loss/{name}")
        assert [event.step for event in curve] == [int(row["iteration"]) for row in rows]
        values = [float(row[name]) for row in rows]
        assert [event.value for event in curve] == pytest.approx(values, rel=1e-4)


def test_learning_rates_follow_the_schedule(toys, tmp_path):
    built = training(toys, tmp_path / "run", constant_iterations=1, decay_iterations=4, learning_rate=0.01)
    trainer = built.trainer
    optimizers = trainer.generator_optimizer, trainer.discriminator_optimizer
    rates = []
    for optimizer in optimizers:
        optimizer.register_step_pre_hook(lambda self, *_: rates.append(self.param_groups[0]["lr"]))
    built.run()
    # Both optimizers step in every iteration: 1 full iteration, then down by a quarter each time.
    assert rates == pytest.approx([0.01, 0.01, 0.01, 0.01, 0.0075, 0.0075, 0.005, 0.005])


def test_validation_leaves_a_picture_and_a_row_for_every_epoch(run):
    table = pd.read_csv(run / "validation" / "metrics.csv")
    assert table[["epoch", "case"]].to_numpy().tolist() == [[1, "mr_3"], [2, "mr_3"]]
    assert table["nmi_source"].between(1, 2).all()
    pictures = sorted(path.name for path in (run / "validation").glob("*.png"))
    assert pictures == ["epoch_00001.png", "epoch_00002.png"]


def test_without_a_validation_case_there_is_no_validation(tmp_path):
    train(toy_cohort(tmp_path / "toys", validation=False), tmp_path / "run", max_epochs=1)
    assert list((tmp_path / "run" / "validation").iterdir()) == []


def test_cohort_is_recorded_with_the_hashes_of_its_images(run, toys):
    recorded = pd.read_csv(run / "cohort.csv")
    assert set(recorded["case"]) == set(pd.read_csv(toys / "cohort.csv")["case"])
    for case, digest in zip(recorded["case"], recorded["sha256"], strict=True):
        assert digest == sha256((toys / f"{case}.nii.gz").read_bytes()).hexdigest()
    assert list(read_cohort(run)) == list(read_cohort(toys))  # the paths hold where the table stands


def test_config_holds_overrides(run):
    config = json.loads((run / "config.json").read_text())
    assert (config["network_def"]["width"], config["max_epochs"], config["cycle_weight"]) == (4, 2, 3.0)


def test_model_describes_the_training_and_loads(run):
    model = read_model(run / "model")
    assert (model.source, model.target, model.plane, model.size) == ("mr", "ct", "coronal", SIZE)
    assert model.iteration == 4
    assert (model.windows["ct"].low, model.windows["ct"].high) == (-150, 350)
    for domain in ("mr", "ct"):
        load_weights(build_network(model), model.weights(domain))
        assert model.recipes[domain][0]["_target_"].endswith("CanonicalOrientation")


@pytest.mark.parametrize(
    ("overrides", "kind", "named"),
    [
        ({"source": "pet"}, CohortError, "'pet'"),
        ({"precision": "float8"}, ValueError, "float8"),
        ({"network_def::norm": "layer"}, ValueError, "'layer'"),
        ({"windows": {}}, CohortError, "no window"),
    ],
)
def test_a_training_that_cannot_be_built_leaves_nothing(toys, tmp_path, overrides, kind, named):
    with pytest.raises(Exception) as fault:
        train(toys, tmp_path / "run", **overrides)
    assert named in str(cause(fault.value, kind))
    assert list(tmp_path.iterdir()) == []


def test_a_validation_volume_on_another_grid_is_refused_like_a_training_one(tmp_path):
    toys = toy_cohort(tmp_path / "toys")
    wide = toy_case(tmp_path / "toys", "mr_wide", split="validation", grid=toy_grid((24, 4, 16)))
    write_cohort(toys / "cohort.csv", [*read_cohort(toys), wide])
    with pytest.raises(Exception) as fault:
        train(toys, tmp_path / "run")
    assert "mr_wide: spacing" in str(cause(fault.value, CohortError))


def test_an_existing_run_is_not_overwritten(run, toys):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(Exception) as fault:
        train(toys, run)
    assert "already holds a run. Use --resume" in str(cause(fault.value, RunFolderError))
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_nothing_to_resume_is_said(toys, tmp_path):
    with pytest.raises(Exception) as fault:
        train(toys, tmp_path / "run", resume=True)
    assert "found none. Train without --resume first" in str(cause(fault.value, RunFolderError))
    assert list(tmp_path.iterdir()) == []


def test_a_percentile_window_of_each_volume_gives_the_models_median(toys, tmp_path):
    windows = {
        "mr": [
            {"_target_": "preprocessing.body_mask.BodyMask"},
            {"_target_": "preprocessing.window.PercentileWindow", "percentile": 99.5},
        ],
        "ct": [{"_target_": "preprocessing.window.FixedWindow", "low": -150, "high": 350, "unit": "HU"}],
    }
    train(toys, tmp_path / "run", max_epochs=1, windows=windows)
    model = read_model(tmp_path / "run" / "model")
    assert model.windows["mr"].unit == "nominal"
    assert 80 <= model.windows["mr"].high <= 90
    assert [step["_target_"].rpartition(".")[2] for step in model.recipes["mr"]] == [
        "CanonicalOrientation",
        "ToReferenceGrid",
        "BodyMask",
        "PercentileWindow",
    ]


@pytest.mark.parametrize("inside", [".", "configs"])
def test_default_output_is_never_inside_the_bundle(repository, monkeypatch, tmp_path, inside):
    monkeypatch.chdir(repository / "bundle" / inside)
    assert default_output("train") == str(repository.resolve() / "runs" / "train")
    monkeypatch.chdir(tmp_path)
    assert default_output("train") == str(tmp_path.resolve() / "runs" / "train")
