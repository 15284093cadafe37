"""Variation inside a tissue: diffuse fat in muscle, uneven marrow, slow drifts, in rest coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.anatomy import Tissue
from preprocessing.phantom.fields import Coordinates, SmoothField
from preprocessing.phantom.patient import random_stream
from preprocessing.phantom.pose import HEAD
from preprocessing.phantom.sampling import AnatomySample
from preprocessing.phantom.tissue import TissueModel

STREAK_WAVELENGTH = (5.0, 13.0)
"""Range in mm of the wavelengths of diffuse fat across the fibres."""
STREAK_STRETCH = 5.0
"""How much longer the diffuse fat is drawn out along the fibres."""
STREAK_FAT = 0.03
"""Fat fraction that one standard deviation above the threshold adds; streaks are in the anatomy."""
SLOW_WAVELENGTH = (35.0, 120.0)
"""Range in mm of the wavelengths of slow drifts."""
SLOW_SD = 0.035
"""Standard deviation of the slow drift of proton density, relative."""
SLOW_HU = 4.0
"""Standard deviation of the slow drift of soft tissue's CT number, HU."""
MARROW_SD = 0.025
"""Standard deviation of the marrow's fat fraction from place to place."""


@dataclass(frozen=True, kw_only=True)
class Texture:
    """Fields on a lattice, float32, axes (k, j, i).

    Args:
        drift: relative change of proton density.
        streak_fat: fat fraction added to muscle.
        trabeculae: density of trabecular bone in marrow, 0..1 or a little above.
        marrow_fat: change of the marrow's fat fraction.
    """

    drift: NDArray[np.float32]
    streak_fat: NDArray[np.float32]
    trabeculae: NDArray[np.float32]
    marrow_fat: NDArray[np.float32]


def make_texture(sample: AnatomySample, model: TissueModel) -> Texture:
    """Return the patient's texture where each tissue lies."""
    rng = random_stream(model.seed, "texture")
    slow = SmoothField(rng, wavelength=SLOW_WAVELENGTH, waves=5)
    streak = SmoothField(rng, wavelength=STREAK_WAVELENGTH, waves=7, stretch=(1, 1, STREAK_STRETCH))
    patch = SmoothField(rng, wavelength=(9, 45), waves=7)
    body = sample.fraction[Tissue.AIR] < 1
    drift = _where(body, sample.rest, slow) * np.float32(SLOW_SD)
    muscle = sample.fraction[Tissue.MUSCLE] > 0
    streaks = np.maximum(_where(muscle, sample.rest, streak) - np.float32(0.7), 0)
    marrow = sample.fraction[Tissue.MARROW] > 0
    patches = _where(marrow, sample.rest, patch)
    return Texture(
        drift=drift,
        streak_fat=streaks * np.float32(STREAK_FAT * model.streaks),
        trabeculae=_where(marrow, sample.rest, _trabecular_density) * (1 + np.float32(0.12) * patches),
        marrow_fat=patches * np.float32(MARROW_SD),
    )


def _where(
    where: NDArray[np.bool_], rest: NDArray[np.float32], field: Callable[[Coordinates], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return the field where it is wanted and 0 elsewhere."""
    values = np.zeros(where.shape, np.float32)
    points: Coordinates = (rest[0][where], rest[1][where], rest[2][where])
    values[where] = field(points)
    return values


def _trabecular_density(points: Coordinates) -> NDArray[np.float32]:
    """Return the density of trabecular bone: high about the hip, less in the pelvis, none in the shaft."""
    u, y, z = points
    squared = (u - np.float32(HEAD - 2)) ** 2 + y**2 + (z - np.float32(5)) ** 2
    joint = np.exp(-squared / np.float32(2 * 27.0**2))
    pelvis = 0.45 / (1 + np.exp(-(z + np.where(u > 110, -20, 40)) / np.float32(9)))
    trochanter = 0.22 * np.exp(-(((z + 15) / 32) ** 2))
    density: NDArray[np.float32] = np.maximum(np.maximum(joint, pelvis), trochanter).astype(np.float32)
    return density
