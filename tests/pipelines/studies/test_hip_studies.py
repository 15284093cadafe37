"""The studies on the digital hip, at toy size: they run to their end, and their numbers add up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.studies.comparison import NAIVE
from pipelines.studies.demo import DemoSize, report, run_demo
from pipelines.studies.gradient_consistency import VARIANTS, run_study, summarise_study, write_page

TOY_TRAINING = {
    "max_epochs": 1,
    "epoch_length": 2,
    "constant_iterations": 1,
    "decay_iterations": 1,
    "network_def::width": 4,
    "network_def::blocks": 1,
}
"""Two steps of a tiny network: the studies' workings, not their results."""

TOY = DemoSize(mr=2, ct=2, pairs=2, seed=11, overrides=TOY_TRAINING, supervised_iterations=2)


@pytest.mark.slow
def test_demo_reports_what_it_measured(tmp_path: Path) -> None:
    """The summary holds an error for every answer on every test patient, and the ratio follows from them."""
    summary = run_demo(tmp_path, TOY)
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert (tmp_path / "demo.png").stat().st_size > 0
    assert len(summary["patients"]) == TOY.pairs
    for name, mean in summary["mean"].items():
        assert mean == pytest.approx(np.mean([errors[name] for errors in summary["patients"].values()]))
    best = min(summary["mean"][name] for name in NAIVE)
    assert summary["ratio_to_naive"] == pytest.approx(summary["mean"]["translation"] / best)
    # The workflow's own evaluation is a second way to the same number.
    metrics = pd.read_csv(tmp_path / "evaluation" / "metrics.csv")
    measured = metrics[metrics["metric"] == "windowed_mae"].set_index("case")["value"]
    for case, errors in summary["patients"].items():
        assert errors["translation"] == pytest.approx(measured[case], rel=1e-6)
    for name in summary["mean"]:
        assert name in report(summary, tmp_path)


@pytest.mark.slow
def test_study_is_resumed_and_written(tmp_path: Path) -> None:
    """A finished cell is not trained again, and the page holds every variant."""
    table = run_study(tmp_path, size=TOY, seeds=[1, 2], variants=VARIANTS[:2])
    weights = sorted((tmp_path / "cells").glob("*/run/model/generator_to_ct.pt"))
    assert len(weights) == 4
    written = [path.stat().st_mtime_ns for path in weights]
    again = run_study(tmp_path, size=TOY, seeds=[1, 2], variants=VARIANTS[:2])
    assert [path.stat().st_mtime_ns for path in weights] == written
    pd.testing.assert_frame_equal(table, again)
    page = tmp_path / "page.md"
    write_page(tmp_path, page, table=table, command="study", iterations=2)
    assert all(variant.name in page.read_text() for variant in VARIANTS[:2])


def test_difference_is_taken_on_the_same_seeds_and_patients() -> None:
    """A constant shift of every cell is found exactly, however much seeds and patients differ."""
    random = np.random.default_rng(0)
    rows = []
    for seed in range(3):
        for patient in ("p1", "p2", "p3", "p4"):
            base = 20 + 5 * random.random()
            rows.append({"variant": "none", "seed": seed, "patient": patient, "mae": base})
            rows.append({"variant": "other", "seed": seed, "patient": patient, "mae": base - 2.0})
    other = summarise_study(pd.DataFrame(rows)).set_index("variant").loc["other"]
    assert other["difference"] == pytest.approx(-2.0)
    assert other["difference_low"] == pytest.approx(-2.0)
    assert other["difference_high"] == pytest.approx(-2.0)
    assert other["mae_high"] - other["mae_low"] > 0.1
