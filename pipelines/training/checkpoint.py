"""Checkpoints that hold everything a training needs to continue as if it had never stopped."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch.optim.lr_scheduler import LRScheduler

from pipelines.data.sampler import UnpairedSliceSampler
from pipelines.model.environment import software_versions
from pipelines.model.weights import CheckpointError, check_architecture, short
from pipelines.training.random_state import random_state, restore_random_state
from pipelines.training.run_folder import CHECKPOINTS
from pipelines.training.trainer import CycleGANTrainer
from preprocessing.atomic import written_beside

FORMAT = 1
"""Layout of the file; a reader refuses another one."""

KEPT = 2
"""Checkpoints left in the folder: the newest, and the one before in case the newest is damaged."""


class Checkpoints:
    """Write the state of a training, and restore the newest.

    Args:
        folder: Where `iteration_*.pt` are kept.
        sampler: The training's sampler, set to the right draw on resume.
        schedulers: Learning-rate schedulers, in a fixed order.
        config: The run's configuration, stored for the reader.
    """

    def __init__(
        self,
        *,
        folder: Path | str,
        sampler: UnpairedSliceSampler,
        schedulers: Sequence[LRScheduler],
        config: Mapping[str, Any],
    ) -> None:
        self.folder = Path(folder)
        self.sampler = sampler
        self.schedulers = schedulers
        self.config = config

    def save(self, trainer: CycleGANTrainer) -> Path:
        """Write the trainer's state beside its place, rename it there and drop older ones."""
        path = self.folder / f"iteration_{trainer.state.iteration:08d}.pt"
        with written_beside(path) as beside:
            torch.save(self._state(trainer), beside)
        for old in self._files()[:-KEPT]:
            old.unlink()
        return path

    def restore(self, trainer: CycleGANTrainer) -> Path | None:
        """Bring a freshly built trainer to the newest checkpoint; leave it at the start where there is none.

        Raises:
            CheckpointError: If it cannot be read, or it is of another architecture.
        """
        files = self._files()
        if not files:
            trainer.logger.info("No checkpoint in %s yet: training starts at iteration 0.", self.folder)
            return None
        state = read_checkpoint(files[-1])
        check_architecture(trainer.networks, state["networks"], source=files[-1])
        self._load(trainer, state)
        return files[-1]

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(CHECKPOINTS))

    def _state(self, trainer: CycleGANTrainer) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "iteration": trainer.state.iteration,
            "networks": trainer.networks.state_dict(),
            "generator_optimizer": trainer.generator_optimizer.state_dict(),
            "discriminator_optimizer": trainer.discriminator_optimizer.state_dict(),
            "schedulers": [scheduler.state_dict() for scheduler in self.schedulers],
            "pool_a": trainer.pool_a.state_dict(),
            "pool_b": trainer.pool_b.state_dict(),
            "random": random_state(),
            "config": self.config,
            "versions": software_versions(),
        }

    def _load(self, trainer: CycleGANTrainer, state: Mapping[str, Any]) -> None:
        trainer.networks.load_state_dict(state["networks"])
        trainer.generator_optimizer.load_state_dict(state["generator_optimizer"])
        trainer.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        for scheduler, scheduler_state in zip(self.schedulers, state["schedulers"], strict=True):
            scheduler.load_state_dict(scheduler_state)
        trainer.pool_a.load_state_dict(state["pool_a"])
        trainer.pool_b.load_state_dict(state["pool_b"])
        trainer.state.iteration = state["iteration"]
        trainer.state.epoch = state["iteration"] // trainer.state.epoch_length
        self.sampler.start = state["iteration"] * trainer.batch_size
        restore_random_state(state["random"])


class CheckpointSaver:
    """Save checkpoints while a training runs.

    Args:
        checkpoints: Where and what to save.
        interval: Iterations between checkpoints; one is also written at the end.
    """

    def __init__(self, *, checkpoints: Checkpoints, interval: int) -> None:
        self.checkpoints = checkpoints
        self.interval = interval

    def attach(self, engine: Engine) -> None:
        """Save at every interval and at the end."""
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.interval), self.checkpoints.save)
        engine.add_event_handler(Events.COMPLETED, self.checkpoints.save)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint file without running any code that it might hold.

    Raises:
        CheckpointError: If the file is damaged, is no checkpoint, or has another layout.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        layout = state["format"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"{path}: wanted a cyclevox checkpoint, but it cannot be read ({short(error)}). "
            "Remove it to resume from the one before, or train anew."
        ) from error
    if layout != FORMAT:
        raise CheckpointError(
            f"{path}: wanted checkpoint layout {FORMAT}, found {layout}. Use the version that wrote it."
        )
    return state
