"""Run import, cohort, prepare and register over the whole folder of real scans; write the page and picture.

Example: python docs/scripts/real_data_page.py ../shared/data --work runs/real
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from contact_sheet import draw_sheet
from real_data_cohorts import prepared_table, registered_table
from real_data_run import PATIENTS, Outcome, Session, table
from real_data_sources import SOURCES
from real_data_tables import main_table, rejected_table, repaired_table

from pipelines.model.environment import revision

DOCS = Path(__file__).resolve().parents[1]

SHOWN = {
    "tilted head CT": "dcm_qa_ct/philips_tilt_minus18.5",
    "CT from DICOM": "totalsegmentator/example_ct_dicom",
    "CT": "totalsegmentator/example_ct.nii.gz",
    "abdomen MR": "totalsegmentator/example_mr_sm.nii.gz",
    "T1": "open_ms/patient03/study2_T1W.nii.gz",
    "T2": "open_ms/patient03/study2_T2W.nii.gz",
    "T1 brain alone": "volume_rendering_stroke/T1.nii.gz",
    "mosaic": "dcm_qa_ts/In/1.dcm",
    "12 bits": "dcm_qa_12bit/In/12bitUnsigned.dcm",
    "multi-frame": "dicom2nifti/siemens_multiframe/001",
}
"""Volumes in the picture."""


PAGE = """# Real scans

All of the shared real scans in one go: {files} files from public repositories, with their licences in the
folder's own list. {counts}

{verdict} Corners may differ by 0.001 mm. Voxels must be equal (to 1e-5 of the largest value, where both
sides turn 16-bit values into 32-bit floats). Where slices were shifted upright or interpolated, both
programs round: those may differ by 1, and by more in the outermost rows of a slice, which dcm2niix makes a
pixel longer on one side.

{main}

## Refused

`rejected.csv`, without its hashed names:

{rejected}

With `--repair`:

{repaired}

{picture}## Prepared

Files other than DICOM say nothing of themselves. A person who knows them wrote a column `content` into
`series.csv`; the rules use it beside the columns of the import. "Covers" is the share of the recipe's box
that the scan fills. The implant is real: a nail and screw in the left femur of the CT from abdomen to hips.

{prepared}

## Registered

T2 onto T1 of one patient, rigid, without landmarks. "Moved by" and "error" are means over the head against
the truth: the transforms supplied with the open MS data, which are registrations themselves; for `stroke`,
whose scans lie on one grid, none.

{registered}

## What is weak

- The box of a recipe is made for a full scan of its region; these scans are short or small, and cover a
  part of it.
- No pelvic MR is here, and no MR and CT of one patient: those are shown on the
  [phantom](../howto/dicom_cohort.md) alone.
- The pixels of `dicom2nifti` are scrambled, and its stacks have 4 to 8 slices: geometry and encodings are
  tried there, not anatomy.
- One tilted scanner, one missing slice, one multi-frame object: the ways of other makers are covered by
  written headers in the tests only.
- Equal to dcm2niix means that two programs agree. Where a reference volume exists, it is named.

## Commands

DATA is the folder of scans.

```sh
{commands}
```

Made by `python docs/scripts/real_data_page.py DATA`, revision {revision}, {system}, {cores} cores, {date}.
"""


CAPTION = """![Ten imported volumes in three planes](../images/{picture})

Middle slices of imported volumes: axial, coronal, sagittal; the patient's right on the left. Yellow is the
edge of the body mask. CT from -160 to 240 HU. Pixels are in true proportion. In the tilted head CT, a
phantom, the right angle between rod and slab (sagittal) shows that the tilt is corrected. The pixels of the
multi-frame object were scrambled by its authors. The masks of the mosaics, echo-planar scans, take up ghosts.

"""


def write_page(session: Session, page: Path, picture: Path | None) -> bool:
    """Run everything and write the page; says whether all came out right."""
    data, work = session.data, session.work
    report = session.run("import", data, work / "imported", "--patient", PATIENTS).results
    session.run("import", data, work / "repaired", "--patient", PATIENTS, "--repair")
    outcomes = session.outcomes(work / "imported")
    strangers = session.leftovers(work / "imported")
    repaired = session.outcomes(work / "repaired", [source for source in SOURCES if source.expected])
    right = not strangers and all(outcome.right for outcome in outcomes)
    right = right and all(outcome.comparison and outcome.comparison.right for outcome in repaired)
    whole = (data / "open_ms").is_dir()
    texts = {
        "main": main_table(outcomes, data),
        "rejected": rejected_table(work / "imported"),
        "repaired": repaired_table(repaired, work / "repaired"),
        "prepared": prepared_table(session, outcomes) if whole else "No heads are here.",
        "registered": registered_table(session, outcomes) if whole else "No heads are here.",
        "picture": draw(outcomes, data, picture) if picture else "",
    }
    refused = len(table(work / "imported" / "rejected.csv"))
    text = PAGE.format(
        files=sum(path.is_file() for path in data.rglob("*")),
        counts=f"Volumes: {report['imported']}. Refused: {refused}. "
        f"Licences, texts and transforms, passed over: {report['ignored_files']}.",
        verdict="Every volume and every refusal is right." if right else f"**Not all is right.** {strangers}",
        commands="\n".join(done.line + ("   # exit code 1" if done.code else "") for done in session.done),
        revision=revision() or "unknown",
        system=platform.platform(),
        cores=len(os.sched_getaffinity(0)),
        date=datetime.now(UTC).date(),
        **texts,
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text.replace("\n\n\n", "\n\n"), encoding="utf-8")
    return right


def draw(outcomes: Sequence[Outcome], data: Path, picture: Path) -> str:
    """Draw the picture, and return the lines that show it."""
    images = {outcome.path.relative_to(data).as_posix(): outcome.image for outcome in outcomes}
    volumes = {
        title: (image, title.upper().find("CT") >= 0)
        for title, place in SHOWN.items()
        if (image := images.get(place)) is not None
    }
    draw_sheet(volumes, picture)
    return CAPTION.format(picture=picture.name)


def main() -> int:
    """Write docs/results/real_data.md and docs/images/real_data.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("CYCLEVOX_DATA"))
    parser.add_argument("--work", type=Path, default=Path("runs/real_data"), help="folder to work in")
    parser.add_argument("--docs", type=Path, default=DOCS, help="documentation folder to write to")
    arguments = parser.parse_args()
    if arguments.data is None or not arguments.data.is_dir():
        parser.error("expected the folder of scans as DATA or in CYCLEVOX_DATA, found none")
    session = Session(data=arguments.data.resolve(), work=arguments.work.resolve())
    session.work.mkdir(parents=True, exist_ok=True)
    page, picture = (arguments.docs / place for place in ("results/real_data.md", "images/real_data.png"))
    return 0 if write_page(session, page, picture) else 1


if __name__ == "__main__":
    raise SystemExit(main())
