"""Smooth random fields in closed form, so that any grid and both modalities sample the same texture."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Coordinates: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


class SmoothField:
    """A sum of plane cosine waves with unit variance over space.

    Args:
        rng: source of the wave directions, lengths and phases.
        wavelength: shortest and longest wavelength, mm.
        waves: number of waves.
        stretch: factor per axis by which the field is drawn out along it.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        wavelength: tuple[float, float],
        waves: int = 6,
        stretch: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> None:
        low, high = wavelength
        length = low * (high / low) ** rng.random(waves)
        direction = rng.normal(size=(waves, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        vectors = 2 * np.pi * direction / length[:, None] / np.asarray(stretch)
        self._vectors = vectors.astype(np.float32)
        self._phases = (2 * np.pi * rng.random(waves)).astype(np.float32)

    def __call__(self, points: Coordinates) -> NDArray[np.float32]:
        """Return the field at points given by their three coordinates in mm."""
        first, second, third = points
        total = np.zeros_like(first)
        for (a, b, c), phase in zip(self._vectors, self._phases, strict=True):
            total += np.cos(a * first + b * second + c * third + phase)
        total *= np.float32(np.sqrt(2 / len(self._phases)))
        return total


class SmoothWarp:
    """A small smooth displacement that makes drawn outlines organic.

    Args:
        rng: source of the three component fields.
        amplitude: standard deviation of each component, mm.
        wavelength: shortest and longest wavelength, mm.
    """

    def __init__(
        self, rng: np.random.Generator, *, amplitude: float, wavelength: tuple[float, float]
    ) -> None:
        self._amplitude = np.float32(amplitude)
        self._fields = [SmoothField(rng, wavelength=wavelength, waves=4) for _ in range(3)]

    def __call__(self, points: Coordinates) -> Coordinates:
        """Return the displaced coordinates, mm."""
        first, second, third = (
            p + self._amplitude * f(points) for p, f in zip(points, self._fields, strict=True)
        )
        return first, second, third
