"""The record of how a volume came out of its slices: for people and provenance, and free of identity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.uid import UID

from preprocessing.dicom.frame import Frame
from preprocessing.dicom.geometry import StackGeometry
from preprocessing.dicom.ordering import SlicePlan
from preprocessing.dicom.rescaling import AIR_HU

AIR_BELOW_HU = -200.0
"""A CT whose lowest value is higher shows no air: its values may be no Hounsfield units."""
TILT_TAG_TOLERANCE_DEGREES = 0.5
"""The tag of the gantry's tilt may differ by this from the tilt that positions tell."""
_DECIMALS = 6


@dataclass
class Findings:
    """What was seen while pixels were read.

    Args:
        padded: voxels that were padding, in all slices.
        lowest: of all values.
        highest: of all values.
    """

    padded: int = 0
    lowest: float = 0.0
    highest: float = 0.0


def record_of(
    frames: Sequence[Frame],
    geometry: StackGeometry,
    plan: SlicePlan,
    findings: Findings,
    *,
    repairs: Sequence[str],
) -> dict[str, Any]:
    """JSON that tells what was found and done.

    Args:
        frames: the slices of the volume.
        geometry: where they lie.
        plan: where the volume's slices lie.
        findings: what the pixels told.
        repairs: what was repaired.
    """
    first = frames[0]
    along = geometry.along
    return {
        "modality": first.series.modality,
        "slices": len(frames),
        "positions_mm": _listed(along),
        "gaps_mm": _listed(np.unique(np.round(np.diff(along), 3))),
        "regular": plan.regular,
        "spacing_mm": round(plan.step, _DECIMALS),
        "resliced": not plan.regular,
        "thickness_mm": _range(frame.thickness for frame in frames),
        "missing_mm": _listed(np.asarray(plan.gaps.missing)),
        "tilt_degrees": 0.0 if geometry.straight else round(geometry.slant_degrees, 4),
        "sheared": not geometry.straight,
        "transfer_syntax": UID(first.pixels.transfer_syntax).name,
        "mosaic": first.tile is not None,
        "rescale_slope": _range(frame.slope for frame in frames),
        "rescale_intercept": _range(frame.intercept for frame in frames),
        "padded_voxels": findings.padded,
        "air": AIR_HU if first.series.modality == "CT" else 0.0,
        "lowest": findings.lowest,
        "highest": findings.highest,
        "repairs": list(repairs),
        "warnings": list(_warnings(frames, geometry, plan, findings, repairs)),
    }


def _warnings(
    frames: Sequence[Frame],
    geometry: StackGeometry,
    plan: SlicePlan,
    findings: Findings,
    repairs: Sequence[str],
) -> Iterable[str]:
    yield from repairs
    first = frames[0]
    yield from sorted({warning for frame in frames for warning in frame.warnings})
    if any(frame.pixels.lossy for frame in frames):
        yield "lossy: the pixels went through lossy compression, values are not the scanner's own"
    if first.series.modality == "CT" and findings.lowest > AIR_BELOW_HU:
        yield f"not_hu: the lowest value is {findings.lowest:g}, where a CT has air at about -1000 HU"
    if not plan.regular:
        yield f"mixed_spacing: gaps of {_range(np.diff(geometry.along))} mm resliced to {plan.step:.4g} mm"
    if not geometry.straight:
        yield f"tilt: slices slanted by {geometry.slant_degrees:.2f} degrees were shifted upright"
    tag = first.series.gantry_tilt
    if (
        tag
        and abs(abs(tag) - (0 if geometry.straight else geometry.slant_degrees)) > TILT_TAG_TOLERANCE_DEGREES
    ):
        yield f"tilt: the header says {tag:g} degrees, positions say {geometry.slant_degrees:.2f}"


def _listed(values: np.ndarray) -> list[float]:
    return [round(float(value), _DECIMALS) for value in values]


def _range(values: Iterable[float | None]) -> list[float] | None:
    known = [float(value) for value in values if value is not None]
    return [round(min(known), 9), round(max(known), 9)] if known else None
