"""Third stage: a B-spline deformation of most mutual information that bends no more than it must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.optimize import minimize

from preprocessing.registration.lattice import lattice_over
from preprocessing.registration.match import Match
from preprocessing.registration.resolution import resolution_of

MEMORY = 10
"""Steps whose slopes L-BFGS remembers."""


@dataclass(frozen=True, kw_only=True)
class BSplineStage:
    """B-spline registration by mutual information less bending, coarse to fine.

    Source: Rueckert et al. 1999, doi:10.1109/42.796284, with the Parzen window of Mattes et al. 2003.
    SimpleITK's own registration knows no penalty: on the phantom it followed noise where there is little to
    see, and folded. So value and slope are computed here and SciPy's L-BFGS takes the steps; images, lattice
    and result are SimpleITK's.

    Args:
        spacing: millimetres between control points.
        stiffness: what bending costs, nat mm^2: see `lattice.bending`.
        bins: of the histogram along each image.
        margin: millimetres around the fixed body that are compared too.
        shrink: factor of each resolution, coarse to fine.
        smoothing: standard deviation of the Gaussian at each resolution, millimetres.
        iterations: most steps at each resolution.
    """

    spacing: float = 40.0
    stiffness: float = 1000.0
    bins: int = 32
    margin: float = 8.0
    shrink: Sequence[int] = (4, 2, 1)
    smoothing: Sequence[float] = (4.0, 2.0, 0.0)
    iterations: int = 25

    def register(self, match: Match, start: sitk.Transform) -> sitk.Transform:
        """Return the deformation of the fixed space, LPS mm, that comes before `start`.

        Args:
            match: the two images.
            start: rigid motion from fixed to moving points.
        """
        lattice = lattice_over(match.fixed, spacing=self.spacing)
        near = match.near_body(self.margin)
        parameters = np.zeros(3 * int(np.prod(lattice.shape)))
        for shrink, smoothing in zip(self.shrink, self.smoothing, strict=True):
            resolution = resolution_of(
                match,
                near=near,
                lattice=lattice,
                start=start,
                shrink=shrink,
                smoothing=smoothing,
                bins=self.bins,
                stiffness=self.stiffness,
            )
            found = minimize(
                resolution.cost,
                parameters,
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": self.iterations, "maxcor": MEMORY},
            )
            parameters = np.asarray(found.x)
        return lattice.filled(parameters)
