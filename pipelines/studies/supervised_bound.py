"""How well the same generator does when it is given true pairs: the bound for training without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from monai.engines import SupervisedTrainer
from monai.handlers import LrScheduleHandler
from monai.utils import set_determinism
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset, RandomSampler

from pipelines.data.items import case_item
from pipelines.data.slices import load_volumes
from pipelines.data.volume_transforms import volume_transforms
from pipelines.model.model_folder import TranslationModel, weights_file
from pipelines.model.weights import save_weights
from pipelines.training.progress import TrainingProgress
from pipelines.training.schedule import ConstantThenLinear
from pipelines.translation.volume_translation import build_network
from preprocessing.cohort import Case, Cohort, CohortError

LEARNING_RATE = 2e-4
"""As for the unpaired training."""


class PairedSliceDataset(Dataset[dict[str, Tensor]]):
    """Serve slices of true pairs.

    Args:
        sources: Volumes (1, R, A, S) in [-1, 1].
        targets: Their true translations on the same grids.
        axis: Axis of [R, A, S] along which slices are stacked.
    """

    def __init__(self, *, sources: Sequence[Tensor], targets: Sequence[Tensor], axis: int) -> None:
        self.slices = [
            {"image": source.select(axis + 1, index), "label": target.select(axis + 1, index)}
            for source, target in zip(sources, targets, strict=True)
            for index in range(source.shape[axis + 1])
        ]

    def __len__(self) -> int:
        """Return the number of slices of all pairs."""
        return len(self.slices)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return slices `image` and `label`, each of shape (1, rows, columns)."""
        return self.slices[index]


def train_supervised_bound(
    truth: Cohort, *, model: TranslationModel, folder: Path, iterations: int, seed: int
) -> TranslationModel:
    """Train the generator of a model anew, with mean absolute error on true training pairs.

    Args:
        truth: Prepared cohort whose training cases of the model's source domain all have a pair.
        model: The unpaired model whose generator, windows and plane are used.
        folder: Model folder to write.
        iterations: Steps, with one slice each; the last half at a falling learning rate.
        seed: Of weights and draws.

    Returns:
        The description of the supervised model.

    Raises:
        CohortError: If no training case has a pair.
    """
    set_determinism(seed=seed)
    network = build_network(model)
    dataset = _paired_slices(truth, model)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = ConstantThenLinear(constant=iterations // 2, decay=iterations - iterations // 2)
    sampler = RandomSampler(dataset, replacement=True, num_samples=iterations)
    SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=DataLoader(dataset, sampler=sampler, batch_size=1),
        network=network,
        optimizer=optimizer,
        loss_function=torch.nn.L1Loss(),
        train_handlers=[
            LrScheduleHandler(LambdaLR(optimizer, schedule), print_lr=False, epoch_level=False),
            TrainingProgress(description="supervised bound"),
        ],
    ).run()
    bound = replace(model, folder=folder, iteration=iterations)
    bound.write()
    save_weights(network, weights_file(folder, model.target))
    return bound


def _paired_slices(truth: Cohort, model: TranslationModel) -> PairedSliceDataset:
    pairs = [
        (case, partner)
        for case in truth.select(domain=model.source, split="train")
        if (partner := truth.partner(case)) is not None
    ]
    if not pairs:
        raise CohortError(truth.table, ["wanted training cases with a pair, found none"])
    sources = load_volumes([_item(case) for case, _ in pairs], transform=volume_transforms())
    targets = load_volumes([_item(partner) for _, partner in pairs], transform=volume_transforms())
    return PairedSliceDataset(sources=sources, targets=targets, axis=model.slice_axis)


def _item(case: Case) -> dict[str, Any]:
    return case_item(case, windows={})
