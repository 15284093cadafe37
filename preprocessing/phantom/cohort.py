"""Write a cohort of digital hips: images, labels and truth, with the tables that cyclevox reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from preprocessing.cohort import TABLE_NAME, Case, write_cohort
from preprocessing.phantom.description import describe_phantom
from preprocessing.phantom.json_file import write_json
from preprocessing.phantom.scan_pool import for_each
from preprocessing.phantom.scanning import ScanOrder, write_scan

SMALLEST = 16
"""Fewest pixels along a side of a slice: 20 mm each."""
DESCRIPTION = "phantom.json"
"""File in the cohort's folder with all parameters."""
FORMATS = ("nifti", "dicom")
DICOM_POSE = 4.0
"""Standard deviation in degrees of the hip angles between MR and CT of a pair in DICOM, if not asked for."""
VALIDATION_SHARE = 8
"""Of every so many MR patients one is for validation."""


def write_phantom_cohort(
    out: Path | str,
    *,
    mr: int,
    ct: int,
    pairs: int,
    labelled_ct: int = 0,
    labelled_mr: int = 0,
    seed: int = 0,
    size: int = 64,
    shift: float = 0.0,
    pair_pose: float | None = None,
    file_format: str = "nifti",
    workers: int = 0,
    progress: bool = True,
) -> Path:
    """Write a digital hip cohort and return the path of its `cohort.csv`; of DICOM, of `truth/series.csv`.

    The same arguments give the same bytes, whatever `workers` is. A patient's anatomy depends on `seed` and
    the case's name only, so a larger cohort contains the smaller one.

    Args:
        out: folder to write, created if need be.
        mr: unpaired MR patients (training; one in eight for validation).
        ct: unpaired CT patients (training).
        pairs: test patients: an MR, and the noise-free CT on its grid and in its pose.
        labelled_ct: how many of the unpaired CT name their labels in the table.
        labelled_mr: how many of the unpaired MR name their labels in the table.
        seed: non-negative.
        size: pixels along each side of a slice of 320 mm; 256 is the paper's.
        shift: how far the CT population differs from the MR: 0 not at all, 1 as `VARIANCES` states.
        pair_pose: standard deviation in degrees by which hip angles differ in a second, axial CT of each test
            patient. NIfTI: it is truth/<case>_moving_ct; 0, the default, writes none. DICOM: it is the pair's
            CT; the default is `DICOM_POSE`.
        file_format: nifti, or dicom for an export of DICOM studies, in which every CT is axial from pelvis to
            thigh; labels then stand in truth/ only.
        workers: processes; 0 works in this one.
        progress: whether to show a progress bar.

    Raises:
        ValueError: naming the argument that is out of range, or the folder that holds another cohort.
    """
    _check(mr=mr, ct=ct, pairs=pairs, labelled_ct=labelled_ct, labelled_mr=labelled_mr, seed=seed, size=size)
    if file_format not in FORMATS:
        raise ValueError(f"expected file_format to be one of {', '.join(FORMATS)}, found {file_format!r}")
    if pair_pose is None:
        pair_pose = DICOM_POSE if file_format == "dicom" else 0.0
    if not 0 <= shift <= 1 or pair_pose < 0:
        raise ValueError(
            f"expected shift in 0..1 and pair_pose >= 0, found shift={shift} and pair_pose={pair_pose}"
        )
    out = Path(out).absolute()
    _remove_tables(out)
    orders = _orders(mr=mr, ct=ct, pairs=pairs, seed=seed, size=size, shift=shift, pair_pose=pair_pose)
    arguments: dict[str, object] = {
        "mr": mr,
        "ct": ct,
        "pairs": pairs,
        "labelled_ct": labelled_ct,
        "labelled_mr": labelled_mr,
        "seed": seed,
        "size": size,
        "shift": shift,
        "pair_pose": pair_pose,
    }
    if file_format == "dicom":
        # Imported here: the NIfTI phantom, which tests and the demo rest on, then needs no DICOM library.
        from preprocessing.phantom.dicom_cohort import write_dicom_cohort

        arguments["format"] = file_format
        return write_dicom_cohort(
            out,
            orders,
            description=out / DESCRIPTION,
            arguments=arguments,
            workers=workers,
            progress=progress,
        )
    _write_all(orders, out, workers=workers, progress=progress)
    write_json(out / DESCRIPTION, describe_phantom(arguments, orders))
    write_cohort(out / "truth.csv", _truth_rows(orders, out))
    # The table comes last: a folder that has one is whole.
    labelled = {"mr": labelled_mr, "ct": labelled_ct}
    write_cohort(out / TABLE_NAME, _cohort_rows(orders, out, labelled))
    return out / TABLE_NAME


def _remove_tables(out: Path) -> None:
    """Take away the tables of an earlier phantom: none stands over images of which only some are its own."""
    tables = [table for table in (out / TABLE_NAME, out / "truth.csv") if table.exists()]
    if tables and not (out / DESCRIPTION).exists():
        raise ValueError(
            f"expected a new folder or an earlier phantom, found {tables[0]} and no {DESCRIPTION}: "
            "name another folder"
        )
    for table in tables:
        table.unlink()


def _check(**counts: int) -> None:
    for name, value in counts.items():
        least = SMALLEST if name == "size" else 0
        if value < least:
            raise ValueError(f"expected {name} to be {least} or more, found {value}")
    for domain in ("mr", "ct"):
        if counts[f"labelled_{domain}"] > counts[domain]:
            raise ValueError(
                f"expected labelled_{domain} to be at most {domain}={counts[domain]}, "
                f"found {counts[f'labelled_{domain}']}"
            )
    if counts["mr"] + counts["ct"] + counts["pairs"] == 0:
        raise ValueError("expected at least one patient, found mr=0, ct=0 and pairs=0")


def _orders(
    *, mr: int, ct: int, pairs: int, seed: int, size: int, shift: float, pair_pose: float
) -> list[ScanOrder]:
    """Return every scan to make; the last of each eight MR patients is for validation."""
    plan = [
        (f"mr_{n:03d}", "mr", "validation" if n % VALIDATION_SHARE == 0 else "train")
        for n in range(1, mr + 1)
    ]
    plan += [(f"ct_{n:03d}", "ct", "train") for n in range(1, ct + 1)]
    plan += [(f"pair_{n:03d}_mr", "mr", "test") for n in range(1, pairs + 1)]
    return [
        ScanOrder(
            case=case,
            domain=domain,
            split=split,
            seed=seed,
            size=size,
            shift=shift if domain == "ct" else 0.0,
            moving_pose=pair_pose if split == "test" else 0.0,
        )
        for case, domain, split in plan
    ]


def _write_all(orders: Sequence[ScanOrder], out: Path, *, workers: int, progress: bool) -> None:
    for_each(orders, write_scan, out, workers=workers, progress=progress)


def _cohort_rows(orders: Sequence[ScanOrder], out: Path, labelled: dict[str, int]) -> list[Case]:
    rows = []
    left = dict(labelled)
    for order in orders:
        if order.split == "test":
            rows += _pair_rows(order, out)
            continue
        named = left[order.domain] > 0
        left[order.domain] -= named
        rows.append(_row(order, out, label=named))
    return rows


def _truth_rows(orders: Sequence[ScanOrder], out: Path) -> list[Case]:
    return [row for order in orders if order.domain == "mr" for row in _pair_rows(order, out)]


def _pair_rows(order: ScanOrder, out: Path) -> list[Case]:
    """Return an MR and its noise-free CT as two registered cases."""
    partner = order.truth_case
    label = out / "labels" / f"{order.case}.nii.gz"
    scan = _row(order, out, label=True, pair=partner)
    image = out / "truth" / f"{order.case}_ct.nii.gz"
    truth = Case(
        case=partner,
        patient=order.patient,
        domain="ct",
        image=image,
        label=label,
        mask=None,
        pair=order.case,
        split=order.split,
    )
    return [scan, truth]


def _row(order: ScanOrder, out: Path, *, label: bool, pair: str | None = None) -> Case:
    return Case(
        case=order.case,
        patient=order.patient,
        domain=order.domain,
        image=out / "images" / f"{order.case}.nii.gz",
        label=out / "labels" / f"{order.case}.nii.gz" if label else None,
        mask=None,
        pair=pair,
        split=order.split,
    )
