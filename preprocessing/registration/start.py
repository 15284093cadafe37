"""First stage: where the search for the right position begins."""

from __future__ import annotations

from dataclasses import dataclass, field

import SimpleITK as sitk

from preprocessing.registration.landmarks_start import LandmarksStart
from preprocessing.registration.match import Match
from preprocessing.registration.moments_start import MomentsStart
from preprocessing.registration.similarity import centroid
from preprocessing.scan import Landmarks


@dataclass(frozen=True, kw_only=True)
class Start:
    """Landmarks where both scans have them, else the moments of the bodies.

    Args:
        landmarks: needs landmarks of the same name in both scans.
        moments: always possible.
    """

    landmarks: LandmarksStart = field(default_factory=LandmarksStart)
    moments: MomentsStart = field(default_factory=MomentsStart)

    def start(self, match: Match, *, fixed: Landmarks, moving: Landmarks) -> tuple[str, sitk.Transform]:
        """Return which of the two was taken, and the motion from fixed to moving points, LPS mm.

        Args:
            match: the two images.
            fixed: points by name, LPS mm.
            moving: points by name, LPS mm.

        Raises:
            RegistrationError: if a body is empty.
        """
        # The rotation is written about the body's middle, so that its angles and shift matter alike.
        centre = centroid(match.fixed_mask, "fixed").tolist()
        if self.landmarks.fits(fixed, moving):
            return "landmarks", self.landmarks.start(fixed, moving, centre=centre)
        return "moments", self.moments.start(match, centre=centre)
