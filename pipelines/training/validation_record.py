"""What validation leaves in the run folder: a picture and a row of numbers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from ignite.engine import Engine, Events

from evaluation.arrays import Plane, Spacing
from evaluation.figures.rows import picture_rows
from evaluation.mutual_information import normalised_mutual_information
from preprocessing.atomic import written_beside
from preprocessing.intensity_window import IntensityWindow

NETWORK_RANGE = IntensityWindow(-1.0, 1.0, "windowed")
"""What the networks see and answer."""

SHOWN_FRACTIONS = (0.3, 0.5, 0.7)
"""Where along the stack the pictured slices are taken."""

COLUMNS = ("epoch", "case", "nmi_source")
"""Columns of `metrics.csv`."""


class ValidationRecord:
    """Picture the first translated volume and tabulate how much every translation says about its source.

    Unpaired volumes have no truth, so the number is the normalised mutual information between source and
    translation over the whole grid. It guards against collapse; it is no measure of correctness.

    Args:
        folder: The run's `validation` folder.
        plane: Plane of the pictured slices.
        spacing: Voxel size in mm along [R, A, S].
    """

    def __init__(self, *, folder: Path | str, plane: Plane, spacing: Sequence[float]) -> None:
        self.folder = Path(folder)
        self.plane = plane
        right, front, head = (float(edge) for edge in spacing)
        self.spacing: Spacing = (right, front, head)
        self._rows: list[dict[str, str]] = []

    def attach(self, engine: Engine) -> None:
        """Record every validation of an evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._measure)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _measure(self, engine: Engine) -> None:
        batch, outputs = cast(Any, engine.state.batch), cast(Any, engine.state.output)
        for item, output in zip(batch, outputs, strict=True):
            source, translated = (np.asarray(output[key].cpu())[0] for key in ("image", "pred"))
            information = normalised_mutual_information(
                source,
                translated,
                window=(NETWORK_RANGE, NETWORK_RANGE),
                mask=np.ones(source.shape, dtype=np.bool_),
            )
            values = (str(engine.state.epoch), item["case"], f"{information:.5f}")
            self._rows.append(dict(zip(COLUMNS, values, strict=True)))
            if engine.state.iteration == 1:
                self._draw(source, translated, case=item["case"], epoch=engine.state.epoch)

    def _draw(self, source: np.ndarray, translated: np.ndarray, *, case: str, epoch: int) -> None:
        picture_rows(
            [("source", source, NETWORK_RANGE), ("translation", translated, NETWORK_RANGE)],
            plane=self.plane,
            spacing=self.spacing,
            path=self.folder / f"epoch_{epoch:05d}.png",
            title=f"{case}, epoch {epoch}",
            fractions=SHOWN_FRACTIONS,
        )

    def _write(self, engine: Engine) -> None:
        path = self.folder / "metrics.csv"
        # A resumed run may repeat an epoch that was validated after its last checkpoint.
        earlier = [row for row in _read_rows(path) if int(row["epoch"]) < engine.state.epoch]
        with written_beside(path) as beside, beside.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=COLUMNS)
            writer.writeheader()
            writer.writerows([*earlier, *self._rows])
        self._rows = []


def _read_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
