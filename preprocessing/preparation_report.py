"""What became of a cohort's preparation, for the caller and, without paths, for a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from preprocessing.atomic import write_text_atomically
from preprocessing.case_preparation import CaseResult
from preprocessing.cohort import Case, Cohort
from preprocessing.landmarks import landmarks_path
from preprocessing.prepared_files import OVERVIEW_FOLDER
from preprocessing.provenance import Provenance

REPORT_NAME = f"{OVERVIEW_FOLDER}/report.json"
"""The report's file in the folder of a prepared cohort."""

_PATH = re.compile(r"(?:/[^\s/:;,'\"]+)+/?")


@dataclass(frozen=True, kw_only=True)
class PairVerdict:
    """What registration said of two cases.

    Args:
        case: the moving one.
        fixed: the one it was brought onto.
        verdict: accept, review or reject; only accepted ones are a pair in the table.
        reasons: for the verdict.
    """

    case: str
    fixed: str
    verdict: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PreparationReport:
    """What became of a cohort.

    Args:
        prepared: names of the cases written now.
        unchanged: names of the cases that stood already.
        failed: name and reason of every case that could not be prepared.
        pairs: what registration said, of every candidate that was registered.
    """

    prepared: tuple[str, ...]
    unchanged: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    pairs: tuple[PairVerdict, ...] = ()


def report_of(results: Iterable[CaseResult], pairs: Iterable[PairVerdict]) -> PreparationReport:
    """Gather results.

    Args:
        results: of every case, in the order of the table.
        pairs: what registration said.
    """
    listed = list(results)
    return PreparationReport(
        prepared=tuple(result.case for result in listed if result.state == "prepared"),
        unchanged=tuple(result.case for result in listed if result.state == "unchanged"),
        failed=tuple((result.case, result.message) for result in listed if result.state == "failed"),
        pairs=tuple(pairs),
    )


def pair_verdict(record: Provenance, *, fixed: str) -> PairVerdict:
    """Return what the record of a registered case says.

    Args:
        record: of the moving case.
        fixed: name of the case it was brought onto.
    """
    note = record.notes.get("registration")
    note = note if isinstance(note, Mapping) else {}
    reasons = note.get("reasons", ())
    listed: Sequence[object] = reasons if isinstance(reasons, list | tuple) else [reasons]
    return PairVerdict(
        case=record.case,
        fixed=fixed,
        verdict=str(note.get("verdict")),
        reasons=tuple(str(reason) for reason in listed),
    )


def write_report(folder: Path, report: PreparationReport, cohort: Cohort) -> None:
    """Write what failed and what was registered as JSON, without paths: they may name patients.

    Args:
        folder: of the prepared cohort.
        report: what to write.
        cohort: the sources.
    """
    content = {
        "failed": [
            {
                "case": name,
                "domain": cohort[name].domain,
                "split": cohort[name].split,
                "reason": without_paths(message, cohort[name]),
            }
            for name, message in report.failed
        ],
        "pairs": [asdict(pair) for pair in report.pairs],
    }
    write_text_atomically(folder / REPORT_NAME, json.dumps(content, indent=2, sort_keys=True) + "\n")


def without_paths(message: str, case: Case) -> str:
    """Message without the paths in it.

    Args:
        message: about a case.
        case: whose files may be named.
    """
    files = (case.image, case.label, case.mask, landmarks_path(case.image))
    # By name, too: what has a space in it is no path for a pattern.
    named = {text for path in files if path is not None for text in (str(path), path.name, str(path.parent))}
    for text in sorted(named, key=len, reverse=True):
        message = message.replace(text, "(file)")
    return _PATH.sub("(file)", message)
