"""One patient of a phantom cohort as a hospital's archive would hold it: DICOM studies, and truth beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from preprocessing.dicom.placed_slice import PlacedSlice, slices_of
from preprocessing.dicom.series_description import SeriesDescription
from preprocessing.dicom.stored_pixels import StoredPixels
from preprocessing.dicom.write import write_ct_series, write_enhanced_ct, write_mr_series
from preprocessing.phantom.acquisition import acquire_mr
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.axial_ct import AxialCT, scan_axial
from preprocessing.phantom.axial_scans import (
    GANTRY_TILT,
    KINDS,
    reconstruction_circle,
    regular_sections,
    tilted_sections,
    uneven_sections,
)
from preprocessing.phantom.dicom_headers import (
    CT_ATTRIBUTES,
    CT_WINDOWS,
    ENHANCED_CT_ATTRIBUTES,
    MR_ATTRIBUTES,
    MR_WINDOWS,
    enhanced_ct_groups,
)
from preprocessing.phantom.dicom_junk import localizer, write_dose_report, write_screen_shot
from preprocessing.phantom.dicom_study import PhantomStudy, SeriesRow
from preprocessing.phantom.json_file import write_json
from preprocessing.phantom.patient import Patient, lie_down_again, random_stream
from preprocessing.phantom.scanning import (
    MR_STEP,
    ScanOrder,
    describe_landmarks,
    make_truth,
    scan_grid,
    write_array,
    write_ct,
    write_mr,
)

MR_PIXELS = StoredPixels(slope=MR_STEP, bits=12, signed=False)
CT_PIXELS: Mapping[str, StoredPixels] = MappingProxyType(
    {
        "gaps": StoredPixels(intercept=-1024, padding=-2000),
        "tilted": StoredPixels(intercept=-1024, bits=12, signed=False, syntax="implicit"),
        "enhanced": StoredPixels(),
        "regular": StoredPixels(intercept=-1024, bits=12, signed=False),
        "pair": StoredPixels(intercept=-1024, bits=12, signed=False, syntax="jpeg-ls"),
    }
)
"""How CT numbers are stored, as different as scanners do it; only the first is padded round a circle."""
SECTIONS = {"gaps": uneven_sections, "tilted": tilted_sections}
"""Lattices of the CT kinds that are not regular."""


def ct_kind(order: ScanOrder) -> str:
    """Return how the CT of an order is scanned: the kinds in turn, then regular.

    Args:
        order: of an unpaired CT patient or a test patient.
    """
    if order.split == "test":
        return "pair"
    number = int(order.case.rpartition("_")[2])
    return KINDS[min(number, len(KINDS)) - 1]


def write_dicom_patient(order: ScanOrder, out: Path) -> list[SeriesRow]:
    """Scan one patient, write the studies and their truth, and return a row for every series.

    Args:
        order: the patient; one of the test split has an MR and, in another pose, a CT.
        out: folder of the cohort.
    """
    patient = order.draw()
    if order.split == "test":
        moved = lie_down_again(patient, degrees=order.moving_pose)
        study = PhantomStudy(order, f"{order.patient}_moving", out)
        return [*_write_mr_study(order, patient, out), *_write_ct_study(study, moved)]
    if order.domain == "mr":
        return _write_mr_study(order, patient, out)
    return _write_ct_study(PhantomStudy(order, order.case, out), patient)


def _write_mr_study(order: ScanOrder, patient: Patient, out: Path) -> list[SeriesRow]:
    study, anatomy = PhantomStudy(order, order.case, out), HipAnatomy(patient)
    made = make_truth(anatomy, scan_grid(anatomy, size=order.size), implant=order.implant)
    scan = acquire_mr(made.mr, made.grid, random_stream(patient.seed, "noise"))
    seen = np.rint(scan.image / MR_STEP) * MR_STEP
    series = study.series(
        "coronal", 2, "COR 3D SPGR HIP", image_type=("ORIGINAL", "PRIMARY", "OTHER"), windows=MR_WINDOWS,
        attributes=MR_ATTRIBUTES,
    )  # fmt: skip
    scout = study.series(
        "localizer", 1, "3 PLANE LOC", image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"), windows=MR_WINDOWS,
        attributes=MR_ATTRIBUTES,
    )  # fmt: skip
    rows = []
    for kind, described, slices in (
        ("coronal", series, slices_of(seen, made.grid)),
        ("localizer", scout, localizer(anatomy)),
    ):
        names = study.names(described, len(slices))
        write_mr_series(
            slices, study.folder(described), identity=study.identity, series=described, pixels=MR_PIXELS,
            names=names,
        )  # fmt: skip
        truth = study.named("label", "ct", "mr", "bias") if kind == "coronal" else {}
        rows.append(study.row(described, kind=kind, modality="MR", files=len(slices), truth=truth))
    write_array(made.sample.label, made.grid, study.truth("label"))
    write_ct(made.ct, made.grid, study.truth("ct"))
    write_mr(made.mr, made.grid, study.truth("mr"))
    write_array(scan.bias, made.grid, study.truth("bias"))
    write_json(study.truth("landmarks", ".json"), describe_landmarks(anatomy))
    return rows


def _write_ct_study(study: PhantomStudy, patient: Patient) -> list[SeriesRow]:
    order, anatomy = study.order, HipAnatomy(patient)
    kind = ct_kind(order)
    sections = SECTIONS.get(kind, regular_sections)(anatomy, order.size)
    scan = scan_axial(anatomy, sections, size=order.size, implant=order.implant)
    slices = _ct_slices(scan, kind, order.size)
    series = _ct_series(study, kind, slices)
    count = _write_ct_series(study, kind, series, slices)
    grid = scan.truth.grid
    write_array(scan.truth.label, grid, study.truth("label"))
    write_ct(scan.truth.hu, grid, study.truth("ct"))
    write_array((scan.couch.shares(grid) >= 0.5).astype(np.uint8), grid, study.truth("couch"))
    write_json(study.truth("landmarks", ".json"), describe_landmarks(anatomy))
    truth = study.named("label", "ct", "couch")
    row = study.row(series, kind=kind, modality="CT", files=count, truth=truth)
    return [row, *_write_by_products(study, slices[len(slices) // 2])]


def _ct_slices(scan: AxialCT, kind: str, size: int) -> list[PlacedSlice]:
    """Return slices as the kind stores them: from head to foot, or in no order in a multi-frame object."""
    circle = reconstruction_circle(size) if CT_PIXELS[kind].padding is not None else None
    slices = []
    for grid, volume in scan.sections:
        scanned = None if circle is None else np.broadcast_to(circle, volume.shape)
        slices += slices_of(volume, grid, scanned=scanned)
    slices.sort(key=lambda plane: -plane.position[2])
    if kind != "enhanced":
        return slices
    order = np.random.default_rng(len(slices)).permutation(len(slices))
    return [slices[number] for number in order]


def _ct_series(study: PhantomStudy, kind: str, slices: Sequence[PlacedSlice]) -> SeriesDescription:
    further: dict[str, object] = {"windows": CT_WINDOWS, "attributes": CT_ATTRIBUTES}
    if kind == "tilted":
        further["gantry_tilt"] = GANTRY_TILT
    if kind == "enhanced":
        pixel = slices[0].spacing[0]
        further |= {"attributes": ENHANCED_CT_ATTRIBUTES, "groups": enhanced_ct_groups(pixel)}
    return study.series("axial", 2, "AX PELVIS THIGH", **further)


def _write_ct_series(
    study: PhantomStudy, kind: str, series: SeriesDescription, slices: Sequence[PlacedSlice]
) -> int:
    """Write the series and return the number of its files."""
    folder, said = study.folder(series), {"identity": study.identity, "series": series}
    if kind == "enhanced":
        (name,) = study.names(series, 1)
        write_enhanced_ct(slices, folder / name, pixels=CT_PIXELS[kind], **said)  # type: ignore[arg-type]
        return 1
    names = study.names(series, len(slices))
    write_ct_series(slices, folder, pixels=CT_PIXELS[kind], names=names, **said)  # type: ignore[arg-type]
    return len(slices)


def _write_by_products(study: PhantomStudy, plane: PlacedSlice) -> list[SeriesRow]:
    """Write what comes with a CT and is no scan: a screen shot and a dose report."""
    shot = study.series("screen_shot", 900, "SCREEN SHOT")
    report = study.series("dose_report", 999, "DOSE REPORT")
    path = study.folder(shot) / study.names(shot, 1)[0]
    write_screen_shot(path, plane, identity=study.identity, series=shot)
    path = study.folder(report) / study.names(report, 1)[0]
    write_dose_report(path, identity=study.identity, series=report)
    return [
        study.row(shot, kind="screen_shot", modality="OT", files=1, truth={}),
        study.row(report, kind="dose_report", modality="SR", files=1, truth={}),
    ]
