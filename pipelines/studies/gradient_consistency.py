"""Does gradient consistency help? Signed, absolute and none, over several training seeds.

Run it with `python -m pipelines.studies.gradient_consistency OUT`; a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import stats

from evaluation.statistics import bootstrap_interval_over_seeds
from pipelines.losses.gradient_consistency import Kind, gradient_consistency
from pipelines.networks.patch_discriminator import PAPER_PATCH_MM
from pipelines.studies import workflows
from pipelines.studies.comparison import ComparedPatient, NaiveAnswers, compared_patients
from pipelines.studies.demo import DemoSize, write_prepared_phantoms
from pipelines.studies.study_folder import claim_folder, machines, revisions
from preprocessing.atomic import write_text_atomically
from preprocessing.cohort import read_cohort

COHORT_SEED = 500
"""Seed of the study's phantoms; the quick start was tuned on others."""


EPOCH_LENGTH = 100
"""Steps of an epoch, as in the quick start."""

PAGE = """# Gradient consistency on the digital hip phantom

{seeds} training seeds, {patients} test patients, {iterations} steps at 64 x 64 pixels with the quick start's
networks, but the paper's discriminator patch of 87.5 mm (16 pixels). Windowed MAE in grey levels 0..255 of
[-150, 350] HU, against the noise-free truth, inside the body; 95 % bootstrap intervals over seeds and
patients.

| gradient consistency | MAE | 95 % interval | of each seed | difference from none | 95 % interval |
|---|---|---|---|---|---|
{rows}

A mean far above `mean_target` is a translation with inverted contrast: fat came out bright. The signed form
asks for that. The absolute form leaves the sign of the contrast free, so the training has to find it.

Without any network: {naive}.

GC(MR, true CT) on these patients: signed {signed:.3f}, absolute {absolute:.3f}. The signed form asks the
translator for edges of the same sign, which the truth does not have: fat is bright in MR and dark in CT.

The quick start's other settings were chosen with no gradient consistency, which may favour that row. With
these seeds a difference of {detectable:.1f} levels would have been found with a power of 80 %. With so few
seeds an interval that includes 0 says little either way, and one that does not is a result for this phantom,
this size and this length of training alone.

Made by {made}.
"""
"""The documentation page."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to train.

    Args:
        name: As the table calls it.
        overrides: Settings of the training config by id.
    """

    name: str
    overrides: Mapping[str, Any]


VARIANTS = (
    Variant(name="none", overrides={"gradient_consistency_weight": 0.0}),
    Variant(
        name="signed, weight 0.3 of the paper",
        overrides={"gradient_consistency_kind": "signed", "gradient_consistency_weight": 0.3},
    ),
    Variant(
        name="absolute, weight 0.3",
        overrides={"gradient_consistency_kind": "absolute", "gradient_consistency_weight": 0.3},
    ),
)
"""What is compared; the first is the baseline of the differences."""


def run_study(
    out: Path, *, size: DemoSize, seeds: Sequence[int], variants: Sequence[Variant] = VARIANTS
) -> pd.DataFrame:
    """Train every variant with every seed and return the error of each on every test patient.

    Args:
        out: Folder for everything; a cell that is finished there is not trained again.
        size: Of the cohort and of the training.
        seeds: Training seeds.
        variants: What is compared.

    Returns:
        A row for each variant, seed and patient with `mae`, in grey levels 0..255; also in `cells.csv`.
    """
    claim_folder(out, asdict(size) | {"variants": [asdict(variant) for variant in variants]})
    write_prepared_phantoms(out, size)
    rows: list[dict[str, Any]] = []
    for seed in seeds:
        for variant in variants:
            errors = train_cell(out, variant=variant, seed=seed, overrides=size.overrides)
            rows += [
                {"variant": variant.name, "seed": seed, "patient": p, "mae": e} for p, e in errors.items()
            ]
            pd.DataFrame(rows).to_csv(out / "cells.csv", index=False)
    return pd.DataFrame(rows)


def training_of(steps: int) -> dict[str, float]:
    """Return the settings of a training of so many steps, the latter half at a falling rate."""
    epochs = max(steps // EPOCH_LENGTH, 1)
    return {
        "max_epochs": epochs,
        "epoch_length": min(steps, EPOCH_LENGTH),
        "constant_iterations": steps // 2,
        "decay_iterations": steps - steps // 2,
        "patch_mm": PAPER_PATCH_MM,
    }


def train_cell(out: Path, *, variant: Variant, seed: int, overrides: Mapping[str, Any]) -> dict[str, float]:
    """Train one variant with one seed, unless that is done, and return the error on each test patient."""
    cell = out / "cells" / f"{variant.name.split(',')[0]}_{seed}"
    if not (cell / "errors.json").exists():
        settings = {**overrides, **variant.overrides, "seed": seed}
        workflows.train(out / "prepared", cell / "run", overlay="quickstart", overrides=settings)
        workflows.translate(out / "prepared", cell / "translated", model=cell / "run" / "model", to="ct")
        patients = _patients(out, {"translation": cell / "translated"})
        errors = {patient.case: patient.errors()["translation"] for patient in patients}
        write_text_atomically(cell / "errors.json", json.dumps(errors, indent=2) + "\n")
    finished: dict[str, float] = json.loads((cell / "errors.json").read_text())
    return finished


def source_truth_consistency(patients: Sequence[ComparedPatient], *, kind: Kind) -> float:
    """Return GC between the MR and its true CT, per coronal slice, averaged over slices and patients."""
    values = []
    for patient in patients:
        pair = (
            patient.source.window.forward(patient.source.array),
            patient.truth.window.forward(patient.truth.array),
        )
        source, truth = (torch.from_numpy(volume.transpose(1, 0, 2)[:, None].copy()) for volume in pair)
        values.append(float(gradient_consistency(source, truth, kind=kind).mean()))
    return float(np.mean(values))


def summarise_study(table: pd.DataFrame) -> pd.DataFrame:
    """Return each variant's mean error, and its difference from the first on the same seeds and patients.

    Intervals are 95 % bootstrap intervals over seeds and patients.
    """
    grids = {
        name: rows.pivot(index="seed", columns="patient", values="mae").to_numpy()
        for name, rows in table.groupby("variant", sort=False)
    }
    summary = []
    for name, grid in grids.items():
        low, high = bootstrap_interval_over_seeds(grid)
        difference = grid - next(iter(grids.values()))
        low_difference, high_difference = bootstrap_interval_over_seeds(difference)
        summary.append(
            {
                "variant": name,
                "mae": grid.mean(),
                "mae_low": low,
                "mae_high": high,
                "seeds": ", ".join(f"{mean:.1f}" for mean in grid.mean(axis=1)),
                "difference": difference.mean(),
                "difference_low": low_difference,
                "difference_high": high_difference,
            }
        )
    return pd.DataFrame(summary)


def detectable_difference(table: pd.DataFrame) -> float:
    """Return the difference between two variants that so many seeds would show with 80 % power at 5 %.

    From the largest SD over seeds of the mean error: (t(0.975) + t(0.8)) SD sqrt(2 / n), n - 1 degrees of
    freedom for each variant. NaN for one seed.
    """
    means = table.groupby(["variant", "seed"])["mae"].mean().unstack("seed")
    count = means.shape[1]
    if count < 2:
        return float("nan")
    quantiles = stats.t(2 * (count - 1)).ppf(0.975) + stats.t(2 * (count - 1)).ppf(0.8)
    return float(quantiles * means.std(axis=1, ddof=1).max() * np.sqrt(2 / count))


def naive_errors(out: Path) -> dict[str, float]:
    """Return the mean error of each answer that needs no network."""
    errors = pd.DataFrame([patient.errors() for patient in _patients(out, {})])
    return {str(name): float(value) for name, value in errors.mean().items()}


def write_page(out: Path, page: Path, *, table: pd.DataFrame, command: str, iterations: int) -> None:
    """Write the study as a page of the documentation."""
    patients = _patients(out, {})
    runs = sorted((out / "cells").glob("*/run"))
    naive = ", ".join(f"`{name}` {value:.1f}" for name, value in naive_errors(out).items())
    seeds = ", ".join(str(seed) for seed in sorted(table["seed"].unique()))
    text = PAGE.format(
        seeds=table["seed"].nunique(),
        patients=table["patient"].nunique(),
        iterations=iterations,
        rows="\n".join(_row(row) for _, row in summarise_study(table).iterrows()),
        naive=naive,
        signed=source_truth_consistency(patients, kind="signed"),
        absolute=source_truth_consistency(patients, kind="absolute"),
        detectable=detectable_difference(table),
        made=f"`{command}`, revision {revisions(runs)}, {machines(runs)}, phantom seed {COHORT_SEED}, "
        f"training seeds {seeds}",
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(page, text)


def _row(row: "pd.Series[Any]") -> str:
    difference = (
        "| – | – |"
        if row["difference"] == 0
        else f"| {row['difference']:+.2f} | {row['difference_low']:+.2f} to {row['difference_high']:+.2f} |"
    )
    return (
        f"| {row['variant']} | {row['mae']:.2f} | {row['mae_low']:.2f} to {row['mae_high']:.2f} "
        f"| {row['seeds']} {difference}"
    )


def _patients(out: Path, predictions: Mapping[str, Path]) -> list[ComparedPatient]:
    cohort = read_cohort(out / "prepared")
    naive = NaiveAnswers.fit(cohort, read_cohort(out / "prepared_truth"))
    return compared_patients(
        cohort, {name: read_cohort(path) for name, path in predictions.items()}, naive=naive
    )


def main() -> None:
    """Run the study and write its page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write, for example runs/gradient_consistency")
    parser.add_argument("--page", type=Path, help="documentation page to write")
    parser.add_argument("--seeds", type=int, default=3, help="number of training seeds")
    parser.add_argument("--steps", type=int, default=1500, help="training steps of each cell")
    parser.add_argument(
        "--toy", action="store_true", help="a few steps on a few patients, to see that it runs"
    )
    arguments = parser.parse_args()
    toy = DemoSize(mr=2, ct=2, pairs=2, seed=COHORT_SEED, overrides=training_of(4))
    size = toy if arguments.toy else DemoSize(seed=COHORT_SEED, overrides=training_of(arguments.steps))
    table = run_study(arguments.out, size=size, seeds=range(100, 100 + arguments.seeds))
    page = arguments.page or arguments.out / "page.md"
    toys = " --toy" if arguments.toy else ""
    command = (
        f"python -m pipelines.studies.gradient_consistency OUT --seeds {arguments.seeds} "
        f"--steps {arguments.steps}{toys}"
    )
    iterations = 4 if arguments.toy else arguments.steps
    write_page(arguments.out, page, table=table, command=command, iterations=iterations)


if __name__ == "__main__":
    main()
