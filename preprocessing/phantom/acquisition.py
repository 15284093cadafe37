"""The scanners: a sampled anatomy becomes CT numbers or MR magnitudes, without noise (truth) and with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from preprocessing.grid import Grid
from preprocessing.phantom.anatomy import Tissue
from preprocessing.phantom.fields import SmoothField
from preprocessing.phantom.sampling import AnatomySample
from preprocessing.phantom.scan_grids import voxel_positions
from preprocessing.phantom.signal import SpoiledGradientEcho
from preprocessing.phantom.texture import SLOW_HU, SLOW_SD, Texture
from preprocessing.phantom.tissue import FAT_T1, TISSUES, TissueModel

Volume = NDArray[np.float32]
FAT_LEVEL = 100.0
"""Magnitude of typical fat at nominal gain, the top of the paper's MR window [0, 100]."""
GAIN_SD = 0.06
"""Relative standard deviation of the receiver gain from scan to scan."""
MR_NOISE = 2.2
"""Standard deviation of each noise channel, in units in which fat is 100."""
BIAS_RMS = 0.12
"""Root mean square of the logarithm of the bias field."""
BIAS_WAVELENGTH = (420.0, 900.0)
"""Range in mm of the wavelengths of the bias field."""
CT_NOISE = (11.0, 2.0)
"""Mean and standard deviation from scan to scan of the CT noise's standard deviation, HU."""
CT_PSF = 1.1
"""Full width at half maximum of the CT's point spread in every direction, mm."""
STREAK_HU = 150.0
"""CT number in HU that muscle loses per unit of added fat fraction."""


@dataclass(frozen=True, kw_only=True)
class MRScan:
    """A magnitude volume, what it would be without noise and bias, and the bias field (all axes k, j, i)."""

    image: Volume
    truth: Volume
    bias: Volume


def mr_truth(
    sample: AnatomySample, texture: Texture, model: TissueModel, sequence: SpoiledGradientEcho
) -> Volume:
    """Return the MR magnitude without noise and bias; typical fat is 100.

    Water and fat are summed over the voxel's sub-samples with their phases before the magnitude is taken.
    """
    density = model.column("proton_density")
    water_signal = sequence.signal(model.column("t1"), model.column("t2_star"))
    fat_signal = sequence.signal(np.float32(FAT_T1), model.column("t2_star"))
    share = model.column("fat_fraction")
    water = np.zeros(sample.label.shape, np.float32)
    fat = np.zeros_like(water)
    for tissue in list(Tissue)[1:]:
        amount = sample.fraction[tissue] * np.float32(density[tissue])
        fatty: Volume | np.float32 = np.float32(share[tissue])
        if tissue is Tissue.MUSCLE:
            fatty = fatty + texture.streak_fat
        elif tissue is Tissue.MARROW:
            fatty = np.clip(fatty + texture.marrow_fat, 0, 1)
        water += amount * (1 - fatty) * np.float32(water_signal[tissue])
        fat += amount * fatty * np.float32(fat_signal[tissue])
    magnitude = sequence.magnitude(water, fat) * (1 + texture.drift)
    return magnitude * np.float32(FAT_LEVEL / _nominal_fat(sequence))


def ct_truth(sample: AnatomySample, texture: Texture, model: TissueModel) -> Volume:
    """Return the CT without noise and blur, HU: the mean over each voxel's sub-samples."""
    hu = np.tensordot(model.column("hu"), sample.fraction, axes=1).astype(np.float32)
    soft = 1 - sample.fraction[Tissue.AIR] - sample.fraction[Tissue.CORTICAL_BONE]
    hu += soft * texture.drift * np.float32(SLOW_HU / SLOW_SD)
    hu -= sample.fraction[Tissue.MUSCLE] * texture.streak_fat * np.float32(STREAK_HU)
    hu += sample.fraction[Tissue.MARROW] * texture.trabeculae * np.float32(model.trabeculae)
    return hu


def acquire_mr(truth: Volume, grid: Grid, rng: np.random.Generator) -> MRScan:
    """Return a scan of a noise-free magnitude: gain, bias field, then Rician noise.

    Args:
        truth: output of `mr_truth`.
        grid: its lattice, on which the bias field is drawn in scanner coordinates.
        rng: source of gain, bias field and noise.
    """
    gain = np.float32(np.clip(1 + GAIN_SD * rng.standard_normal(), 0.8, 1.2))
    bias = bias_field(grid, rng)
    return MRScan(image=rician(truth * bias * gain, MR_NOISE, rng), truth=truth, bias=bias)


def acquire_ct(truth: Volume, grid: Grid, rng: np.random.Generator) -> Volume:
    """Return a scan of a noise-free CT, HU: point spread, then Gaussian noise, not below -1024.

    Args:
        truth: output of `ct_truth`.
        grid: its lattice.
        rng: source of the noise.
    """
    sigma = CT_PSF / (2 * np.sqrt(2 * np.log(2)))
    blurred = gaussian_filter(truth, [sigma / spacing for spacing in grid.spacing[::-1]], mode="nearest")
    mean, sd = CT_NOISE
    noise = max(mean + sd * rng.standard_normal(), 4.0)
    noisy = blurred + np.float32(noise) * rng.standard_normal(truth.shape, dtype=np.float32)
    scan: Volume = np.maximum(noisy, np.float32(-1024))
    return scan


def rician(magnitude: Volume, sd: float, rng: np.random.Generator) -> Volume:
    """Return the magnitude of a real signal with independent Gaussian noise in both channels."""
    real = magnitude + np.float32(sd) * rng.standard_normal(magnitude.shape, dtype=np.float32)
    imaginary = np.float32(sd) * rng.standard_normal(magnitude.shape, dtype=np.float32)
    noisy: Volume = np.sqrt(real * real + imaginary * imaginary)
    return noisy


def bias_field(grid: Grid, rng: np.random.Generator) -> Volume:
    """Return a smooth positive field whose logarithm has mean 0 and root mean square `BIAS_RMS`."""
    field = SmoothField(rng, wavelength=BIAS_WAVELENGTH, waves=3)
    k, j, i = np.indices(grid.size[::-1], dtype=np.float32).reshape(3, -1)
    index = np.stack([i, j, k], axis=1)
    x, y, z = np.ascontiguousarray(voxel_positions(grid, index).T)
    log = field((x, y, z)).reshape(grid.size[::-1])
    log -= log.mean()
    log *= np.float32(BIAS_RMS / max(float(np.sqrt(np.mean(log**2))), 1e-6))
    result: Volume = np.exp(log)
    return result


def _nominal_fat(sequence: SpoiledGradientEcho) -> float:
    """Return the magnitude of pure typical fat tissue, which the gain makes 100."""
    fat = TISSUES[Tissue.FAT]
    t2_star = np.float32(fat.t2_star)
    water = fat.proton_density * (1 - fat.fat_fraction) * sequence.signal(np.float32(fat.t1), t2_star)
    lipid = fat.proton_density * fat.fat_fraction * sequence.signal(np.float32(FAT_T1), t2_star)
    return float(abs(water + lipid * np.exp(1j * sequence.fat_phase)))
