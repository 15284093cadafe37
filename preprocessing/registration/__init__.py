"""Registration of two scans of one patient: landmarks or moments, rigid, B-spline; with a quality record."""

from preprocessing.registration.deformable import BSplineStage
from preprocessing.registration.error import RegistrationError
from preprocessing.registration.landmarks_start import LandmarksStart
from preprocessing.registration.moments_start import MomentsStart
from preprocessing.registration.pair import Alignment, PairRegistration
from preprocessing.registration.rigid import RigidStage
from preprocessing.registration.start import Start
from preprocessing.registration.transform_io import read_transform, write_transform
from preprocessing.registration.verdict import Acceptance

__all__ = [
    "Acceptance",
    "Alignment",
    "BSplineStage",
    "LandmarksStart",
    "MomentsStart",
    "PairRegistration",
    "RegistrationError",
    "RigidStage",
    "Start",
    "read_transform",
    "write_transform",
]
