"""Cut scans to the field of view of another scanner: about the femoral heads, and as loosely as it does."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from preprocessing.cohort import Case
from preprocessing.femoral_heads import femoral_heads, heads_of_landmarks
from preprocessing.grid import three_floats, three_ints
from preprocessing.landmarks import landmarks_path, read_landmarks
from preprocessing.nifti import read_header
from preprocessing.reslice import ToReferenceGrid
from preprocessing.scan import Scan

LEAST_CASES = 3
"""Cases with landmarks from which a mean and a standard deviation are taken."""
WIDEST_DRAW_SD = 2.0
"""Draws beyond this many standard deviations are brought back to it."""
NOWHERE = (0.0, 0.0, 0.0)

_RAS_FROM_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class FemoralHeadBox(ToReferenceGrid):
    """Cut a box whose middle lies off the femoral heads by a mean and, for each case, a drawn offset.

    Args:
        spacing: millimetres along the array axes, [R, A, S] after `CanonicalOrientation`.
        size: voxels along the array axes, in the same order.
        outside: intensity where the scan does not reach: -1000 for CT in HU.
        centre: "femoral_heads", the only choice.
        offset_mean: mean of (middle of the box - point midway between the heads), RAS mm.
        offset_sd: standard deviation of the draw around it, RAS mm; zeros for no draw.
        seed: of the draw, which depends on it and on the case's name only.
        offsets_of: where mean and standard deviation come from, for the record.
    """

    centre: Literal["image", "body", "femoral_heads"] = "femoral_heads"
    offset_mean: Sequence[float] = NOWHERE
    offset_sd: Sequence[float] = NOWHERE
    seed: int = 0
    offsets_of: str = "configuration"

    def __post_init__(self) -> None:
        """Refuse another centre or a negative spread; keep the sequences as tuples."""
        super().__post_init__()
        if self.centre != "femoral_heads":
            raise ValueError(f"FemoralHeadBox: expected the centre 'femoral_heads', found {self.centre!r}")
        _keep_offsets(self)

    def middle(self, scan: Scan) -> tuple[Float[np.ndarray, "3"], dict[str, object]]:
        """Middle of the box in LPS millimetres; heads, confidence and offset as JSON values.

        Args:
            scan: the scan to cut; its case's name decides the draw.

        Raises:
            ValueError: if the femoral heads are not found.
        """
        heads = femoral_heads(scan)
        drawn = draw_offset(scan.case, mean=self.offset_mean, sd=self.offset_sd, seed=self.seed)
        note: dict[str, object] = {
            "heads": heads.to_note(),
            "offset_ras_mm": [round(value, 3) for value in drawn],
            "offsets_of": self.offsets_of,
        }
        return np.array(heads.midpoint) + _RAS_FROM_LPS * drawn, note


@dataclass(frozen=True, kw_only=True)
class FemoralHeadCrop:
    """Learn from one domain's landmarks how its images lie about the femoral heads; cut another's alike.

    Args:
        spacing: millimetres along the array axes, [R, A, S] after `CanonicalOrientation`.
        size: voxels along the array axes, in the same order.
        outside: intensity where the scan does not reach: -1000 for CT in HU.
        offsets_from: domain whose training cases are measured, or None to take the numbers given here.
        offset_mean: mean offset from the heads in RAS mm, where fewer than three cases can be measured.
        offset_sd: standard deviation in RAS mm likewise.
        seed: of the draws.
    """

    spacing: Sequence[float]
    size: Sequence[int]
    outside: float
    offsets_from: str | None = "mr"
    offset_mean: Sequence[float] = NOWHERE
    offset_sd: Sequence[float] = NOWHERE
    seed: int = 0

    def __post_init__(self) -> None:
        """Keep the sequences as tuples, also where JSON gave lists."""
        object.__setattr__(self, "size", three_ints(self.size))
        object.__setattr__(self, "spacing", three_floats(self.spacing))
        _keep_offsets(self)

    def fit(self, cases: Sequence[Case]) -> FemoralHeadBox:
        """Return the step with the spread of the cases' offsets.

        Args:
            cases: every case of the cohort; headers and landmark files alone are read.
        """
        mean, sd, told = self.offset_mean, self.offset_sd, "configuration"
        if self.offsets_from is not None:
            offsets = measured_offsets(cases, domain=self.offsets_from)
            known = f"{len(offsets)} training cases of {self.offsets_from} with femoral-head landmarks"
            if len(offsets) >= LEAST_CASES:
                mean, sd, told = offsets.mean(axis=0), offsets.std(axis=0, ddof=1), known
            else:
                told = f"configuration, for want of {LEAST_CASES}: {known}"
                self._warn(len(offsets))
        return FemoralHeadBox(
            spacing=self.spacing,
            size=self.size,
            outside=self.outside,
            offset_mean=_rounded(mean),
            offset_sd=_rounded(sd),
            seed=self.seed,
            offsets_of=told,
        )

    def _warn(self, found: int) -> None:
        logging.getLogger(__name__).warning(
            "FemoralHeadCrop: expected %d training cases of %s with femoral-head landmarks, found %d: "
            "CT are cut by the configuration's offset_mean %s and offset_sd %s; set these to your scans', "
            "or give landmarks",
            LEAST_CASES,
            self.offsets_from,
            found,
            list(self.offset_mean),
            list(self.offset_sd),
        )


def measured_offsets(cases: Sequence[Case], *, domain: str) -> Float[np.ndarray, "case 3"]:
    """Middle of the image minus the point midway between the femoral heads, RAS mm, by case with landmarks.

    Only training cases are asked, so that no test case has a part in how training volumes are cut.

    Args:
        cases: of a cohort.
        domain: that is measured.
    """
    offsets = []
    for case in cases:
        if case.domain != domain or case.split != "train" or not landmarks_path(case.image).exists():
            continue
        try:
            heads = heads_of_landmarks(read_landmarks(landmarks_path(case.image)))
            centre = read_header(case.image).grid.centre
        except (ValueError, OSError):
            # What is damaged fails as a case of its own, where it is named.
            continue
        if heads is not None:
            offsets.append(_RAS_FROM_LPS * (np.array(centre) - np.array(heads.midpoint)))
    return np.array(offsets).reshape(-1, 3)


def draw_offset(
    case: str, *, mean: Sequence[float], sd: Sequence[float], seed: int
) -> Float[np.ndarray, "3"]:
    """Draw the offset of one case, the same whenever and wherever it is drawn.

    Args:
        case: name of the case.
        mean: millimetres along R, A, S.
        sd: millimetres along R, A, S.
        seed: non-negative.
    """
    random = np.random.default_rng([seed, zlib.crc32(case.encode())])
    normal = np.clip(random.standard_normal(3), -WIDEST_DRAW_SD, WIDEST_DRAW_SD)
    return np.asarray(np.array(mean, dtype=float) + normal * np.array(sd, dtype=float))


def _keep_offsets(step: FemoralHeadBox | FemoralHeadCrop) -> None:
    for name in ("offset_mean", "offset_sd"):
        object.__setattr__(step, name, three_floats(getattr(step, name)))
    if min(step.offset_sd) < 0:
        raise ValueError(f"{type(step).__name__}: expected offset_sd of 0 mm or more, found {step.offset_sd}")


def _rounded(values: Sequence[float] | Float[np.ndarray, "3"]) -> tuple[float, float, float]:
    return three_floats(round(float(value), 3) for value in values)
