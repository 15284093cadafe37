"""Area profiles of a prepared cohort in short: medians and quartiles by place, and how far domains differ."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
from scipy import stats

SUMMARY_COLUMNS = ("domain", "structure", "position_mm", "cases", "lower", "median", "upper")


def summarise_profile(profile: pd.DataFrame, *, step_mm: float = 8.0) -> pd.DataFrame:
    """Median and quartiles over cases at positions along the stack.

    Args:
        profile: as `area_profile` returns it.
        step_mm: distance between positions; a case's slices nearest to one are averaged.

    Returns:
        A row for each domain, structure and position: cases, lower quartile, median, upper quartile, cm2.
    """
    near = profile.assign(position_mm=(profile["position_mm"] / step_mm).round() * step_mm)
    keys = ["domain", "structure", "position_mm"]
    by_case = near.groupby([*keys, "case"], as_index=False)["area_cm2"].mean()
    areas = by_case.groupby(keys)["area_cm2"]
    parts = {
        "cases": areas.count(),
        "lower": areas.quantile(0.25),
        "median": areas.median(),
        "upper": areas.quantile(0.75),
    }
    return pd.DataFrame(parts).reset_index()[list(SUMMARY_COLUMNS)]


def profile_distances(profile: pd.DataFrame, *, structure: str = "body") -> dict[tuple[str, str], float]:
    """How differently large the structure is in the slices of two domains, 0 alike to 1 apart.

    The Kolmogorov-Smirnov distance between the areas of all slices of the one and of the other, which is what
    an unpaired training draws from.

    Args:
        profile: as `area_profile` returns it.
        structure: "body" or "bone".

    Returns:
        The distance by pair of domains that both have the structure.
    """
    shown = profile[profile["structure"] == structure]
    areas = {str(domain): part["area_cm2"].to_numpy() for domain, part in shown.groupby("domain")}
    return {
        (one, other): float(stats.ks_2samp(areas[one], areas[other]).statistic)
        for one, other in combinations(sorted(areas), 2)
    }


def profile_overlaps(
    profile: pd.DataFrame, *, structure: str = "body", step_mm: float = 8.0
) -> dict[tuple[str, str], float]:
    """How far the median profiles of two domains lie on each other, 1 alike to 0 apart.

    The area under the lower of both profiles over that under the higher one, at the positions that at least
    half of either domain's cases show; 0 if there is none. It says how much a difference weighs, where
    `profile_distances` says how surely there is one.

    Args:
        profile: as `area_profile` returns it.
        structure: "body" or "bone".
        step_mm: distance between positions.

    Returns:
        The overlap by pair of domains that both have the structure.
    """
    summary = summarise_profile(profile[profile["structure"] == structure], step_mm=step_mm)
    most = summary.groupby("domain")["cases"].transform("max")
    summary = summary[summary["cases"] >= most / 2]
    medians = summary.pivot_table(index="position_mm", columns="domain", values="median")
    overlaps = {}
    for one, other in combinations(sorted(map(str, medians.columns)), 2):
        both = medians[[one, other]].dropna()
        highest = float(both.max(axis=1).sum())
        overlaps[one, other] = float(both.min(axis=1).sum()) / highest if highest else 0.0
    return overlaps


def profile_text(profile: pd.DataFrame, *, plane: str, step_mm: float = 8.0) -> str:
    """Table of medians with quartiles by position, and the domains' distances, to be printed.

    Args:
        profile: as `area_profile` returns it.
        plane: of its slices.
        step_mm: distance between positions.
    """
    if profile.empty:
        return "area profile: no prepared case with a body mask"
    summary = summarise_profile(profile, step_mm=step_mm)
    cells = [f"{row.median:.0f} ({row.lower:.0f}-{row.upper:.0f})" for row in summary.itertuples(index=False)]
    heads = summary["domain"] + " " + summary["structure"]
    table = (
        summary.assign(cell=cells, head=heads)
        .pivot_table(index="position_mm", columns="head", values="cell", aggfunc="first")
        .fillna("")
    )
    origins = " or ".join(sorted(profile["origin"].unique()))
    lines = [
        f"area in cm2 of {plane} slices, median (quartiles) over cases, by mm from the {origins}:",
        table.to_string(),
    ]
    for structure in sorted(profile["structure"].unique()):
        overlaps = profile_overlaps(profile, structure=structure, step_mm=step_mm)
        for (one, other), distance in profile_distances(profile, structure=structure).items():
            lines.append(
                f"{structure} of {one} and {other}: median profiles overlap by {overlaps[one, other]:.0%}, "
                f"Kolmogorov-Smirnov distance of the slices' areas {distance:.2f}"
            )
    return "\n".join([*lines, *_without_bone(profile)])


def _without_bone(profile: pd.DataFrame) -> list[str]:
    shown = set(profile.loc[profile["structure"] == "bone", "domain"])
    missing = sorted(set(profile["domain"]) - shown)
    if not missing:
        return []
    return [f"bone of {', '.join(missing)} is not known: name the labels' bone values in bone_labels"]
