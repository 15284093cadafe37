"""Which way the transforms beside a scan map points, as the images themselves tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from evaluation.arrays import canonical_array
from evaluation.mutual_information import mutual_information
from pipelines.studies.open_ms import HeadPatient, t1_to_t2
from preprocessing.body_mask import BodyMask
from preprocessing.scan import Scan
from preprocessing.volume import read_volume
from preprocessing.window import PercentileWindow

WINDOW = PercentileWindow(percentile=99.5)
"""What the joint histogram covers."""


def direction_information(patient: HeadPatient) -> dict[str, float]:
    """Return the mutual information of T1 and T2 in nat in the head, for each way of reading the transforms.

    Args:
        patient: One with both images.

    Returns:
        By name: "used", as `t1_to_t2` composes them; "opposite", each file taken the other way; "none".

    Raises:
        HeadDataError: If there is no T2.
    """
    transforms = {
        "used": t1_to_t2(patient),
        "opposite": t1_to_t2(patient, opposite=True),
        "none": sitk.Transform(),
    }
    assert patient.t2 is not None
    moving = read_volume(patient.t2, case=patient.name)
    head = BodyMask()(Scan(image=read_volume(patient.t1, case=patient.name)))
    return {name: _information(head, moving, transform) for name, transform in transforms.items()}


def _information(head: Scan, moving: sitk.Image, transform: sitk.Transform) -> float:
    resampled = sitk.Resample(moving, head.image, transform, sitk.sitkLinear, 0.0)
    windows = [WINDOW(replace(head, image=image)).window for image in (head.image, resampled)]
    fixed, moved = canonical_array(head.image), canonical_array(resampled)
    assert head.mask is not None
    assert windows[0] is not None
    assert windows[1] is not None
    mask = np.asarray((canonical_array(head.mask) > 0) & (moved > 0))
    return mutual_information(fixed, moved, window=(windows[0], windows[1]), mask=mask)
