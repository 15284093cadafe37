"""Second stage: the rigid motion of most mutual information."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import SimpleITK as sitk

from preprocessing.registration.error import RegistrationError
from preprocessing.registration.match import Match

LEAST_STEP = 1e-3
"""The optimiser ends below this step, millimetres of the farthest voxel."""
LEAST_SAMPLES = 20000
"""At coarse resolutions a larger share is compared, so that so many voxels remain, or all."""
RELAXATION = 0.6
"""Factor by which the step shrinks whenever the direction turns back."""


@dataclass(frozen=True, kw_only=True)
class RigidStage:
    """SimpleITK's rigid registration by Mattes' mutual information, coarse to fine.

    Source: Mattes et al. 2003, doi:10.1109/TMI.2003.809072.

    Args:
        bins: of the histogram along each image.
        sampling: share of the fixed voxels that are compared at the finest resolution.
        seed: of the choice of voxels.
        margin: millimetres around the fixed body that are compared too.
        shrink: factor of each resolution, coarse to fine.
        smoothing: standard deviation of the Gaussian at each resolution, millimetres.
        iterations: most steps at each resolution.
        step: first step of the optimiser, millimetres of the farthest voxel.
    """

    bins: int = 32
    sampling: float = 0.1
    seed: int = 1
    margin: float = 8.0
    shrink: Sequence[int] = (4, 2, 1)
    smoothing: Sequence[float] = (6.0, 3.0, 0.0)
    iterations: int = 100
    step: float = 4.0

    def register(self, match: Match, start: sitk.Transform) -> sitk.Transform:
        """Return the motion from fixed to moving points, LPS mm.

        Args:
            match: the two images.
            start: rigid motion to begin with.

        Raises:
            RegistrationError: if the images do not meet where the start lays them.
        """
        method = self._method(match)
        motion = sitk.Euler3DTransform(start)
        method.SetInitialTransform(motion, inPlace=True)
        try:
            with one_thread():
                method.Execute(match.fixed, match.moving)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise RegistrationError(
                f"registration: expected two scans that overlap where the start lays them, found: {reason}; "
                "check the landmarks, or that both scans show the same part of the body"
            ) from error
        return motion

    def _method(self, match: Match) -> sitk.ImageRegistrationMethod:
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=self.bins)
        method.SetMetricFixedMask(match.near_body(self.margin))
        method.SetMetricSamplingStrategy(method.REGULAR)
        method.SetInterpolator(sitk.sitkLinear)
        # A thin slab is not thinned out further than to a few slices.
        most = max(1, min(match.fixed.GetSize()) // 4)
        shrink = [min(int(factor), most) for factor in self.shrink]
        voxels = [match.fixed.GetNumberOfPixels() / factor**3 for factor in shrink]
        shares = [min(max(self.sampling, LEAST_SAMPLES / count), 1.0) for count in voxels]
        method.SetMetricSamplingPercentagePerLevel(shares, self.seed)
        method.SetShrinkFactorsPerLevel(shrink)
        method.SetSmoothingSigmasPerLevel([float(sigma) for sigma in self.smoothing])
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=self.step,
            minStep=LEAST_STEP,
            numberOfIterations=self.iterations,
            relaxationFactor=RELAXATION,
            gradientMagnitudeTolerance=1e-8,
        )
        method.SetOptimizerScalesFromPhysicalShift()
        return method


@contextmanager
def one_thread() -> Iterator[None]:
    """Let SimpleITK work on one thread: its sums differ in the last digits with the number of threads.

    A registration's own number of threads does not reach its metric, so the process's default is set.
    """
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
