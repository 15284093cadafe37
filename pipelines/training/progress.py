"""How far a training has come."""

from __future__ import annotations

import sys

from ignite.engine import Engine, Events
from tqdm import tqdm

SECONDS_BETWEEN_LINES = 30.0
"""Between two lines in a log file, where a bar cannot be redrawn."""


class TrainingProgress:
    """Show iterations done, time a step takes and time left, over the whole training.

    Args:
        description: Word before the bar.
    """

    def __init__(self, *, description: str = "train") -> None:
        self.description = description

    def attach(self, engine: Engine) -> None:
        """Follow an engine from its start, or from where it resumes."""
        engine.add_event_handler(Events.STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._advance)
        engine.add_event_handler(Events.COMPLETED, self._close)

    def _open(self, engine: Engine) -> None:
        self._bar = tqdm(
            total=(engine.state.max_epochs or 0) * (engine.state.epoch_length or 0),
            initial=engine.state.iteration,
            desc=self.description,
            unit="step",
            mininterval=0.5 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES,
        )

    def _advance(self, _engine: Engine) -> None:
        self._bar.update()

    def _close(self, _engine: Engine) -> None:
        self._bar.close()
