"""One scan of a phantom cohort: who is scanned, how, and the files it leaves."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from preprocessing.grid import Grid, place
from preprocessing.phantom.acquisition import Volume, acquire_ct, acquire_mr, ct_truth, mr_truth
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.json_file import write_json
from preprocessing.phantom.objects import IMPLANT_HU, implant_of, put_in
from preprocessing.phantom.patient import Patient, change_pose, draw_patient, random_stream
from preprocessing.phantom.sampling import AnatomySample, sample_anatomy
from preprocessing.phantom.scan_grids import axial_grid, coronal_grid
from preprocessing.phantom.signal import SpoiledGradientEcho
from preprocessing.phantom.texture import make_texture
from preprocessing.phantom.tissue import draw_tissues
from preprocessing.volume import write_volume

MR_STEP = 0.125
"""Step to which MR intensities are rounded (fat is 100), well below the noise; it makes files small."""


@dataclass(frozen=True, kw_only=True)
class ScanOrder:
    """One scan to make.

    Args:
        case: its name.
        domain: mr or ct.
        split: train, validation or test.
        seed: of the cohort.
        size: pixels along a side of a slice.
        shift: of the population the patient is drawn from.
        moving_pose: standard deviation in degrees of the hip angles in a second, axial CT; 0 for none.
        implant: whether the patient has a metal implant in the left hip.
    """

    case: str
    domain: str
    split: str
    seed: int
    size: int
    shift: float = 0.0
    moving_pose: float = 0.0
    implant: bool = False

    @property
    def patient(self) -> str:
        """Name of the patient."""
        return self.case.removesuffix("_mr") if self.split == "test" else self.case

    @property
    def truth_case(self) -> str:
        """Name of the noise-free CT of an MR."""
        return f"{self.patient}_ct"

    def draw(self) -> Patient:
        """Return the patient, who depends on the cohort's seed and the case's name only."""
        words = np.random.SeedSequence([self.seed, zlib.crc32(self.case.encode())]).generate_state(1)
        return draw_patient(int(words[0]), shift=self.shift)


def scan_grid(anatomy: HipAnatomy, *, size: int) -> Grid:
    """Return the coronal slab of a patient, off the femoral heads and turned as the patient's draws say."""
    patient = anatomy.patient
    offset = np.array([patient.offset_x, patient.offset_y, patient.offset_z])
    angles = (patient.angle_x, patient.angle_y, patient.angle_z)
    return coronal_grid(centre=anatomy.head_midpoint() + offset, size=size, angles=angles)


def write_scan(order: ScanOrder, out: Path) -> None:
    """Make one scan and write its image, labels and truth under a cohort folder."""
    patient = order.draw()
    anatomy = HipAnatomy(patient)
    made = make_truth(anatomy, scan_grid(anatomy, size=order.size), implant=order.implant)
    rng = random_stream(patient.seed, "noise")
    if order.domain == "mr":
        scan = acquire_mr(made.mr, made.grid, rng)
        write_mr(scan.image, made.grid, out / "images" / f"{order.case}.nii.gz")
        write_array(scan.bias, made.grid, out / "truth" / f"{order.case}_bias.nii.gz")
    else:
        write_ct(acquire_ct(made.ct, made.grid, rng), made.grid, out / "images" / f"{order.case}.nii.gz")
    write_array(made.sample.label, made.grid, out / "labels" / f"{order.case}.nii.gz")
    write_ct(made.ct, made.grid, out / "truth" / f"{order.case}_ct.nii.gz")
    write_mr(made.mr, made.grid, out / "truth" / f"{order.case}_mr.nii.gz")
    write_json(out / "truth" / f"{order.case}_landmarks.json", describe_landmarks(anatomy))
    if order.moving_pose > 0:
        _write_moving(order, patient, out)


@dataclass(frozen=True, kw_only=True)
class ScanTruth:
    """A patient on a lattice, without noise.

    Args:
        sample: anatomy.
        ct: HU, axes (k, j, i).
        mr: magnitude, typical fat is 100, axes (k, j, i).
    """

    sample: AnatomySample
    ct: Volume
    mr: Volume

    @property
    def grid(self) -> Grid:
        """The lattice."""
        return self.sample.grid


def make_truth(
    anatomy: HipAnatomy,
    grid: Grid,
    *,
    implant: bool = False,
    supersampling: tuple[int, int, int] | None = None,
) -> ScanTruth:
    """Return what perfect scanners would see of a patient.

    Args:
        anatomy: the patient.
        grid: the lattice.
        implant: whether there is metal in the left hip: bright in CT, black in MR.
        supersampling: as `sample_anatomy` takes it.
    """
    model = draw_tissues(anatomy.patient)
    sample = sample_anatomy(anatomy, grid, supersampling=supersampling)
    texture = make_texture(sample, model)
    ct = ct_truth(sample, texture, model)
    mr = mr_truth(sample, texture, model, SpoiledGradientEcho())
    if implant:
        metal = implant_of(anatomy).shares(grid)
        ct, mr = put_in(ct, metal, IMPLANT_HU), put_in(mr, metal, 0.0)
    return ScanTruth(sample=sample, ct=ct, mr=mr)


def describe_landmarks(anatomy: HipAnatomy) -> dict[str, object]:
    """Return the landmarks as JSON values, with their frame and unit."""
    points = {name: [round(v, 4) for v in point] for name, point in anatomy.landmarks().items()}
    return {"frame": "LPS", "unit": "mm", "points": points}


def _write_moving(order: ScanOrder, patient: Patient, out: Path) -> None:
    """Write the same patient's axial CT in another pose, as registration would meet it."""
    moved = change_pose(patient, degrees=order.moving_pose)
    anatomy = HipAnatomy(moved)
    # A little thinner than the pixels of small cohorts, and the 2 mm of the paper at full size.
    thickness = float(np.clip(256 / order.size, 2, 16))
    grid = axial_grid(
        centre=anatomy.head_midpoint(),
        size=2 * order.size,
        slices=round(320 / thickness),
        thickness=thickness,
    )
    made = make_truth(anatomy, grid, implant=order.implant)
    image = acquire_ct(made.ct, grid, random_stream(patient.seed, "moving noise"))
    stem = f"{order.patient}_moving"
    write_ct(image, grid, out / "truth" / f"{stem}_ct.nii.gz")
    write_array(made.sample.label, grid, out / "truth" / f"{stem}_label.nii.gz")
    write_json(out / "truth" / f"{stem}_landmarks.json", describe_landmarks(anatomy))


def write_ct(volume: Volume, grid: Grid, path: Path) -> None:
    """Write CT numbers as whole HU.

    Args:
        volume: HU, axes (k, j, i).
        grid: its lattice.
        path: a NIfTI file.
    """
    write_array(np.rint(volume).astype(np.int16), grid, path)


def write_mr(volume: Volume, grid: Grid, path: Path) -> None:
    """Write a magnitude, rounded to `MR_STEP`.

    Args:
        volume: magnitude, axes (k, j, i).
        grid: its lattice.
        path: a NIfTI file.
    """
    write_array(np.rint(volume / MR_STEP).astype(np.float32) * np.float32(MR_STEP), grid, path)


def write_array(volume: NDArray[np.generic], grid: Grid, path: Path) -> None:
    """Write a volume with its voxel type.

    Args:
        volume: axes (k, j, i).
        grid: its lattice, with axes at right angles.
        path: a NIfTI file.
    """
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume))
    place(image, grid)
    write_volume(image, path)
