"""All numbers about one predicted case."""

from collections.abc import Iterator, Mapping

import numpy as np
import SimpleITK as sitk

from evaluation.arrays import PLANE_AXIS, Plane, Spacing, canonical_array, canonical_spacing
from evaluation.case_volumes import HU, CaseVolume
from evaluation.hounsfield import hu_mae, hu_me, tissue_errors
from evaluation.metric_table import Measurement
from evaluation.mutual_information import (
    BINS,
    mutual_information,
    normalised_mutual_information,
    slicewise_mutual_information,
)
from evaluation.overlap import comparability, dice, hausdorff95, mean_surface_distance, volume_error
from evaluation.windowed import SSIM_SIZE, windowed_mae, windowed_mse, windowed_psnr, windowed_ssim
from preprocessing.intensity_window import IntensityWindow


def image_measurements(
    prediction: CaseVolume, reference: CaseVolume, *, plane: Plane
) -> Iterator[Measurement]:
    """Yield the full-reference metrics of a prediction against its truth.

    Args:
        prediction: in the reference's unit, on its grid.
        reference: the truth; its window, mask and region are used.
        plane: of the slices whose structural similarity is taken.
    """
    a, b, window, mask = prediction.array, reference.array, reference.window, reference.mask
    conventions = f"reference {reference.case}; both clipped to {_text(window)}, 0..255"

    def row(metric: str, value: float, unit: str) -> Measurement:
        region = reference.region
        return _measurement(prediction, metric, value, unit=unit, region=region, conventions=conventions)

    yield row("windowed_mae", windowed_mae(a, b, window=window, mask=mask), "level")
    yield row("windowed_mse", windowed_mse(a, b, window=window, mask=mask), "level^2")
    yield row("windowed_psnr", windowed_psnr(a, b, window=window, mask=mask), "dB")
    if min(np.delete(a.shape, PLANE_AXIS[plane])) >= SSIM_SIZE:
        ssim = windowed_ssim(a, b, window=window, mask=mask, plane=plane)
        yield row(f"windowed_ssim_{plane}", ssim, "1")
    if window.unit == HU:
        yield from hu_measurements(prediction, reference)


def hu_measurements(prediction: CaseVolume, reference: CaseVolume) -> Iterator[Measurement]:
    """Yield the errors in HU, over the region and by tissue; the latter clipped to the window, and named so.

    Args:
        prediction: synthetic CT in HU.
        reference: CT on the same grid.
    """
    a, b, mask, region = prediction.array, reference.array, reference.mask, reference.region
    conventions = f"reference {reference.case}; not clipped"
    for metric, value in (("hu_mae", hu_mae(a, b, mask=mask)), ("hu_me", hu_me(a, b, mask=mask))):
        yield _measurement(prediction, metric, value, unit=HU, region=region, conventions=conventions)
    clipped = f"tissue by the HU of {reference.case}; then both clipped to {_text(reference.window)}"
    for tissue, error in tissue_errors(a, b, window=reference.window, mask=mask).items():
        for metric, value in (("tissue_mae_clipped", error.mae), ("tissue_me_clipped", error.me)):
            yield Measurement(
                case=prediction.case,
                structure=tissue,
                metric=metric,
                value=value,
                unit=HU,
                region=region,
                conventions=clipped,
                status="measured" if error.voxels else "not applicable",
            )


def information_measurements(
    prediction: CaseVolume, source: CaseVolume, *, plane: Plane
) -> Iterator[Measurement]:
    """Yield the mutual information between the source and its translation, which needs no pair.

    Args:
        prediction: the translation, on the source's grid.
        source: what was translated; its mask and region are used.
        plane: of the slices, for the paper's mean over slices.
    """
    a, b, mask, region = source.array, prediction.array, source.mask, source.region
    window = (source.window, prediction.window)
    conventions = (
        f"source {source.case} in {_text(window[0])}, translation in {_text(window[1])}; {BINS}x{BINS} bins"
    )
    values = (
        ("mutual_information", mutual_information(a, b, window=window, mask=mask), "nat"),
        (
            f"mutual_information_{plane}",
            slicewise_mutual_information(a, b, window=window, mask=mask, plane=plane),
            "nat",
        ),
        (
            "normalised_mutual_information",
            normalised_mutual_information(a, b, window=window, mask=mask),
            "1",
        ),
    )
    for metric, value, unit in values:
        yield _measurement(prediction, metric, value, unit=unit, region=region, conventions=conventions)


def label_measurements(
    case: str, prediction: sitk.Image, reference: sitk.Image, *, structures: Mapping[int, str]
) -> Iterator[Measurement]:
    """Yield overlap, distances and volume error for every structure of two label volumes on one grid.

    Args:
        case: name of the predicted case.
        prediction: predicted labels, 0 outside.
        reference: true labels.
        structures: names of label values; a value without a name is called by its number.
    """
    a, b = canonical_array(prediction), canonical_array(reference)
    spacing = canonical_spacing(reference)
    for value in sorted({*np.unique(a).tolist(), *np.unique(b).tolist(), *structures} - {0}):
        name = structures.get(value, str(value))
        yield from _structure_measurements(case, name, a == value, b == value, spacing)


def _structure_measurements(
    case: str, structure: str, a: np.ndarray, b: np.ndarray, spacing: Spacing
) -> Iterator[Measurement]:
    outcome = comparability(a, b, spacing=spacing)
    found = (
        "absent in prediction" if not a.any() else "absent in reference" if not b.any() else "present in both"
    )
    metrics = (
        ("dice", dice, "1"),
        ("hausdorff95", hausdorff95, "mm"),
        ("mean_surface_distance", mean_surface_distance, "mm"),
        ("volume_error", volume_error, "mL"),
    )
    for metric, function, unit in metrics:
        yield Measurement(
            case=case,
            structure=structure,
            metric=metric,
            value=function(a, b, spacing=spacing),
            unit=unit,
            region="grid",
            conventions=found,
            status="measured" if outcome == "comparable" else outcome,
        )


def _measurement(
    prediction: CaseVolume, metric: str, value: float, *, unit: str, region: str, conventions: str
) -> Measurement:
    return Measurement(
        case=prediction.case, metric=metric, value=value, unit=unit, region=region, conventions=conventions
    )


def _text(window: IntensityWindow) -> str:
    return f"[{window.low:g}, {window.high:g}] {window.unit}"
