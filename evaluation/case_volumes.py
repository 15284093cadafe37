"""The volumes of one case, read and brought to arrays [R, A, S]."""

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from evaluation.arrays import Mask, Spacing, Volume, canonical_array, canonical_spacing
from evaluation.case_window import WindowSetting, case_window, recorded_window
from preprocessing.cohort import Case
from preprocessing.grid import grid_of
from preprocessing.intensity_window import IntensityWindow
from preprocessing.nifti import beside
from preprocessing.volume import read_labels, read_volume

HU = "HU"


@dataclass(frozen=True, kw_only=True)
class CaseVolume:
    """A volume with the region in which it counts.

    Args:
        case: name of the case.
        image: as read, in LPS millimetres.
        array: its voxels [R, A, S], in the window's unit.
        spacing: mm along R, A, S.
        window: of this case.
        mask: where the volume counts.
        region: name of that region: "body" where a mask file says so, else "image"; "&coverage" where the
            file `<name>_coverage.nii.gz` beside the volume says how far a registered volume reaches.
    """

    case: str
    image: sitk.Image
    array: Volume
    spacing: Spacing
    window: IntensityWindow
    mask: Mask
    region: str


def read_case(case: Case, *, setting: WindowSetting) -> CaseVolume:
    """Read a case with its body mask, coverage and window.

    Args:
        case: the case.
        setting: how its window is chosen.

    Raises:
        VolumeError: a file cannot be used.
        ValueError: a mask lies on another grid, or no window can be found.
    """
    image = read_volume(case.image, case=case.case)
    body = read_labels(case.mask, case=case.case) if case.mask is not None else None
    coverage_file = beside(case.image, "_coverage.nii.gz")
    coverage = read_labels(coverage_file, case=case.case) if coverage_file.exists() else None
    region = ("body" if body is not None else "image") + ("&coverage" if coverage is not None else "")
    array = canonical_array(image)
    mask = np.ones(array.shape, dtype=np.bool_)
    for name, part in (("mask", body), ("coverage", coverage)):
        if part is not None:
            refuse_other_grid(part, image, what=f"case {case.case}: {name}", than="its image")
            mask &= canonical_array(part) > 0
    return CaseVolume(
        case=case.case,
        image=image,
        array=array,
        spacing=canonical_spacing(image),
        window=case_window(case, image, body=body, setting=setting),
        mask=mask,
        region=region,
    )


def in_units_of(prediction: CaseVolume, case: Case, reference: CaseVolume) -> CaseVolume:
    """Return the prediction in the reference's unit and window.

    A synthetic MR is in nominal units: its own window is laid onto that of the real one. HU are left as they
    are, and so is a prediction without a recorded window: it counts as being in the reference's unit already.

    Args:
        prediction: what was predicted.
        case: its case.
        reference: the truth.
    """
    own = recorded_window(case)
    if reference.window.unit == HU or own is None or own == reference.window:
        return replace(prediction, window=reference.window)
    # Written out, since forward() clips: values beyond the window stay beyond it.
    scale = (reference.window.high - reference.window.low) / (own.high - own.low)
    array = (prediction.array.astype(np.float64) - own.low) * scale + reference.window.low
    return replace(prediction, array=array, window=reference.window)


def refuse_other_grid(image: sitk.Image, wanted: sitk.Image, *, what: str, than: str) -> None:
    """Raise if an image does not lie on the grid of another.

    Args:
        image: the image to check.
        wanted: the image on the wanted grid.
        what: name of the first, for the message.
        than: name of the second, for the message.

    Raises:
        ValueError: the grids differ.
    """
    difference = grid_of(wanted).difference(grid_of(image))
    if difference:
        raise ValueError(
            f"{what}: expected the grid of {than}, found {difference}; reslice it onto that grid"
        )
