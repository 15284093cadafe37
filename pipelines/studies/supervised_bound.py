"""How well the same generator does when it is given true pairs: the bound for training without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from monai.bundle import ConfigParser
from monai.engines import SupervisedTrainer
from monai.handlers import LrScheduleHandler
from monai.utils import set_determinism
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset, RandomSampler

from evaluation.arrays import Plane, axis_of
from pipelines.data.items import case_item
from pipelines.data.slices import load_volumes
from pipelines.data.volume_transforms import volume_transforms
from pipelines.model.weights import save_weights
from pipelines.training.progress import TrainingProgress
from pipelines.training.schedule import ConstantThenLinear
from preprocessing.cohort import Case, CohortError, read_cohort


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


@dataclass(frozen=True, kw_only=True)
class SupervisedBound:
    """What is trained, and on what.

    Args:
        truth: Prepared cohort (folder or table) whose training cases of the source domain have a pair.
        network: Config of the generator, as the unpaired training has it.
        source: Domain translated from.
        target: Domain translated to.
        plane: Plane of the slices.
        weights: File to write.
        iterations: Steps, with one slice each; the last half at a falling learning rate.
        learning_rate: Of Adam, before it falls.
        seed: Of weights and draws.
        threads: Processor threads to use.
    """

    truth: Path
    network: Mapping[str, Any]
    source: str
    target: str
    plane: Plane
    weights: Path
    iterations: int
    learning_rate: float
    seed: int
    threads: int = 1


def train_supervised_bound(bound: SupervisedBound) -> None:
    """Train a generator with mean absolute error on true training pairs and write its weights.

    Raises:
        CohortError: If no training case has a pair.
    """
    torch.set_num_threads(bound.threads)
    set_determinism(seed=bound.seed)
    network: nn.Module = ConfigParser({"network": dict(bound.network)}).get_parsed_content("network")
    dataset = _paired_slices(bound)
    optimizer = torch.optim.Adam(network.parameters(), lr=bound.learning_rate)
    half = bound.iterations // 2
    schedule = LambdaLR(optimizer, ConstantThenLinear(constant=half, decay=bound.iterations - half))
    sampler = RandomSampler(dataset, replacement=True, num_samples=bound.iterations)
    SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=DataLoader(dataset, sampler=sampler, batch_size=1),
        network=network,
        optimizer=optimizer,
        loss_function=torch.nn.L1Loss(),
        train_handlers=[
            # MONAI's annotation names torch's former base class.
            LrScheduleHandler(cast(Any, schedule), print_lr=False, epoch_level=False),
            TrainingProgress(description="supervised bound"),
        ],
    ).run()
    save_weights(network, bound.weights)


def _paired_slices(bound: SupervisedBound) -> PairedSliceDataset:
    truth = read_cohort(bound.truth)
    pairs = [
        (case, partner)
        for case in truth.select(domain=bound.source, split="train")
        if (partner := truth.partner(case)) is not None and partner.domain == bound.target
    ]
    if not pairs:
        raise CohortError(truth.table, ["wanted training cases with a pair, found none"])
    sources = load_volumes([_item(case) for case, _ in pairs], transform=volume_transforms(plane=bound.plane))
    targets = load_volumes(
        [_item(partner) for _, partner in pairs], transform=volume_transforms(plane=bound.plane)
    )
    return PairedSliceDataset(sources=sources, targets=targets, axis=axis_of(bound.plane))


def _item(case: Case) -> dict[str, Any]:
    return case_item(case, windows={})
