"""N4 correction of the slow shading that receive coils leave in MR."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float

from preprocessing.body_blocks import BodyBlocks
from preprocessing.grid import grid_of, place
from preprocessing.scan import Scan
from preprocessing.shading import entropy, shading_coefficients
from preprocessing.spline_field import ORDER, Coefficients, field_values

Volume = Float[np.ndarray, "z y x"]


@dataclass(frozen=True, kw_only=True)
class N4BiasFieldCorrection:
    """Divide an MR by its bias field (N4: Tustison et al. 2010, doi:10.1109/TMI.2010.2046908).

    The field is fitted on an image averaged over blocks of about `resolution`, evaluated at full resolution
    from its B-spline, and scaled so that the mean intensity inside the body stays.

    N4 sharpens the histogram, and takes tissues of like brightness for shading if let. So it starts from the
    field of `shading_coefficients` where that sharpens the histogram by itself, and needs to sharpen little:
    `width` is about half of ITK's. docs/howto/preprocessing.md has the measurements.

    Args:
        resolution: edge of the blocks, millimetres; axes already coarser stay.
        knot_spacing: greatest distance of the B-spline's knots at the first level, millimetres; each further
            level halves it.
        iterations: at most this many at each level.
        convergence: coefficient of variation of an iteration's change at which a level ends.
        width: full width at half maximum of the Gaussian by which shading is taken to blur the histogram of
            logarithms.
        start_gain: fall of the entropy of the logarithms, in nats, from which the start is taken; None for
            N4 by itself.
    """

    resolution: float = 8.0
    knot_spacing: float = 120.0
    iterations: Sequence[int] = (100,)
    convergence: float = 1e-3
    width: float = 0.07
    start_gain: float | None = 0.1

    def __post_init__(self) -> None:
        """Keep the iterations as a tuple, also where JSON gave a list."""
        object.__setattr__(self, "iterations", tuple(int(count) for count in self.iterations))

    def __call__(self, scan: Scan) -> Scan:
        """Correct the image; mask and label stay.

        Args:
            scan: an MR with a body mask; voxels at or below 0 take no part in the fit.

        Raises:
            ValueError: if there is no mask or the body has no positive intensities.
        """
        body = _body(scan)
        blocks = BodyBlocks.of(scan.image, body, edge=self.resolution, knot_spacing=self.knot_spacing)
        start, gain = self._start(blocks)
        n4 = self._filter(blocks.spans)
        with _one_thread():
            n4.Execute(*blocks.images(start))
            log_field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(scan.image))
        if start is not None:
            log_field += field_values(start, [blocks.basis(axis, per_voxel=True) for axis in range(3)])
        reached = float(n4.GetCurrentConvergenceMeasurement())
        note = {
            "convergence": reached,
            "iterations_of_last_level": int(n4.GetElapsedIterations()),
            "log_field_sd": _mean_and_sd(log_field, body)[1],
            "start_gain": gain,
            "started": start is not None,
        }
        corrected = replace(scan, image=_divided(scan.image, log_field, body))
        corrected = corrected.with_note("N4BiasFieldCorrection", note)
        if reached > self.convergence:
            return corrected.with_warning(
                f"N4 ended at a convergence of {reached:.2g}, not {self.convergence:g}"
            )
        return corrected

    def _start(self, blocks: BodyBlocks) -> tuple[Coefficients | None, float]:
        if self.start_gain is None:
            return None, 0.0
        inside = blocks.inside
        logarithms = np.log(np.where(inside, blocks.median, 1.0))
        bases = [blocks.basis(axis) for axis in range(3)]
        found = shading_coefficients(
            logarithms, inside, spacing=blocks.spacing, bases=bases, spans=blocks.spans
        )
        flat = logarithms[inside] - field_values(found, bases)[inside]
        gain = entropy(logarithms[inside]) - entropy(flat)
        return (found if gain > self.start_gain else None), gain

    def _filter(self, spans: Sequence[int]) -> sitk.N4BiasFieldCorrectionImageFilter:
        n4 = sitk.N4BiasFieldCorrectionImageFilter()
        n4.SetSplineOrder(ORDER)
        n4.SetNumberOfControlPoints([ORDER + count for count in spans[::-1]])
        n4.SetMaximumNumberOfIterations(self.iterations)
        n4.SetConvergenceThreshold(self.convergence)
        n4.SetBiasFieldFullWidthAtHalfMaximum(self.width)
        return n4


def _body(scan: Scan) -> Bool[np.ndarray, "z y x"]:
    if scan.mask is None:
        raise ValueError("N4BiasFieldCorrection: expected a body mask, found none; put BodyMask before it")
    body = sitk.GetArrayFromImage(scan.mask) > 0
    mean = _mean_and_sd(sitk.GetArrayViewFromImage(scan.image), body)[0] if body.any() else 0.0
    if mean <= 0:
        found = f"a mean of {mean:g}"
        raise ValueError(f"N4BiasFieldCorrection: expected positive MR in the body, found {found}; is it CT?")
    return np.asarray(body)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums of several threads differ in their last digits; one gives the same bytes on every machine."""
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)


def _divided(image: sitk.Image, log_field: Volume, body: Bool[np.ndarray, "z y x"]) -> sitk.Image:
    """The image divided by its field. The field's own memory is used: a large volume has no room for more."""
    voxels = sitk.GetArrayViewFromImage(image)
    field = np.exp(log_field, out=log_field)
    corrected = np.divide(voxels, field, out=field)
    corrected *= _mean_and_sd(voxels, body)[0] / _mean_and_sd(corrected, body)[0]
    result = sitk.GetImageFromArray(corrected)
    place(result, grid_of(image))
    return result


def _mean_and_sd(voxels: Volume, body: Bool[np.ndarray, "z y x"]) -> tuple[float, float]:
    """Mean and standard deviation inside the body, slice by slice: no copy of all that is inside."""
    count, total, squares = 0, 0.0, 0.0
    for plane, inside in zip(voxels, body, strict=True):
        values = plane[inside].astype(np.float64)
        count += len(values)
        total += float(values.sum())
        squares += float(np.square(values).sum())
    mean = total / count
    return mean, math.sqrt(max(0.0, squares / count - mean**2))
