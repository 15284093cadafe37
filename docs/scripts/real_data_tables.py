"""What became of every source, as tables for the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import SimpleITK as sitk
from real_data_run import Outcome, table
from real_data_sources import DCM2NIIX, ITSELF, SOURCES


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def main_table(outcomes: Sequence[Outcome], data: Path) -> str:
    """One row for each source, or for sources of one kind that came out alike."""
    rows = []
    for source in SOURCES:
        own = [outcome for outcome in outcomes if outcome.source is source]
        if own:
            rows.append(
                (
                    f"`{source.place}`" + (f" ({len(own)})" if len(own) > 1 else ""),
                    source.what,
                    _came_out(own),
                    _compared_with(own, data),
                    *_differences(own),
                    _verdict(own),
                )
            )
    head = ("source", "what it is", "what came out", "compared with", "corners, mm", "voxels", "verdict")
    return markdown(head, rows)


def _came_out(own: Sequence[Outcome]) -> str:
    refused = [outcome.rejected["reason"] for outcome in own if outcome.rejected]
    if refused:
        return "refused: " + ", ".join(f"`{reason}`" for reason in refused)
    images = [sitk.ReadImage(str(outcome.image)) for outcome in own if outcome.image]
    texts = [
        f"{_times(map(str, image.GetSize()))} of {_times(f'{step:.4g}' for step in image.GetSpacing())} mm"
        for image in images
    ]
    different = sorted(set(texts))
    return different[0] if len(different) == 1 else f"{len(different)} sizes, such as {different[0]}"


def _times(numbers: Iterable[str]) -> str:
    return "x".join(numbers)


def _compared_with(own: Sequence[Outcome], data: Path) -> str:
    reference = own[0].source.reference
    if not any(outcome.comparison for outcome in own):
        return ""
    if reference in (DCM2NIIX, ITSELF):
        return f"{reference}, read by NiBabel" if reference == ITSELF else f"{reference}, run now"
    return f"`{Path(own[0].source.reference_of(own[0].path, data)).relative_to(data)}`"


def _differences(own: Sequence[Outcome]) -> tuple[str, str]:
    found = [outcome.comparison for outcome in own if outcome.comparison]
    if not found:
        return "", ""
    voxels = max(item.voxels for item in found)
    share = max(item.share for item in found)
    rows = max(item.edge_rows for item in found)
    text = f"{voxels:.1g}" if voxels < 1 else f"{voxels:g}"
    if share:
        text += f"; {share:.2%} by over 1, in at most {rows} rows at the edge"
    return f"{max(item.corners_mm for item in found):.1g}", text


def _verdict(own: Sequence[Outcome]) -> str:
    if not all(outcome.right for outcome in own):
        return "**wrong**"
    if own[0].source.expected:
        return "expected refusal"
    if any(outcome.comparison and outcome.comparison.squared for outcome in own):
        return "right: the axes of one file are not at right angles, and were put so"
    return "right"


def repaired_table(outcomes: Sequence[Outcome], imported: Path) -> str:
    """What --repair makes of what was refused."""
    rows = []
    for outcome in outcomes:
        if outcome.image is None or outcome.comparison is None:
            rows.append((f"`{outcome.source.place}`", "still refused", "", "", "", "**wrong**"))
            continue
        series = {row["image"]: row for row in table(imported / "series.csv")}
        told = series[outcome.image.relative_to(imported).as_posix()]["warnings"]
        rows.append(
            (
                f"`{outcome.source.place}`",
                _came_out([outcome]),
                told,
                *_differences([outcome]),
                "right" if outcome.comparison.right else "**wrong**",
            )
        )
    return markdown(("source", "what came out", "warnings", "corners, mm", "voxels", "verdict"), rows)


def rejected_table(imported: Path) -> str:
    """The rows of rejected.csv."""
    head = ("files", "image", "reason", "message")
    return markdown(head, [[row[name] for name in head] for row in table(imported / "rejected.csv")])
