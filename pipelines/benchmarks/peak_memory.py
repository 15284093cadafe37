"""How much memory one large case takes, as a multiple of its volume in 32-bit floats."""

from __future__ import annotations

from pathlib import Path

from pipelines.benchmarks.ct_series import write_series
from pipelines.benchmarks.large_scans import write_large_scan
from pipelines.benchmarks.measurement import Measurement
from pipelines.benchmarks.memory import peak_above_interpreter
from pipelines.benchmarks.one_case import import_series, prepare_or_raise
from pipelines.benchmarks.shipped_steps import shipped_steps
from preprocessing.case_preparation import CaseTask
from preprocessing.cohort import Case

BYTES_OF_FLOAT = 4
SEED = 78
"""Of no cohort on which settings were chosen."""


def measure_memory(work: Path, *, slices: int, side: int) -> list[Measurement]:
    """Measure the import of a CT, and the preparation of a CT and of an MR with N4.

    Args:
        work: folder for the scans and what is made of them.
        slices: of each scan.
        side: pixels along a side of a slice.
    """
    series = write_series(work / "memory" / "series", slices=slices, side=side)
    peaks = {"import a CT": peak_above_interpreter(import_series, series, work / "memory" / "ct.nii.gz")}
    steps = shipped_steps("hip")
    for domain, what in (("ct", "prepare a CT of the hip"), ("mr", "prepare an MR of the hip with N4")):
        case = _case(work / "memory", domain, slices=slices, side=side)
        task = CaseTask(case=case, steps=steps[domain], output=work / "memory" / "prepared")
        peaks[what] = peak_above_interpreter(prepare_or_raise, task)
    volume = slices * side * side * BYTES_OF_FLOAT
    return [
        Measurement(
            name=f"memory to {what}, {side} x {side} x {slices}, against its float32 volume",
            peak_bytes=peak,
            baseline_peak_bytes=volume,
            agreement=f"{peak / volume:.1f} times the float32 volume",
            target="under 6 times",
        )
        for what, peak in peaks.items()
    ]


def _case(work: Path, domain: str, *, slices: int, side: int) -> Case:
    name = f"{domain}_large"
    path = write_large_scan(domain, work / f"{name}.nii.gz", slices=slices, side=side, seed=SEED)
    return Case(
        case=name, patient=name, domain=domain, image=path, label=None, mask=None, pair=None, split="train"
    )
