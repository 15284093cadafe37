"""Register one scan onto another of the same patient, and say how well it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import SimpleITK as sitk

from preprocessing.registration.deformable import BSplineStage
from preprocessing.registration.error import RegistrationError
from preprocessing.registration.match import Match, air_of, match_scans, with_body
from preprocessing.registration.quality import StageQuality, folding, sharpness, stage_quality
from preprocessing.registration.rigid import RigidStage
from preprocessing.registration.start import Start
from preprocessing.registration.verdict import Acceptance
from preprocessing.registration.warp import rigid_part, warped
from preprocessing.scan import Scan

LEAST_OVERLAP = 0.02
"""With less of the fixed body in reach of the moving image, there is nothing to register."""
NOTE = "registration"
"""Name of the note that holds the quality record."""


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """A registered scan and how it came there.

    Args:
        scan: the moving scan on the fixed one's grid, with the quality record in its notes.
        transform: from fixed to moving points, LPS mm: the rigid motion, or a composite with the B-spline.
        record: the quality record, JSON values.
    """

    scan: Scan
    transform: sitk.Transform
    record: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class PairRegistration:
    """Landmarks or moments, then rigid, then B-spline registration, as in Hiasa et al. 2018, section 2.1.

    A B-spline that is no better than the rigid motion before it is dropped.

    Args:
        start: finds the first position.
        rigid: betters it.
        deformable: bends what is left, or None for a rigid registration.
        acceptance: judges the result.
        spacing: the stages see both images in voxels no finer than this, millimetres.
        outside: intensity where the moving image does not reach; None takes -1000 for CT, else 0.
        anti_aliasing: blur the moving image along axes that become coarser, before the one interpolation.
    """

    start: Start = field(default_factory=Start)
    rigid: RigidStage = field(default_factory=RigidStage)
    deformable: BSplineStage | None = None
    acceptance: Acceptance = field(default_factory=Acceptance)
    spacing: float = 2.5
    outside: float | None = None
    anti_aliasing: bool = True

    def register(self, moving: Scan, fixed: Scan) -> Scan:
        """Return the moving scan on the fixed one's grid, with coverage and a note named "registration".

        Args:
            moving: the scan to bring; it is left as it is.
            fixed: the scan that stays.

        Raises:
            RegistrationError: if the scans show nothing that could be laid on each other.
        """
        return self.align(moving, fixed).scan

    def align(self, moving: Scan, fixed: Scan) -> Alignment:
        """Return the registered scan together with its transform.

        Args:
            moving: the scan to bring; it is left as it is.
            fixed: the scan that stays.

        Raises:
            RegistrationError: if the scans show nothing that could be laid on each other.
        """
        moving, still = with_body(moving), with_body(fixed)
        match = match_scans(still, moving, spacing=self.spacing)
        course = _Course(match=match, fixed=still, moving=moving)
        course.measure("identity", sitk.Euler3DTransform())
        name, first = self.start.start(match, fixed=still.landmarks, moving=moving.landmarks)
        course.add(name, first)
        _refuse_apart(course.quality[name])
        rigid = self.rigid.register(match, first)
        course.add("rigid", rigid)
        _refuse_apart(course.quality["rigid"])
        if self.deformable is not None:
            bent = sitk.CompositeTransform([rigid, self.deformable.register(match, rigid)])
            course.add_deformation("b-spline", bent, self.acceptance)
        record = self._record(course)
        outside = air_of(moving.image) if self.outside is None else self.outside
        scan = warped(
            moving, fixed.image, course.transform, outside=outside, anti_aliasing=self.anti_aliasing
        )
        scan = replace(scan, transform=course.transform).with_note(NOTE, record)
        return Alignment(scan=scan, transform=course.transform, record=record)

    def _record(self, course: _Course) -> dict[str, object]:
        folds = folding(course.match, course.transform)
        # A B-spline makes even strangers alike: whether these are one patient is asked of the rigid motion.
        sharp = sharpness(course.match, rigid_part(course.transform))
        judgement = self.acceptance.judge(course.quality[course.kept[-1]], sharpness=sharp, folding=folds)
        return {
            "verdict": judgement.verdict,
            "reasons": list(judgement.reasons),
            "stages": course.kept,
            "dropped": course.dropped,
            **_by_measure(course.quality),
            "sharpness": sharp,
            "jacobian": asdict(folds),
            "thresholds": asdict(self.acceptance),
        }


@dataclass(kw_only=True)
class _Course:
    """What was tried, how good it was, and what is kept."""

    match: Match
    fixed: Scan
    moving: Scan
    transform: sitk.Transform = field(default_factory=sitk.Euler3DTransform)
    quality: dict[str, StageQuality] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    dropped: dict[str, str] = field(default_factory=dict)

    def measure(self, name: str, transform: sitk.Transform) -> None:
        landmarks = {"fixed": self.fixed.landmarks, "moving": self.moving.landmarks}
        self.quality[name] = stage_quality(self.match, transform, **landmarks)

    def add(self, name: str, transform: sitk.Transform) -> None:
        self.measure(name, transform)
        self.transform = transform
        self.kept.append(name)

    def add_deformation(self, name: str, transform: sitk.Transform, acceptance: Acceptance) -> None:
        self.measure(name, transform)
        before, after = self.quality[self.kept[-1]], self.quality[name]
        fault = acceptance.fault_of_deformation(before, after, folding(self.match, transform))
        if fault is not None:
            self.dropped[name] = fault
            return
        self.transform = transform
        self.kept.append(name)


def _by_measure(quality: Mapping[str, StageQuality]) -> dict[str, object]:
    stages = {name: asdict(stage) for name, stage in quality.items()}
    names = next(iter(stages.values()))
    return {measure: {name: stage[measure] for name, stage in stages.items()} for measure in names}


def _refuse_apart(quality: StageQuality) -> None:
    if quality.compared < LEAST_OVERLAP:
        raise RegistrationError(
            "registration: expected the moving image to reach into the fixed body, found "
            f"{quality.compared:.1%} of that body in reach; check the landmarks, or that both scans show the "
            "same part of the body"
        )
