"""Which intensity window a case is judged in."""

import json
from collections.abc import Sequence

import SimpleITK as sitk

from preprocessing.case_preparation import prepare_scan
from preprocessing.cohort import Case
from preprocessing.intensity_window import IntensityWindow
from preprocessing.provenance import record_path
from preprocessing.scan import Scan, Step
from preprocessing.window import FixedWindow

WindowSetting = IntensityWindow | Step | Sequence[Step]
"""A window, the preprocessing step that chooses one, or several of which the last does."""


def case_window(
    case: Case, image: sitk.Image, *, body: sitk.Image | None, setting: WindowSetting
) -> IntensityWindow:
    """Return the window of a case: a fixed one, else the one stored beside its volume, else fitted to it.

    Args:
        case: the case.
        image: its volume.
        body: its body mask on the same grid, or None for the whole volume.
        setting: an `IntensityWindow`, `FixedWindow`, `PercentileWindow`, or another step that sets one; or
            several steps, such as a body mask and then the window.

    Raises:
        ValueError: the step sets no window, or the record beside the volume is damaged.
    """
    if isinstance(setting, IntensityWindow):
        return setting
    steps = [setting] if callable(setting) else list(setting)
    recorded = None if steps and isinstance(steps[-1], FixedWindow) else recorded_window(case)
    if recorded is not None:
        return recorded
    # A step by itself takes the whole volume for the body; several find the body for themselves.
    whole = body if body is not None or len(steps) > 1 else _everything(image)
    window = prepare_scan(Scan(image=image, mask=whole), steps).window
    if window is None:
        raise ValueError(f"case {case.case}: expected {setting!r} to set a window, it set none")
    return window


def recorded_window(case: Case) -> IntensityWindow | None:
    """Return the window in the record beside a case's volume; None without record or window.

    Args:
        case: the case; the record of `<name>.nii.gz` is `<name>.json`.

    Raises:
        ValueError: the record cannot be read.
    """
    path = record_path(case.image)
    if not path.exists():
        return None
    try:
        # Only the window is wanted: records of preparation and of translation both hold it, others do not.
        record = json.loads(path.read_text(encoding="utf-8"))
        fields = record.get("window") if isinstance(record, dict) else None
        return IntensityWindow.from_dict(fields) if fields else None
    except (ValueError, KeyError, TypeError) as error:
        found = f"expected a record with a window, found {error!r}"
        raise ValueError(f"case {case.case}, file {path}: {found}; prepare the case again") from error


def _everything(image: sitk.Image) -> sitk.Image:
    everything: sitk.Image = sitk.Image(image.GetSize(), sitk.sitkUInt8) + 1
    everything.CopyInformation(image)
    return everything
