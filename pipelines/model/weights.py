"""Network weights on disk."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from preprocessing.atomic import written_beside

Network = TypeVar("Network", bound=nn.Module)

SHOWN = 3
"""Mismatches that an error message lists before it only counts them."""


class CheckpointError(ValueError):
    """A checkpoint or weights file that cannot serve here."""


def save_weights(network: nn.Module, path: Path) -> None:
    """Write a network's weights beside their place and rename them there."""
    with written_beside(path) as beside:
        torch.save({name: value.cpu() for name, value in network.state_dict().items()}, beside)


def load_weights(network: Network, path: Path | str) -> Network:
    """Load weights into a network of the same architecture and return it in evaluation mode.

    Raises:
        CheckpointError: If the file is missing or damaged, or holds another architecture.
    """
    path = Path(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"Wanted network weights in {path}, found no such file. Is this a model folder?"
        ) from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"{path}: wanted network weights, but the file is damaged or none ({short(error)}). "
            "Copy the model folder again, or train anew."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(
            f"{path}: wanted a table of network weights, found another content. Is this a model folder?"
        )
    check_architecture(network, state, source=path)
    network.load_state_dict(state)
    return network.eval()


def short(error: BaseException) -> str:
    """Return the first sentence of a library's error message."""
    return str(error).partition(". ")[0].strip()


def check_architecture(network: nn.Module, state: Mapping[str, Tensor], *, source: Path) -> None:
    """Compare the shapes of a network's weights with those of stored weights.

    Raises:
        CheckpointError: If they differ, naming the first differences.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    differences = [
        f"{name}: wanted {wanted.get(name, 'nothing')}, found {found.get(name, 'nothing')}"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]
    if differences:
        more = f"; and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
        raise CheckpointError(
            f"{source} holds weights of another architecture: {'; '.join(differences[:SHOWN])}{more}. "
            "Use the network settings (width, blocks, channels) that it was trained with."
        )
