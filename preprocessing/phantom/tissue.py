"""What each tissue is made of: CT number, relaxation times, proton density, fat, and patients' jitter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from preprocessing.phantom.anatomy import Tissue
from preprocessing.phantom.patient import Patient, random_stream

FIELD_STRENGTH = 1.0
"""Field strength in tesla at which the relaxation times of `TISSUES` hold."""


@dataclass(frozen=True, kw_only=True)
class TissueProperties:
    """Material of one tissue at 1.0 T.

    Args:
        hu: CT number, HU.
        t1: longitudinal relaxation time of its water, ms.
        t2_star: effective transverse relaxation time, ms.
        proton_density: signal-giving protons relative to pure water.
        fat_fraction: share of those protons that are fat.
    """

    hu: float
    t1: float
    t2_star: float
    proton_density: float
    fat_fraction: float


TISSUES: Mapping[Tissue, TissueProperties] = MappingProxyType(
    {
        Tissue.AIR: TissueProperties(hu=-1000, t1=1000, t2_star=1, proton_density=0.0, fat_fraction=0.0),
        Tissue.SKIN: TissueProperties(hu=30, t1=450, t2_star=11, proton_density=0.70, fat_fraction=0.05),
        Tissue.FAT: TissueProperties(hu=-102, t1=600, t2_star=26, proton_density=0.95, fat_fraction=0.93),
        Tissue.MUSCLE: TissueProperties(hu=56, t1=660, t2_star=30, proton_density=0.86, fat_fraction=0.02),
        Tissue.CORTICAL_BONE: TissueProperties(
            hu=1150, t1=300, t2_star=0.6, proton_density=0.15, fat_fraction=0.0
        ),
        Tissue.MARROW: TissueProperties(hu=-30, t1=600, t2_star=16, proton_density=0.90, fat_fraction=0.83),
        Tissue.CARTILAGE: TissueProperties(hu=90, t1=720, t2_star=18, proton_density=0.80, fat_fraction=0.0),
        Tissue.URINE: TissueProperties(hu=6, t1=2900, t2_star=400, proton_density=1.0, fat_fraction=0.0),
        Tissue.SOFT_ORGAN: TissueProperties(
            hu=38, t1=780, t2_star=32, proton_density=0.88, fat_fraction=0.02
        ),
        Tissue.BLOOD: TissueProperties(hu=46, t1=1250, t2_star=90, proton_density=0.92, fat_fraction=0.0),
    }
)
"""Typical tissues; times are of the order of those in Bottomley 1984, doi:10.1118/1.595535."""

FAT_T1 = 235.0
"""Longitudinal relaxation time of fat protons at 1.0 T, ms."""
HU_JITTER = 6.0
"""Patient-to-patient standard deviation of a soft tissue's CT number, HU."""
RELATIVE_JITTER = 0.04
"""Patient-to-patient relative standard deviation of T1, T2*, proton density and the cortical CT number."""
MARROW_JITTER = 0.04
"""Patient-to-patient standard deviation of the marrow's fat fraction."""


@dataclass(frozen=True, kw_only=True)
class TissueModel:
    """One patient's tissues.

    Args:
        seed: seed of the patient's textures.
        table: properties by tissue.
        streaks: amount of fat in the muscles' streaks, 1 for a typical patient.
        trabeculae: CT number in HU that dense trabecular bone adds to marrow.
    """

    seed: int
    table: Mapping[Tissue, TissueProperties]
    streaks: float
    trabeculae: float

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one property of every tissue, in the order of `Tissue`."""
        return np.array([getattr(self.table[tissue], name) for tissue in Tissue], dtype=np.float32)


def draw_tissues(patient: Patient) -> TissueModel:
    """Return the tissues of a patient; air never varies."""
    rng = random_stream(patient.seed, "tissue")
    table = {Tissue.AIR: TISSUES[Tissue.AIR]}
    for tissue in list(Tissue)[1:]:
        table[tissue] = _jittered(TISSUES[tissue], tissue, rng)
    streaks = float(np.exp(0.4 * rng.standard_normal()))
    trabeculae = float(np.clip(300 + 45 * rng.standard_normal(), 190, 410))
    return TissueModel(
        seed=patient.seed, table=MappingProxyType(table), streaks=streaks, trabeculae=trabeculae
    )


def typical_tissues(seed: int = 0) -> TissueModel:
    """Return the tissues of `TISSUES` without jitter; the seed still sets the texture."""
    return TissueModel(seed=seed, table=TISSUES, streaks=1.0, trabeculae=300.0)


def _jittered(typical: TissueProperties, tissue: Tissue, rng: np.random.Generator) -> TissueProperties:
    draws = np.clip(rng.standard_normal(5), -2.5, 2.5)
    hu_sd = RELATIVE_JITTER * typical.hu if tissue is Tissue.CORTICAL_BONE else HU_JITTER
    fat = typical.fat_fraction + MARROW_JITTER * draws[4] * (tissue is Tissue.MARROW)
    return replace(
        typical,
        hu=float(typical.hu + hu_sd * draws[0]),
        t1=float(typical.t1 * (1 + RELATIVE_JITTER * draws[1])),
        t2_star=float(typical.t2_star * (1 + RELATIVE_JITTER * draws[2])),
        proton_density=float(typical.proton_density * (1 + RELATIVE_JITTER * draws[3])),
        fat_fraction=float(np.clip(fat, 0, 1)),
    )
