"""Measurements as a table that people read."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.benchmarks.measurement import Measurement

HEADINGS = ("measured", "ours", "baseline", "times faster", "agreement", "target", "runs")
MEBIBYTE = 1 << 20


def as_markdown(measurements: Sequence[Measurement]) -> str:
    """Table in Markdown.

    Args:
        measurements: its rows.
    """
    rows = [HEADINGS, tuple("---" for _ in HEADINGS), *(_row(entry) for entry in measurements)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _row(entry: Measurement) -> tuple[str, ...]:
    of_memory = entry.seconds is None
    ours = _size(entry.peak_bytes) if of_memory else _time(entry.seconds)
    baseline = _size(entry.baseline_peak_bytes) if of_memory else _time(entry.baseline_seconds)
    ratio = "" if entry.ratio is None else f"{entry.ratio:.2f}"
    return (entry.name, ours, baseline, ratio, entry.agreement, entry.target, str(entry.repeats))


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3g} s"


def _size(count: int | None) -> str:
    return "" if count is None else f"{count / MEBIBYTE:.0f} MiB"
