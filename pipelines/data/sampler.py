"""Seeded draws of unpaired slices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int
from torch.utils.data import Sampler

from pipelines.data.slices import SlicePair, UnpairedSliceDataset


class UnpairedSliceSampler(Sampler[SlicePair]):
    """Draw a slice of domain A and a slice of domain B for every training sample.

    Draw number k depends on the seed and on k alone. A resumed run therefore sees the slices that the
    uninterrupted run would have seen, whatever was drawn, prefetched or lost before.

    Args:
        dataset: The slices to draw from.
        samples: How many samples the whole training draws.
        seed: Seed of all draws.
        position_tolerance: Largest distance in mm along the slicing axis between the two slices, measured
            from each volume's centre; None draws the slices independently, as plain CycleGAN does.
    """

    def __init__(
        self,
        *,
        dataset: UnpairedSliceDataset,
        samples: int,
        seed: int,
        position_tolerance: float | None = None,
    ) -> None:
        self.dataset = dataset
        self.samples = samples
        self.seed = seed
        self.position_tolerance = position_tolerance
        self.start = 0
        self._slices_a, self._slices_b = dataset.slice_indices("a"), dataset.slice_indices("b")
        self._counts_a, self._counts_b = dataset.slice_counts("a"), dataset.slice_counts("b")

    def __len__(self) -> int:
        """Return the number of samples still to come."""
        return max(self.samples - self.start, 0)

    def __iter__(self) -> Iterator[SlicePair]:
        """Yield the draws from `start` on."""
        for number in range(self.start, self.samples):
            yield self.draw(number)

    def draw(self, number: int) -> SlicePair:
        """Return draw `number` of this seed."""
        random = np.random.default_rng((self.seed, number))
        volume_a = int(random.integers(len(self._slices_a)))
        slices_a = self._slices_a[volume_a]
        slice_a = int(slices_a[random.integers(len(slices_a))])
        volume_b = int(random.integers(len(self._slices_b)))
        candidates = self._matching_slices(self._counts_a[volume_a], slice_a, volume_b)
        return SlicePair(volume_a, slice_a, volume_b, int(random.choice(candidates)))

    def _matching_slices(self, count_a: int, slice_a: int, volume_b: int) -> Int[np.ndarray, " slice"]:
        slices_b = self._slices_b[volume_b]
        if self.position_tolerance is None:
            return slices_b
        position = self.dataset.slice_positions(count_a)[slice_a]
        positions_b = self.dataset.slice_positions(self._counts_b[volume_b])[slices_b]
        distance = np.abs(positions_b - position)
        near = slices_b[distance <= self.position_tolerance]
        return near if near.size else slices_b[[distance.argmin()]]
