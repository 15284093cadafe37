"""All measurements of preprocessing, in the order of the published table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.benchmarks.bias_field import measure_bias_field
from pipelines.benchmarks.dicom_import import measure_import
from pipelines.benchmarks.measurement import Measurement
from pipelines.benchmarks.peak_memory import measure_memory
from pipelines.benchmarks.throughput import measure_throughput


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How large the measured cases are.

    Args:
        import_slices: of the series that is imported.
        import_side: pixels along a side of its slices.
        import_repeats: runs of each import.
        mr_side: pixels along a side of a slice of the MR for N4.
        large_slices: of the scans that memory is measured on.
        large_side: pixels along a side of their slices.
        patients: MR of the cohort that is prepared, and as many CT.
        cohort_side: pixels along a side of its MR slices.
    """

    import_slices: int
    import_side: int
    import_repeats: int
    mr_side: int
    large_slices: int
    large_side: int
    patients: int
    cohort_side: int


FULL = Sizes(
    import_slices=54,
    import_side=512,
    import_repeats=7,
    mr_side=256,
    large_slices=200,
    large_side=512,
    patients=6,
    cohort_side=256,
)
"""The sizes of the published table."""
QUICK = Sizes(
    import_slices=4,
    import_side=64,
    import_repeats=1,
    mr_side=32,
    large_slices=50,
    large_side=64,
    patients=1,
    cohort_side=32,
)
"""Toy sizes, on which everything runs and no number says anything."""


def measure_preprocessing(work: Path, *, quick: bool) -> list[Measurement]:
    """Measure import, N4, memory and throughput against their baselines.

    Args:
        work: a folder for what is measured on, and what is made of it.
        quick: whether at toy sizes.
    """
    sizes = QUICK if quick else FULL
    return [
        *measure_import(
            work / "import",
            slices=sizes.import_slices,
            side=sizes.import_side,
            repeats=sizes.import_repeats,
        ),
        measure_bias_field(work / "bias_field", size=sizes.mr_side, repeats=1),
        *measure_memory(work, slices=sizes.large_slices, side=sizes.large_side),
        measure_throughput(work / "throughput", patients=sizes.patients, size=sizes.cohort_side),
    ]
