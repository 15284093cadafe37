"""A cohort of volumes known in closed form, prepared in no time, for all tests of the preparation."""

import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from laws import GRIDS, body, hounsfield, marker, tissue, volume

from preprocessing.bias_field import N4BiasFieldCorrection
from preprocessing.body_mask import BodyMask
from preprocessing.cohort import Case, write_cohort
from preprocessing.orientation import CanonicalOrientation
from preprocessing.preparation import CohortPreparation
from preprocessing.reslice import ToReferenceGrid
from preprocessing.scan import Scan
from preprocessing.volume import write_volume
from preprocessing.window import FixedWindow, PercentileWindow

SPACING, SIZE = (6.0, 5.0, 4.0), (20, 18, 22)
STEPS = {
    "mr": [
        CanonicalOrientation(),
        BodyMask(),
        N4BiasFieldCorrection(iterations=(5,)),
        ToReferenceGrid(spacing=SPACING, size=SIZE, outside=0.0),
        PercentileWindow(percentile=99.5),
    ],
    "ct": [
        CanonicalOrientation(),
        BodyMask(threshold=-300),
        ToReferenceGrid(spacing=SPACING, size=SIZE, outside=-1000.0),
        FixedWindow(low=-150, high=350, unit="HU"),
    ],
}


def with_marker(function):
    return lambda where: function(where) + marker(where)


def write_source(folder: Path) -> Path:
    """Cohort of one MR and one CT without partners, and a pair of an oblique MR and a straight CT."""
    grids = {"mr_1": "LPS", "ct_1": "LAS", "mr_2": "oblique coronal", "ct_2": "LPS"}
    for name, grid in grids.items():
        function = tissue if name.startswith("mr") else hounsfield
        write_volume(volume(GRIDS[grid], with_marker(function)), folder / f"{name}.nii.gz")
    write_volume(volume(GRIDS["LAS"], lambda where: 3 * body(where), kind=np.uint8), folder / "label.nii.gz")
    write_cohort(folder / "cohort.csv", [case_of(folder, name) for name in grids])
    return folder


def case_of(folder: Path, name: str) -> Case:
    return Case(
        case=name,
        patient="p2" if name.endswith("2") else f"p_{name}",
        domain=name[:2],
        image=folder / f"{name}.nii.gz",
        label=folder / "label.nii.gz" if name == "ct_1" else None,
        mask=None,
        pair="ct_2" if name == "mr_2" else None,
        split="test" if name.endswith("2") else "train",
    )


def preparation(source: Path, **changes) -> CohortPreparation:
    arguments = {"cohort": source, "output": source.parent / "out", "steps": STEPS, "fixed": "mr", **changes}
    return CohortPreparation(**arguments)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def spoil(path: Path) -> None:
    voxels = np.full(GRIDS["LPS"].size, np.nan, np.float32)
    nib.save(nib.Nifti1Image(voxels, GRIDS["LPS"].affine_ras), path)


def prepared_bytes(folder: Path) -> dict[str, bytes]:
    """Content of every volume and picture of a prepared cohort, by name."""
    paths = [*folder.glob("*.nii.gz"), *folder.glob("overview/*.jpg")]
    return {path.name: path.read_bytes() for path in paths}


@dataclass(frozen=True, kw_only=True)
class Slow:
    """A step that takes its time and leaves a line in a file when it begins."""

    seconds: float
    log: str

    def __call__(self, scan: Scan) -> Scan:
        with Path(self.log).open("a") as stream:
            stream.write(f"{os.getpid()}\n")
        time.sleep(self.seconds)
        return scan


@dataclass(frozen=True, kw_only=True)
class DeadlyForMetal:
    """A step that kills its process, as happens when memory runs out, where a voxel is very bright."""

    above: float = 20000.0

    def __call__(self, scan: Scan) -> Scan:
        if sitk.GetArrayViewFromImage(scan.image).max() > self.above:
            os.kill(os.getpid(), signal.SIGKILL)
        return scan


def write_many(folder: Path, count: int, grid: str = "LPS") -> Path:
    """Cohort of many CT without partners, each a little brighter than the one before."""
    cases = []
    for number in range(count):
        path = folder / f"ct_{number}.nii.gz"
        write_volume(volume(GRIDS[grid], lambda where, plus=number: hounsfield(where) + plus), path)
        case = case_of(folder, f"ct_{number}")
        cases.append(replace(case, patient=f"p{number}", label=None, split="train"))
    write_cohort(folder / "cohort.csv", cases)
    return folder


def prepare_and_tell(source: Path, began, *, otherwise: bool) -> None:
    """Prepare, in a process that is to be killed, by the steps or by others that write every file anew."""
    coarser = {"spacing": (8.0, 7.0, 6.0), "size": (14, 12, 14)}
    other = {
        domain: [replace(step, **coarser) if isinstance(step, ToReferenceGrid) else step for step in steps]
        for domain, steps in STEPS.items()
    }
    began.set()
    preparation(source, steps=other if otherwise else STEPS).run()
