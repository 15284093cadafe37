"""Slices of two unpaired collections of volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.utils.data import Dataset
from tqdm import tqdm

from evaluation.arrays import Plane, axis_of
from preprocessing.volume import VolumeError, read_volume


class SlicePair(NamedTuple):
    """One drawn training sample: a volume and a slice index in each domain."""

    volume_a: int
    slice_a: int
    volume_b: int
    slice_b: int


class UnpairedSliceDataset(Dataset[dict[str, torch.Tensor]]):
    """Serve a slice of domain A together with an unrelated slice of domain B.

    A sample is addressed by the `SlicePair` that a sampler draws, so the draw and its application stay apart
    and a run can be replayed from its seed.

    Args:
        data: Items of domain "a" and of domain "b", as `volume_items` lists them; of one that has `slices`,
            only those are to be drawn.
        transform: Loads an item and windows its `image` to shape (1, R, A, S) in [-1, 1], canonical RAS.
        plane: "sagittal", "coronal" or "axial".
        spacing: Voxel size of the common grid in mm along [R, A, S].

    Raises:
        VolumeError: If any volume cannot be loaded, has NaN or infinite voxels, or has fewer slices than its
            item names; every such volume is named.
    """

    def __init__(
        self,
        *,
        data: Mapping[str, Sequence[Mapping[str, Any]]],
        transform: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        plane: Plane,
        spacing: Sequence[float],
    ) -> None:
        self.data = data
        self.axis = axis_of(plane)
        self.slice_spacing = float(spacing[self.axis])
        volumes = load_volumes([*data["a"], *data["b"]], transform=transform)
        self.volumes_a, self.volumes_b = volumes[: len(data["a"])], volumes[len(data["a"]) :]
        self._slices = {side: self._slices_to_draw(side) for side in ("a", "b")}

    def __len__(self) -> int:
        """Return the number of slices of the larger domain: one visit to each is one pass over the data."""
        return max(sum(map(len, self.slice_indices(side))) for side in ("a", "b"))

    def __getitem__(self, index: SlicePair) -> dict[str, torch.Tensor]:
        """Return slices `a` and `b`, each of shape (1, rows, columns) in [-1, 1]."""
        return {
            "a": self.volumes_a[index.volume_a].select(self.axis + 1, index.slice_a).clone(),
            "b": self.volumes_b[index.volume_b].select(self.axis + 1, index.slice_b).clone(),
        }

    def slice_counts(self, side: str) -> list[int]:
        """Return the number of slices of each volume of side "a" or "b"."""
        return [volume.shape[self.axis + 1] for volume in (self.volumes_a if side == "a" else self.volumes_b)]

    def slice_indices(self, side: str) -> list[Int[np.ndarray, " slice"]]:
        """Return the slices to draw from of each volume of side "a" or "b"."""
        return self._slices[side]

    def _slices_to_draw(self, side: str) -> list[Int[np.ndarray, " slice"]]:
        counts = self.slice_counts(side)
        kept = [
            np.array(item.get("slices", range(count)), dtype=int)
            for item, count in zip(self.data[side], counts, strict=True)
        ]
        faults = [
            f"case {item['case']}: wanted slices {slices.min()} to {slices.max()} as its record names them, "
            f"found {count} slices. Prepare the cohort again."
            for item, slices, count in zip(self.data[side], kept, counts, strict=True)
            if slices.max() >= count
        ]
        if faults:
            raise VolumeError("\n".join(faults))
        return kept

    def slice_positions(self, count: int) -> Float[np.ndarray, " slice"]:
        """Return the positions of a volume's slices along the slicing axis, in mm from the crop's centre."""
        return (np.arange(count) - (count - 1) / 2) * self.slice_spacing


def load_volumes(
    items: Sequence[Mapping[str, Any]], *, transform: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> list[torch.Tensor]:
    """Load volumes into memory, reporting every unreadable one at once.

    Args:
        items: Items with `image` and `case`.
        transform: Returns the item with `image` as a tensor of shape (1, R, A, S).

    Returns:
        Plain float32 tensors of shape (1, R, A, S).

    Raises:
        VolumeError: Naming each volume that could not be loaded, or that holds NaN or infinite voxels.
    """
    volumes, faults = [], []
    for item in tqdm(items, desc="load volumes", unit="volume", leave=False, disable=None):
        try:
            volume = torch.as_tensor(transform(item)["image"], dtype=torch.float32)
        except Exception as error:  # noqa: BLE001 - any reader's fault becomes one line of the report
            faults.append(_fault(item, error))
            continue
        if not torch.isfinite(volume).all():
            faults.append(_fault(item, "NaN or infinite voxels"))
        volumes.append(volume)
    if faults:
        raise VolumeError("\n".join(faults))
    return volumes


def _fault(item: Mapping[str, Any], reason: Exception | str) -> str:
    """Say in one line what our own reader finds wrong; MONAI's answer lists every reader that it tried."""
    try:
        read_volume(Path(item["image"]), case=item["case"])
    except VolumeError as fault:
        return str(fault)
    return f"case {item['case']}, file {item['image']}: expected a volume to load, found: {reason}"
