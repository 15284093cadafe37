"""Cohorts of the real scans, prepared; and heads registered, against the transforms supplied with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from real_data_run import Outcome, Session, table
from real_data_tables import markdown

from pipelines.studies.open_ms import head_patients, t1_to_t2
from preprocessing.body_mask import BodyMask
from preprocessing.registration.transform_io import read_transform
from preprocessing.scan import Scan
from preprocessing.volume import read_volume

COHORTS = {
    "heads": (
        ("recipes/brain", "fixed_t1.json"),
        {
            "t1": 'description.str.contains("T1W") or content == "brain t1"',
            "t2": 'description.str.contains("T2W") or content == "brain t2"',
            "ct": 'modality == "CT" and body_part == "BRAIN"',
        },
    ),
    "trunk": (
        ("recipes/abdomen",),
        {
            "mr": 'content == "abdomen mr"',
            "ct": 'modality == "CT" and body_part != "BRAIN" or content == "abdomen ct"',
        },
    ),
    "hip": (("recipes/hip",), {"ct": 'content == "hip ct"'}),
}
"""By name: recipes, and the rule of each domain."""


def prepared_table(session: Session, outcomes: Sequence[Outcome]) -> str:
    """Prepare each cohort, and tell what became of every case."""
    session.work.joinpath("fixed_t1.json").write_text('{"fixed": "t1"}\n')
    told = session.tell_content(session.work / "imported", outcomes)
    places = {outcome.image: outcome.path.relative_to(session.data).as_posix() for outcome in outcomes}
    rows: list[Sequence[str]] = []
    for name, (recipes, rules) in COHORTS.items():
        chosen = [part for domain, rule in rules.items() for part in ("--domain", f"{domain}={rule}")]
        session.run("cohort", told, session.work / name, *chosen, *(["--pairs"] if name == "heads" else []))
        files = [session.work / recipe if recipe.endswith(".json") else recipe for recipe in recipes]
        out = session.work / f"{name}_prepared"
        laid = [part for file in files for part in ("--recipe", file)]
        failed = session.run("prepare", session.work / name, out, *laid).results["failed"]
        # Sorted by source: pseudonyms differ from run to run.
        rows += sorted(
            (
                name,
                case["domain"],
                f"`{places.get((session.work / name / case['image']).resolve(), '?')}`",
                *_prepared(out, case["case"], failed),
            )
            for case in table(session.work / name / "cohort.csv")
        )
    return markdown(("cohort", "domain", "source", "state", "covers", "registered", "warnings"), rows)


def _prepared(out: Path, case: str, failed: dict[str, str]) -> tuple[str, str, str, str]:
    if case in failed:
        return "failed: " + failed[case].rsplit(".nii.gz: ", 1)[-1], "", "", ""
    record = json.loads((out / f"{case}.json").read_text())
    notes = record["notes"]
    fraction = notes.get("coverage", {}).get("fraction")
    registration = notes.get("registration", {})
    # Coverage and verdict have columns of their own, and the warnings on them name pseudonyms.
    others = [
        text for text in record["warnings"] if not text.startswith(("the scan covers", "registration onto"))
    ]
    return (
        "prepared",
        "" if fraction is None else f"{fraction:.0%}",
        ": ".join(
            filter(None, [registration.get("verdict", ""), "; ".join(registration.get("reasons", ()))])
        ),
        "; ".join(others),
    )


def registered_table(session: Session, outcomes: Sequence[Outcome]) -> str:
    """Register each head's T2 onto its T1, and tell the error against the transforms supplied with them."""
    images = {outcome.path: outcome.image for outcome in outcomes}
    truths: list[tuple[str, Path, Path, sitk.Transform]] = [
        (patient.name, patient.t1, patient.t2, t1_to_t2(patient))
        for patient in head_patients(session.data / "open_ms")
        if patient.t2 is not None
    ]
    stroke = session.data / "volume_rendering_stroke"
    truths.append(
        ("stroke", stroke / "T1.nii.gz", stroke / "T2.nii.gz", sitk.Transform(3, sitk.sitkIdentity))
    )
    rows = []
    for name, t1, t2, truth in truths:
        fixed, moving = images[t1], images[t2]
        assert fixed is not None
        assert moving is not None
        out = session.work / "registered" / name
        done = session.run("register", fixed, moving, out)
        # Pseudonyms differ from run to run.
        session.done[-1] = replace(
            done, line=f"cyclevox register T1_OF_{name.upper()} T2_OF_{name.upper()} runs/registered/{name}"
        )
        head = head_points(fixed)
        before = distances(head, truth.TransformPoint, lambda point: point)
        after = distances(head, truth.TransformPoint, read_transform(out / "transform.tfm").TransformPoint)
        rows.append(
            (
                name,
                f"{before.mean():.2f}",
                f"{after.mean():.2f}",
                f"{after.max():.2f}",
                done.results["verdict"],
            )
        )
    return markdown(("patient", "moved by, mm", "error, mm", "largest, mm", "verdict"), rows)


def head_points(image: Path) -> np.ndarray:
    """Points inside a head, LPS mm."""
    mask = BodyMask()(Scan(image=read_volume(image))).mask
    assert mask is not None
    index = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)[::499, ::-1]
    return np.array([mask.TransformIndexToPhysicalPoint(place) for place in index.tolist()])


def distances(
    points: np.ndarray, one: Callable[..., Sequence[float]], other: Callable[..., Sequence[float]]
) -> np.ndarray:
    """Distances in mm between where two maps bring points."""
    ends = [np.array([way(point) for point in points.tolist()]) for way in (one, other)]
    return np.asarray(np.linalg.norm(ends[0] - ends[1], axis=1))
