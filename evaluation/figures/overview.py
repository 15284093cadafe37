"""A page for looking over a prepared cohort: every case in small pictures, what needs attention first."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from preprocessing.atomic import write_text_atomically
from preprocessing.cohort import Case, read_cohort
from preprocessing.preparation_report import REPORT_NAME
from preprocessing.prepared_files import PreparedFiles
from preprocessing.provenance import read_provenance, record_path

PAGE_NAME = "overview.html"
"""The page's file in the folder of the cohort."""

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Prepared cohort</title>
<style>
body { margin: 1rem; background: #16181d; color: #d8dbe2; font: 13px/1.35 system-ui, sans-serif; }
h1 { font-size: 1.2rem; } h2 { font-size: 1rem; margin: 1.4rem 0 .5rem; }
a { color: #8ab4f8; margin-right: 1em; }
main { display: grid; gap: 8px; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); }
figure { margin: 0; padding: 6px; background: #23262e; border-left: 4px solid #3f7d58; }
figure.warning { border-color: #ffb000; }
figure img { display: block; height: 128px; max-width: 100%; background: #000; }
figure.pair { justify-self: start; } figure.pair img { margin-left: auto; }
figcaption { padding-top: 4px; overflow-wrap: anywhere; }
figcaption span { color: #9aa0ac; } figcaption p { margin: 2px 0 0; color: #ffcf66; }
table { border-collapse: collapse; } td { padding: 2px 12px 2px 0; vertical-align: top; }
td:first-child { white-space: nowrap; color: #ff8a80; font-weight: 600; }
</style>
</head>
<body>
<h1>Prepared cohort</h1>
<p>The middle slice of each source, of what was prepared from it, and the same with the body mask's edge.</p>
<nav>$links</nav>
$sections
</body>
</html>
""")


def write_overview(folder: Path | str) -> Path:
    """Write the page of a cohort that `cyclevox prepare` prepared, and return its path.

    It names cases, domains and splits, but no patient and no source file. It loads nothing but its own small
    pictures, each when it comes into view, so that a thousand cases open at once.

    Args:
        folder: of the prepared cohort.

    Raises:
        CohortError: if there is no table.
    """
    folder = Path(folder).absolute()
    report = _read_report(folder)
    cards: dict[bool, list[str]] = {True: [], False: []}
    for case in read_cohort(folder, check_files=False):
        warnings = _warnings(case)
        cards[bool(warnings)].append(_card(case, folder, warnings))
    refused = [pair for pair in report["pairs"] if pair["verdict"] != "accept"]
    sections = {
        "Failed": [_failed_row(failure) for failure in report["failed"]],
        "Registrations not accepted": [_pair_card(pair, folder) for pair in refused],
        "Prepared with warnings": cards[True],
        "Prepared": cards[False],
    }
    shown = {title: parts for title, parts in sections.items() if parts}
    page = _PAGE.substitute(
        links="".join(_link(title, len(parts)) for title, parts in shown.items()),
        sections="\n".join(_section(title, parts) for title, parts in shown.items()),
    )
    write_text_atomically(folder / PAGE_NAME, page)
    return folder / PAGE_NAME


def _read_report(folder: Path) -> Mapping[str, Any]:
    try:
        report: dict[str, Any] = json.loads((folder / REPORT_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # A cohort prepared before there were reports can be looked over all the same.
        return {"failed": [], "pairs": []}
    return report


def _warnings(case: Case) -> tuple[str, ...]:
    try:
        return tuple(read_provenance(record_path(case.image)).warnings)
    except (OSError, ValueError):
        return ("no record of its preparation stands beside it",)


def _card(case: Case, folder: Path, warnings: Sequence[str]) -> str:
    kind = ' class="warning"' if warnings else ""
    pair = f" · pair {escape(case.pair)}" if case.pair else ""
    about = f"<b>{escape(case.case)}</b> <span>{escape(case.domain)} · {escape(case.split)}{pair}</span>"
    told = "".join(f"<p>{escape(warning)}</p>" for warning in warnings)
    return f"<figure{kind}>{_image(case.case, folder)}<figcaption>{about}{told}</figcaption></figure>"


def _pair_card(pair: Mapping[str, Any], folder: Path) -> str:
    """Both scans, the fixed one above: they lie on one grid, so what differs between them can be seen."""
    images = "".join(_image(pair[role], folder) for role in ("fixed", "case"))
    about = (
        f"<b>{escape(pair['case'])}</b> <span>onto {escape(pair['fixed'])}: {escape(pair['verdict'])}</span>"
    )
    told = f"<p>{escape('; '.join(pair['reasons']))}</p>"
    return f'<figure class="warning pair">{images}<figcaption>{about}{told}</figcaption></figure>'


def _image(case: str, folder: Path) -> str:
    picture = PreparedFiles(folder, case).picture
    if not picture.exists():
        return "<p>no picture</p>"
    address = quote(picture.relative_to(folder).as_posix())
    return f'<img loading="lazy" height="128" alt="{escape(case)}" src="{address}">'


def _failed_row(failure: Mapping[str, str]) -> str:
    texts = (failure["case"], f"{failure['domain']} · {failure['split']}", failure["reason"])
    return "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in texts) + "</tr>"


def _link(title: str, count: int) -> str:
    return f'<a href="#{_anchor(title)}">{escape(title)}: {count}</a>'


def _section(title: str, parts: Sequence[str]) -> str:
    kind = "table" if parts[0].startswith("<tr>") else "main"
    content = "\n".join(parts)
    return f'<h2 id="{_anchor(title)}">{escape(title)}: {len(parts)}</h2>\n<{kind}>\n{content}\n</{kind}>'


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
