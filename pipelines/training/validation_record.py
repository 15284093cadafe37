"""What validation leaves in the run folder: a picture and a row of numbers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ignite.engine import Engine, Events

from evaluation.arrays import Plane, Spacing
from evaluation.figures.rows import picture_rows
from evaluation.mutual_information import normalised_mutual_information
from preprocessing.intensity_window import IntensityWindow

NETWORK_RANGE = IntensityWindow(-1.0, 1.0, "windowed")
"""What the networks see and answer."""

SHOWN_FRACTIONS = (0.3, 0.5, 0.7)
"""Where along the stack the pictured slices are taken."""


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
        self._rows: list[dict[str, str | int]] = []

    def attach(self, engine: Engine) -> None:
        """Record every validation of an evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._measure)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _measure(self, engine: Engine) -> None:
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            source, translated = (np.asarray(output[key].cpu())[0] for key in ("image", "pred"))
            information = normalised_mutual_information(
                source,
                translated,
                window=(NETWORK_RANGE, NETWORK_RANGE),
                mask=np.ones(source.shape, dtype=np.bool_),
            )
            row = {"epoch": engine.state.epoch, "case": item["case"], "nmi_source": f"{information:.5f}"}
            self._rows.append(row)
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
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self._rows[0]))
            if new:
                writer.writeheader()
            writer.writerows(self._rows)
        self._rows = []
