"""N4 on an image averaged over blocks, against SimpleITK's N4 at full resolution with the same settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float

from pipelines.benchmarks.measurement import Measurement, take_turns
from preprocessing.bias_field import N4BiasFieldCorrection
from preprocessing.body_blocks import BodyBlocks
from preprocessing.body_mask import BodyMask
from preprocessing.phantom.scanning import ScanOrder, write_scan
from preprocessing.scan import Scan
from preprocessing.spline_field import ORDER
from preprocessing.volume import read_volume

PHANTOM_SEED = 77
"""Of no cohort on which the settings of N4 were chosen."""


def measure_bias_field(work: Path, *, size: int, repeats: int) -> Measurement:
    """Time both on a phantom hip, and compare both fields with the true one inside the body.

    Args:
        work: folder for the phantom.
        size: pixels along a side of a coronal slice; 256 is the paper's.
        repeats: runs of each.
    """
    case = "mr_001"
    write_scan(ScanOrder(case=case, domain="mr", split="train", seed=PHANTOM_SEED, size=size), work)
    scan = BodyMask()(Scan(image=read_volume(work / "images" / f"{case}.nii.gz")))
    body = _body(scan) & (sitk.GetArrayViewFromImage(scan.image) > 0)
    truth = _log_field(read_volume(work / "truth" / f"{case}_bias.nii.gz"), body)
    step = N4BiasFieldCorrection()
    corrected: dict[str, sitk.Image] = {}
    timing = take_turns(
        lambda: corrected.update(ours=step(scan).image),
        lambda: corrected.update(baseline=_at_full_resolution(scan, step)),
        repeats=repeats,
        warm_ups=0,
    )
    error = {
        side: _rms(_log_field(scan.image / image, body) - truth) / _rms(truth)
        for side, image in corrected.items()
    }
    columns, rows, slices = scan.image.GetSize()
    return Measurement(
        name=f"N4, {columns} x {rows} x {slices}, against SimpleITK at full resolution",
        seconds=timing.seconds,
        baseline_seconds=timing.baseline_seconds,
        agreement=f"left of the true field: {error['ours']:.1%}, baseline {error['baseline']:.1%}",
        repeats=repeats,
        target="12 times faster, error at most 1.1 times the baseline's",
    )


def _at_full_resolution(scan: Scan, step: N4BiasFieldCorrection) -> sitk.Image:
    blocks = BodyBlocks.of(scan.image, _body(scan), edge=step.resolution, knot_spacing=step.knot_spacing)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetNumberOfControlPoints([ORDER + count for count in blocks.spans[::-1]])
    n4.SetMaximumNumberOfIterations(step.iterations)
    n4.SetConvergenceThreshold(step.convergence)
    corrected: sitk.Image = n4.Execute(scan.image, scan.mask != 0)
    return corrected


def _body(scan: Scan) -> Bool[np.ndarray, "z y x"]:
    assert scan.mask is not None
    return np.asarray(sitk.GetArrayFromImage(scan.mask) > 0)


def _log_field(field: sitk.Image, body: Bool[np.ndarray, "z y x"]) -> Float[np.ndarray, " voxel"]:
    """Logarithm of a field inside the body, its mean removed: the scale of a field is arbitrary."""
    log = np.log(sitk.GetArrayViewFromImage(field)[body].astype(np.float64))
    return np.asarray(log - log.mean())


def _rms(values: Float[np.ndarray, " voxel"]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
