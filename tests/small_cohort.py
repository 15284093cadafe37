"""A cohort of volumes known in closed form, prepared in no time, for all tests of the preparation."""

from pathlib import Path

import nibabel as nib
import numpy as np
from laws import GRIDS, body, hounsfield, marker, tissue, volume

from preprocessing.bias_field import N4BiasFieldCorrection
from preprocessing.body_mask import BodyMask
from preprocessing.cohort import Case, write_cohort
from preprocessing.orientation import CanonicalOrientation
from preprocessing.preparation import CohortPreparation
from preprocessing.reslice import ToReferenceGrid
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
