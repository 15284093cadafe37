"""The CycleGAN training step on MONAI's engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.engines import Trainer
from monai.engines.utils import IterationEvents
from monai.inferers import Inferer, SimpleInferer
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from pipelines.networks.image_pool import ImagePool
from pipelines.training.cyclegan import CycleGAN, CycleImages
from pipelines.training.objective import CycleGANObjective

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""Number formats that the networks can compute in; losses are always float32."""


class CycleGANTrainer(Trainer):
    """Train two generators against two discriminators on unpaired slices.

    Every iteration leaves the loss terms and the last images, detached, in `state.output`.

    Args:
        device: Where the networks are.
        max_epochs: Epochs to run; an epoch is `epoch_length` iterations, not a pass over the data.
        train_data_loader: Yields {"a": slices of A, "b": slices of B}, each (batch, channel, row, column) in
            [-1, 1].
        epoch_length: Iterations per epoch.
        networks: The CycleGAN, on `device`.
        objective: What both sides minimise.
        generator_optimizer: Steps the parameters of both generators.
        discriminator_optimizer: Steps the parameters of both discriminators.
        pool_a: Past translations into A, shown to its discriminator.
        pool_b: Past translations into B.
        precision: "float32" or "bfloat16" for the networks' arithmetic.
        inferer: Kept for MONAI's bundle contract; slices go through the networks whole.
        train_handlers: Ignite handlers to attach.

    Raises:
        ValueError: If the precision is unknown.
    """

    def __init__(
        self,
        *,
        device: torch.device | str,
        max_epochs: int,
        train_data_loader: DataLoader[dict[str, Tensor]],
        epoch_length: int,
        networks: CycleGAN,
        objective: CycleGANObjective,
        generator_optimizer: Optimizer,
        discriminator_optimizer: Optimizer,
        pool_a: ImagePool,
        pool_b: ImagePool,
        precision: str = "float32",
        inferer: Inferer | None = None,
        train_handlers: Sequence[Any] | None = None,
    ) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"Wanted a precision among {', '.join(PRECISIONS)}, got {precision!r}.")
        self.networks = networks
        self.objective = objective
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.pool_a = pool_a
        self.pool_b = pool_b
        self.precision = precision
        self.inferer = inferer or SimpleInferer()
        self.batch_size = train_data_loader.batch_size or 1
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            data_loader=train_data_loader,
            epoch_length=epoch_length,
            handlers=train_handlers,
        )

    def run(self) -> None:  # type: ignore[override]  # MONAI's engines hold what ignite's are given
        """Train from the present iteration to the last; a finished training stays as it is."""
        if self.state.iteration >= self.state.max_epochs * self.state.epoch_length:
            self.logger.info(
                "Training is complete at iteration %d: nothing left to do.", self.state.iteration
            )
            return
        super().run()

    def _iteration(self, engine: CycleGANTrainer, batchdata: Mapping[str, Tensor]) -> dict[str, Tensor]:
        self.networks.train()
        real_a = batchdata["a"].to(self.state.device, non_blocking=True)
        real_b = batchdata["b"].to(self.state.device, non_blocking=True)
        images, generator_terms = self._generator_step(real_a, real_b)
        discriminator_terms = self._discriminator_step(images)
        terms = {name: value.detach() for name, value in {**generator_terms, **discriminator_terms}.items()}
        engine.state.output = {
            "loss": terms["generator"],
            **terms,
            **{name: image.detach().float() for name, image in images._asdict().items()},
        }
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        output: dict[str, Tensor] = engine.state.output
        return output

    def _generator_step(self, real_a: Tensor, real_b: Tensor) -> tuple[CycleImages, dict[str, Tensor]]:
        self.networks.require_discriminator_gradients(required=False)
        with self._autocast():
            images = self.networks(real_a, real_b)
            terms = self.objective.generators(self.networks, images)
        self.generator_optimizer.zero_grad()
        terms["generator"].backward()
        self.generator_optimizer.step()
        return images, terms

    def _discriminator_step(self, images: CycleImages) -> dict[str, Tensor]:
        self.networks.require_discriminator_gradients(required=True)
        pooled = self.pool_a.query(images.fake_a.detach()), self.pool_b.query(images.fake_b.detach())
        with self._autocast():
            terms = self.objective.discriminators(self.networks, images, pooled)
        self.discriminator_optimizer.zero_grad()
        terms["discriminator"].backward()
        self.discriminator_optimizer.step()
        return terms

    def _autocast(self) -> torch.autocast:
        return torch.autocast(
            self.state.device.type, dtype=PRECISIONS[self.precision], enabled=self.precision != "float32"
        )
