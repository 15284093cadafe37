"""Loss terms of a run as a table and as TensorBoard curves."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import cast

import numpy as np
from ignite.engine import Engine, Events
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from preprocessing.atomic import written_beside

IMAGE_NAMES = ("real_a", "fake_b", "recovered_a", "real_b", "fake_a", "recovered_b")
"""Images shown in TensorBoard, in the order a reader compares them."""


class LossTable:
    """Write the mean of every loss term over each interval to `losses.csv` and TensorBoard.

    Args:
        folder: The run folder.
        interval: Iterations per row.
        image_interval: Iterations between TensorBoard pictures of the six images of a step.
    """

    def __init__(self, *, folder: Path | str, interval: int = 50, image_interval: int = 500) -> None:
        self.folder = Path(folder)
        self.interval = interval
        self.image_interval = image_interval
        self._sums: dict[str, float] = {}
        self._count = 0

    def attach(self, engine: Engine) -> None:
        """Follow an engine from its start to its end."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        engine.add_event_handler(Events.COMPLETED, self._close)

    def _open(self, engine: Engine) -> None:
        self._writer = SummaryWriter(self.folder / "tensorboard", purge_step=engine.state.iteration + 1)
        self._discard_rows_after(engine.state.iteration)

    def _add(self, engine: Engine) -> None:
        samples = cast(list[dict[str, Tensor]], engine.state.output)
        # MONAI copies each scalar to every sample of the batch, so the first one's will do.
        terms = {
            name: float(value) for name, value in samples[0].items() if np.ndim(value) == 0 and name != "loss"
        }
        self._sums = {name: self._sums.get(name, 0.0) + value for name, value in terms.items()}
        self._count += 1
        iteration = engine.state.iteration
        if iteration % self.interval == 0:
            self._write_row(iteration)
        if iteration % self.image_interval == 0:
            self._write_images(iteration, samples[0])

    def _write_row(self, iteration: int) -> None:
        means = {name: total / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        path = self.folder / "losses.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=["iteration", *means])
            if new:
                writer.writeheader()
            writer.writerow(
                {"iteration": iteration, **{name: f"{value:.6g}" for name, value in means.items()}}
            )
        for name, value in means.items():
            self._writer.add_scalar(f"loss/{name}", value, iteration)

    def _write_images(self, iteration: int, sample: dict[str, Tensor]) -> None:
        for name in IMAGE_NAMES:
            # Stored rows run to the patient's right (or front) and columns to the head: shown head up.
            upright = sample[name][0].detach().cpu().T.flip(0, 1)
            self._writer.add_image(
                f"image/{name}", (upright.clamp(-1, 1) + 1) / 2, iteration, dataformats="HW"
            )

    def _discard_rows_after(self, iteration: int) -> None:
        path = self.folder / "losses.csv"
        if not path.exists():
            return
        with path.open(newline="") as file:
            header, *rows = list(csv.reader(file))
        kept = [row for row in rows if int(row[0]) <= iteration]
        with written_beside(path) as beside, beside.open("w", newline="") as file:
            csv.writer(file).writerows([header, *kept])

    def _close(self, engine: Engine) -> None:
        if self._count:
            self._write_row(engine.state.iteration)
        self._writer.close()
