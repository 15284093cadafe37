"""What makes one phantom patient differ from the next: every variance of the cohort, in one place."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A clipped normal distribution of one quantity, and what the CT population adds to it at shift 1."""

    mean: float
    sd: float
    low: float
    high: float
    unit: str
    shift: float = 0.0

    def draw(self, rng: np.random.Generator, shift: float) -> float:
        """Return one value for a population moved by `shift` times the stated step."""
        step = shift * self.shift
        return float(np.clip(self.mean + self.sd * rng.standard_normal(), self.low, self.high) + step)


VARIANCES: Mapping[str, Spread] = MappingProxyType(
    {
        "scale": Spread(mean=1.0, sd=0.045, low=0.9, high=1.1, unit="1"),
        "widening": Spread(mean=0.0, sd=3.0, low=-6.0, high=6.0, unit="mm per side"),
        "head_radius": Spread(mean=24.0, sd=0.8, low=22.3, high=25.7, unit="mm at scale 1"),
        "anteversion": Spread(mean=12.0, sd=5.0, low=0.0, high=25.0, unit="degrees"),
        "fat": Spread(mean=17.0, sd=7.0, low=6.0, high=38.0, unit="mm", shift=6.0),
        "bulk": Spread(mean=1.0, sd=0.09, low=0.78, high=1.2, unit="1"),
        "asymmetry": Spread(mean=0.0, sd=0.05, low=-0.12, high=0.12, unit="1"),
        "plane": Spread(mean=1.7, sd=0.6, low=0.7, high=3.5, unit="mm"),
        "streaks": Spread(mean=0.7, sd=0.3, low=0.1, high=1.6, unit="mm"),
        "flexion_left": Spread(mean=2.0, sd=4.0, low=-6.0, high=14.0, unit="degrees", shift=6.0),
        "flexion_right": Spread(mean=2.0, sd=4.0, low=-6.0, high=14.0, unit="degrees", shift=6.0),
        "abduction_left": Spread(mean=3.0, sd=3.0, low=-4.0, high=12.0, unit="degrees", shift=3.0),
        "abduction_right": Spread(mean=3.0, sd=3.0, low=-4.0, high=12.0, unit="degrees", shift=3.0),
        "rotation_left": Spread(mean=-4.0, sd=8.0, low=-22.0, high=14.0, unit="degrees inwards", shift=8.0),
        "rotation_right": Spread(mean=-4.0, sd=8.0, low=-22.0, high=14.0, unit="degrees inwards", shift=8.0),
        "tilt": Spread(mean=0.0, sd=4.0, low=-10.0, high=10.0, unit="degrees about left-right"),
        "obliquity": Spread(mean=0.0, sd=2.0, low=-5.0, high=5.0, unit="degrees about front-back"),
        "roll": Spread(mean=0.0, sd=2.5, low=-6.0, high=6.0, unit="degrees about head-foot"),
        "bladder": Spread(mean=1.0, sd=0.22, low=0.5, high=1.45, unit="1"),
        "gas": Spread(mean=1.0, sd=0.3, low=0.4, high=1.6, unit="1"),
        "offset_x": Spread(mean=0.0, sd=6.0, low=-15.0, high=15.0, unit="mm to the left"),
        "offset_y": Spread(mean=0.0, sd=5.0, low=-12.0, high=12.0, unit="mm to the back"),
        "offset_z": Spread(mean=-15.0, sd=12.0, low=-45.0, high=15.0, unit="mm to the head", shift=15.0),
        "angle_x": Spread(mean=0.0, sd=2.5, low=-6.0, high=6.0, unit="degrees about left-right"),
        "angle_y": Spread(mean=0.0, sd=1.5, low=-4.0, high=4.0, unit="degrees about front-back"),
        "angle_z": Spread(mean=0.0, sd=2.0, low=-5.0, high=5.0, unit="degrees about head-foot"),
        "isocentre_x": Spread(mean=0.0, sd=12.0, low=-30.0, high=30.0, unit="mm"),
        "isocentre_y": Spread(mean=0.0, sd=12.0, low=-30.0, high=30.0, unit="mm"),
        "isocentre_z": Spread(mean=0.0, sd=20.0, low=-50.0, high=50.0, unit="mm"),
    }
)
"""Fixed, so that nobody can make the naive answers weak: no command line option or argument changes them."""

POSE = (
    "flexion_left",
    "flexion_right",
    "abduction_left",
    "abduction_right",
    "rotation_left",
    "rotation_right",
)


@dataclass(frozen=True, kw_only=True)
class Patient:
    """One patient: the drawn quantities of `VARIANCES` (units there) and the seed of shape and texture."""

    seed: int
    scale: float
    widening: float
    head_radius: float
    anteversion: float
    fat: float
    bulk: float
    asymmetry: float
    plane: float
    streaks: float
    flexion_left: float
    flexion_right: float
    abduction_left: float
    abduction_right: float
    rotation_left: float
    rotation_right: float
    tilt: float
    obliquity: float
    roll: float
    bladder: float
    gas: float
    offset_x: float
    offset_y: float
    offset_z: float
    angle_x: float
    angle_y: float
    angle_z: float
    isocentre_x: float
    isocentre_y: float
    isocentre_z: float


def random_stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose, independent of every other purpose of the same seed."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def draw_patient(seed: int, *, shift: float = 0.0) -> Patient:
    """Draw a patient.

    Args:
        seed: non-negative; the same seed gives the same patient.
        shift: 0 for the MR population; the CT population at `--shift X` takes X.
    """
    rng = random_stream(seed, "patient")
    return Patient(seed=seed, **{name: spread.draw(rng, shift) for name, spread in VARIANCES.items()})


def typical_patient(seed: int = 0) -> Patient:
    """Return the patient in whom every quantity has its mean; the seed still sets shape and texture."""
    return Patient(seed=seed, **{name: spread.mean for name, spread in VARIANCES.items()})


SECOND_TABLE = ("tilt", "obliquity", "roll")
"""Angles by which a body lies differently on another scanner's table."""
SECOND_TABLE_SD = 2.0
"""Standard deviation in degrees of each of them."""


def lie_down_again(patient: Patient, *, degrees: float) -> Patient:
    """Return the same patient on another scanner's table: other hip angles, and the whole body elsewhere.

    Args:
        patient: as scanned first.
        degrees: standard deviation of each hip angle's change.
    """
    rng = random_stream(patient.seed, "second table")
    moved = {name: getattr(patient, name) + SECOND_TABLE_SD * rng.standard_normal() for name in SECOND_TABLE}
    moved |= {name: VARIANCES[name].draw(rng, 0.0) for name in VARIANCES if name.startswith("isocentre")}
    return replace(change_pose(patient, degrees=degrees), **moved)


def change_pose(patient: Patient, *, degrees: float, purpose: str = "second scan") -> Patient:
    """Return the same patient lying differently: each hip angle moves by a normal draw (SD in degrees)."""
    rng = random_stream(patient.seed, purpose)
    moved = {name: getattr(patient, name) + degrees * rng.standard_normal() for name in POSE}
    return replace(patient, **moved)
