"""From stored values to Hounsfield units or MR intensities: each frame rescaled, padding turned to air."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Num, Shaped
from scipy import ndimage

from preprocessing.dicom.errors import DicomError, quoted
from preprocessing.dicom.frame import Frame

AIR_HU = -1000.0
"""What padding and everything outside of a CT's field of view becomes."""
HIGHEST_HU = 1e5
"""Nothing is measured above: extended scales for metal end at 30710 HU."""
LOWEST_HU = -1100.0
"""Noise in air goes no lower: what lies below is fill, such as -2000 or -3024, never measured."""
AIR_LIMIT_HU = -900.0
"""Padding that rescales to more than this could be tissue: it is believed only where it touches the edge."""
_HU_TYPES = ("", "HU", "US")
"""Rescale types of CT that can be Hounsfield units: "HU", unspecified, or none."""
_INT16, _INT32 = np.iinfo(np.int16), np.iinfo(np.int32)
_CT_SLOPES = (1e-3, 100.0)
"""Scales of CT have steps of 1 HU, extended ones of 10; converters write down to hundredths."""
_LARGEST = 1e30
"""Values up to this are safe in a 32-bit float, and so are sums of them."""


def require_rescaling(frames: Sequence[Frame]) -> None:
    """Refuse slices whose stored values cannot be turned into the values that they stand for.

    Args:
        frames: slices of a stack.

    Raises:
        DicomError: with reason "rescale" or "not_hu".
    """
    for frame in frames:
        _require_sane(frame)
        if frame.slope == 0 or (frame.slope is None) != (frame.intercept is None):
            found = f"slope {frame.slope}, intercept {frame.intercept}"
            remedy = "the header is damaged: export the series again"
            raise DicomError("rescale", expected="slope and intercept", found=found, remedy=remedy)
        if frame.series.modality != "CT":
            continue
        if frame.slope is None:
            remedy = "export the original: without slope and intercept HU are unknown"
            raise DicomError("not_hu", expected="a rescaling to HU", found="none", remedy=remedy)
        if frame.rescale_type not in _HU_TYPES:
            remedy = "choose the series in Hounsfield units, not a map made from it"
            found = quoted(frame.rescale_type)
            raise DicomError("not_hu", expected="rescale type HU", found=found, remedy=remedy)


def require_air_or_fat(frame: Frame, lowest: float) -> None:
    """Refuse a CT without a single value below that of water: its rescaling was lost.

    Args:
        frame: a slice of the volume.
        lowest: of all its values.

    Raises:
        DicomError: with reason "not_hu".
    """
    if frame.series.modality == "CT" and lowest >= 0:
        remedy = "export the original: slope and intercept of this one cannot be right"
        found = f"none under {lowest:g}"
        raise DicomError("not_hu", expected="air or fat below 0 HU", found=found, remedy=remedy)


def _require_sane(frame: Frame) -> None:
    """Numbers beyond these overflow in a voxel, or turn a CT's air into bone or its bone into air."""
    slope, intercept = _rescaling(frame)
    widest = 2.0**frame.pixels.bits_stored * abs(slope) + abs(intercept)
    low, high = _CT_SLOPES if frame.series.modality == "CT" else (-_LARGEST, _LARGEST)
    if widest > _LARGEST or not low <= slope <= high:
        remedy = "the header is damaged: export the series again"
        found = f"slope {slope:g}, intercept {intercept:g}"
        raise DicomError("rescale", expected="a possible rescaling", found=found, remedy=remedy)


def is_whole(frames: Sequence[Frame]) -> bool:
    """Whether all values are whole numbers after rescaling.

    Args:
        frames: slices of a stack.
    """
    return all(float(value).is_integer() for frame in frames for value in _rescaling(frame))


def rescaled(
    stored: Shaped[np.ndarray, "rows columns"], frame: Frame, *, whole: bool
) -> tuple[Num[np.ndarray, "rows columns"], int]:
    """Values that stored ones stand for, with padding set to air, and how many voxels were padding.

    Args:
        stored: whole numbers; may be changed in place.
        frame: the slice.
        whole: whether to stay with whole numbers: int16 where they fit, else int32.
    """
    slope, intercept = _rescaling(frame)
    padded = _padded(stored, frame)
    lowest, highest = sorted(int(end) * slope + intercept for end in (stored.min(), stored.max()))
    if not whole or not _within(_INT32, lowest, highest):
        values: np.ndarray = (stored * slope + intercept).astype(np.float32)
    elif slope == 1 and stored.dtype.itemsize == 2 and _within(_INT16, lowest, highest, intercept):
        # Wraps around where unsigned, and back again.
        values = stored.view(np.int16)
        values += np.int16(intercept)
    else:
        values = stored.astype(np.int64) * int(slope) + int(intercept)
        values = values.astype(np.int16 if _within(_INT16, lowest, highest) else np.int32)
    if frame.series.modality == "CT" and lowest < LOWEST_HU:
        outside = values < LOWEST_HU
        padded = outside if padded is None else padded | outside
    values, count = _with_air(values, frame, padded)
    if frame.series.modality == "CT" and highest > HIGHEST_HU and values.max() > HIGHEST_HU:
        found = f"values up to {float(values.max()):g}"
        remedy = "the header is damaged, or the values are no Hounsfield units: choose another series"
        raise DicomError("not_hu", expected=f"at most {HIGHEST_HU:g} HU", found=found, remedy=remedy)
    return values, count


def _with_air(values: np.ndarray, frame: Frame, padded: np.ndarray | None) -> tuple[np.ndarray, int]:
    if padded is None:
        return values, 0
    values[padded] = AIR_HU if frame.series.modality == "CT" else 0
    return values, int(padded.sum())


def _rescaling(frame: Frame) -> tuple[float, float]:
    return (
        1.0 if frame.slope is None else frame.slope,
        0.0 if frame.intercept is None else frame.intercept,
    )


def _within(kind: np.iinfo[np.signedinteger], *numbers: float) -> bool:
    """Whether integers of a kind hold numbers, so that nothing wraps around."""
    return bool(kind.min <= min(numbers) and max(numbers) <= kind.max)


def _padded(stored: np.ndarray, frame: Frame) -> np.ndarray | None:
    """Voxels whose stored value is padding; None if there are none."""
    ends = frame.pixels.padding
    if ends is None:
        return None
    found = (stored >= ends[0]) & (stored <= ends[1])
    if not found.any():
        return None
    slope, intercept = _rescaling(frame)
    if frame.series.modality != "CT" or ends[1] * slope + intercept > AIR_LIMIT_HU:
        found = _touching_edge(found)
    return found


def _touching_edge(found: np.ndarray) -> np.ndarray:
    parts, _ = ndimage.label(found)
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return np.isin(parts, edge[edge > 0])
