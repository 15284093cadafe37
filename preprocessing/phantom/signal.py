"""The spoiled gradient echo: steady-state signal and the phase that fat gains on water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Times: TypeAlias = float | np.floating | NDArray[np.floating]

GYROMAGNETIC = 42.577
"""Proton gyromagnetic ratio over 2 pi, MHz/T."""
CHEMICAL_SHIFT = 3.4
"""Distance of fat's main resonance from water's, parts per million."""


@dataclass(frozen=True, kw_only=True)
class SpoiledGradientEcho:
    """A 3D spoiled gradient echo; the defaults are the sequence of Hiasa et al. 2018.

    Args:
        tr: repetition time, ms.
        te: echo time, ms.
        flip: flip angle, degrees.
        field: field strength, tesla.
    """

    tr: float = 7.9
    te: float = 3.08
    flip: float = 30.0
    field: float = 1.0

    def signal(self, t1: Times, t2_star: Times) -> NDArray[np.floating]:
        """Return the signal per proton density (Ernst equation with T2* decay).

        Args:
            t1: longitudinal relaxation times, ms.
            t2_star: effective transverse relaxation times, ms.
        """
        recovery = np.exp(-self.tr / np.asarray(t1, dtype=float))
        angle = np.deg2rad(self.flip)
        steady = np.sin(angle) * (1 - recovery) / (1 - np.cos(angle) * recovery)
        return np.asarray(steady * np.exp(-self.te / np.asarray(t2_star, dtype=float)))

    @property
    def fat_phase(self) -> float:
        """Phase in radians that fat has lost on water at the echo: 2.8 here, so they nearly oppose."""
        hertz = CHEMICAL_SHIFT * GYROMAGNETIC * self.field
        return float(2 * np.pi * hertz * self.te / 1000)

    def magnitude(self, water: NDArray[np.float32], fat: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the magnitude of water + fat exp(i phase), of amplitudes already summed over each voxel."""
        cross = np.float32(2 * np.cos(self.fat_phase))
        squared = water * water + fat * fat + cross * water * fat
        result: NDArray[np.float32] = np.sqrt(np.maximum(squared, 0))
        return result
