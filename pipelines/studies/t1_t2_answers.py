"""What the T1 to T2 study compares: translation, the answers that need no network, and the bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from evaluation.arrays import Volume
from evaluation.case_volumes import CaseVolume, in_units_of, read_case
from evaluation.image_metrics import windowed_mae, windowed_psnr, windowed_ssim
from evaluation.naive import ContextFreeMap, Example, fit_context_free_map, input_answer, mean_target
from pipelines.losses.gradient_consistency import gradient_consistency
from pipelines.model.model_folder import TranslationModel, read_model
from pipelines.model.weights import load_weights
from pipelines.studies.open_ms import SOURCE, TARGET
from pipelines.translation.volume_translation import build_network, infer_slices
from preprocessing.cohort import Case, Cohort, read_cohort
from preprocessing.intensity_window import IntensityWindow
from preprocessing.scan import Scan
from preprocessing.volume import read_labels
from preprocessing.window import PercentileWindow

NETWORKS = ("translation", "supervised_bound")
"""Answers of networks, by the name of their folder."""

INPUT_WINDOW = PercentileWindow(percentile=99.5)
"""Window of the T1 for the naive answer `input`. In the recipe's own, narrower one brain is too bright; in
this one it has by chance about the level that it has in T2."""


@dataclass(frozen=True, kw_only=True)
class JudgedCase:
    """One translated head with everything that it is compared with.

    Args:
        fold: The patient left out of the training.
        source: Prepared T1.
        truth: Registered T2 on its grid.
        answers: By name, a T2 on the same grid and in the truth's unit.
        recovered: The translation translated back, in the T1's unit.
    """

    fold: str
    source: CaseVolume
    truth: CaseVolume
    answers: Mapping[str, Volume]
    recovered: Volume

    def scores(self) -> list[dict[str, str | float]]:
        """Return a row for every answer: error in levels, PSNR in dB, SSIM of axial slices; in the head."""
        window, mask, truth = self.truth.window, self.truth.mask, self.truth.array
        return [
            {
                "fold": self.fold,
                "case": self.source.case,
                "answer": name,
                "mae": windowed_mae(answer, truth, window=window, mask=mask),
                "psnr": windowed_psnr(answer, truth, window=window, mask=mask),
                "ssim": windowed_ssim(answer, truth, window=window, mask=mask, plane="axial"),
            }
            for name, answer in self.answers.items()
        ]


def judge(fold: Path, part: str, cohort: Cohort) -> JudgedCase:
    """Gather a translated case of a finished fold.

    Args:
        fold: Folder of the fold, with its tables `cohort.csv` and `pairs.csv`.
        part: Folder of the translations in it: "test" or "outside".
        cohort: The cohort that was translated, with one test pair.
    """
    (case,) = cohort.select(domain=SOURCE, split="test")
    partner = cohort.partner(case)
    assert partner is not None
    source, truth = _read(case), _read(partner)
    predictions = {name: read_cohort(fold / part / name)[case.case] for name in NETWORKS}
    answers = {
        name: in_units_of(_read(predicted), predicted, truth).array for name, predicted in predictions.items()
    }
    return JudgedCase(
        fold=fold.name,
        source=source,
        truth=truth,
        answers={**answers, **_naive(fold, case, source, truth)},
        recovered=_recovered(source, read_model(fold / "run" / "model")),
    )


def judged_cases(out: Path, part: str) -> list[JudgedCase]:
    """Gather the test or outside case of every fold that is finished.

    Args:
        out: The study's folder.
        part: "test" or "outside".
    """
    folds = sorted(path.parent for path in (out / "folds").glob("*/finished.json"))
    return [
        judge(fold, part, read_cohort(fold if part == "test" else out / "outside_prepared")) for fold in folds
    ]


def score_table(cases: Sequence[JudgedCase]) -> pd.DataFrame:
    """Return one row for every fold, case and answer."""
    return pd.DataFrame([row for case in cases for row in case.scores()])


def source_truth_consistency(cases: Sequence[JudgedCase]) -> float:
    """Return signed gradient consistency of T1 and true T2: mean over slices with head, then over cases.

    It says what the loss asks for. Signed and absolute form are equal wherever the signed one is positive.
    """
    means = []
    for case in cases:
        heads = case.truth.mask.any(axis=(0, 1))
        first, second = (
            torch.from_numpy(
                volume.window.forward(volume.array)[..., heads].transpose(2, 0, 1)[:, None].copy()
            )
            for volume in (case.source, case.truth)
        )
        means.append(float(gradient_consistency(first, second, kind="signed").mean()))
    return float(np.mean(means))


def _naive(fold: Path, case: Case, source: CaseVolume, truth: CaseVolume) -> dict[str, Volume]:
    window = _input_window(case, source)
    targets = [_read(target) for target in read_cohort(fold).select(domain=TARGET, split="train")]
    average = mean_target(target.window.forward(target.array) for target in targets)
    lookup = replace(_lookup(read_cohort(fold / "pairs.csv")), target_window=truth.window)
    return {
        "input": input_answer(source.array, input_window=window, target_window=truth.window),
        "mean_target": truth.window.backward(average),
        "lut": lookup(source.array, input_window=source.window),
    }


def _lookup(pairs: Cohort) -> ContextFreeMap:
    examples = []
    for case in pairs.select(domain=SOURCE):
        partner = pairs.partner(case)
        assert partner is not None
        source, target = _read(case), _read(partner)
        examples.append(
            Example(
                image=source.array,
                target=target.array,
                mask=target.mask,
                input_window=source.window,
                target_window=target.window,
            )
        )
    return fit_context_free_map(examples)


def _input_window(case: Case, volume: CaseVolume) -> IntensityWindow:
    assert case.mask is not None
    window = INPUT_WINDOW(Scan(image=volume.image, mask=read_labels(case.mask, case=case.case))).window
    assert window is not None
    return window


def _recovered(source: CaseVolume, model: TranslationModel) -> Volume:
    volume = torch.from_numpy(source.window.forward(source.array)).float()[None]
    for domain in (model.target, model.source):
        network = load_weights(build_network(model), model.weights(domain)).eval()
        volume = infer_slices(volume, model=model, network=network)
    return source.window.backward(volume[0].numpy())


def _read(case: Case) -> CaseVolume:
    # Prepared cases and translations carry their window in the record beside them.
    return read_case(case, setting=INPUT_WINDOW)
