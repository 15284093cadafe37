"""The picture of a prepared cohort's area profiles: where domains agree, their bands lie on each other."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from evaluation.figures.sheet import DOTS_PER_INCH, save
from preprocessing.area_profile import area_profile
from preprocessing.area_summary import profile_overlaps, profile_text, summarise_profile
from preprocessing.atomic import write_text_atomically
from preprocessing.cohort import read_cohort
from preprocessing.prepared_files import OVERVIEW_FOLDER

NAME = f"{OVERVIEW_FOLDER}/area_profile"
"""The table (.csv) and the picture (.png) in the folder of a prepared cohort."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Told apart with any colour vision (Okabe and Ito)."""


def write_area_profiles(
    folder: Path | str,
    *,
    plane: str = "coronal",
    step_mm: float = 8.0,
    bone_labels: Mapping[str, Collection[int]] | None = None,
) -> str:
    """Write a prepared cohort's area profiles as table and picture, and return them as text to be printed.

    Args:
        folder: of the prepared cohort.
        plane: sagittal, coronal or axial: of its slices.
        step_mm: distance between the positions of the text.
        bone_labels: by domain, the label values that are bone; an MR shows its bone by no threshold.

    Raises:
        CohortError: if the folder holds no cohort.
        VolumeError: if a mask or image cannot be used.
    """
    profile = area_profile(read_cohort(folder), plane=plane, bone_labels=bone_labels)
    path = Path(folder) / f"{NAME}.csv"
    write_text_atomically(path, profile.round(3).to_csv(index=False))
    if not profile.empty:
        draw_area_profiles(profile, path.with_suffix(".png"), plane=plane)
    return profile_text(profile, plane=plane, step_mm=step_mm)


def draw_area_profiles(profile: pd.DataFrame, path: Path, *, plane: str, step_mm: float = 4.0) -> None:
    """Draw median and quartiles of body and bone area along the stack, a colour for each domain.

    Args:
        profile: as `area_profile` returns it.
        path: file to write; its ending says the format (.png, .svg, .pdf).
        plane: of its slices.
        step_mm: distance between positions.
    """
    structures = sorted(profile["structure"].unique())
    figure = Figure(figsize=(4.6 * len(structures), 3.2), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    summary = summarise_profile(profile, step_mm=step_mm)
    axis = {"sagittal": "right", "coronal": "front", "axial": "head"}[plane]
    origins = " or ".join(sorted(profile["origin"].unique()))
    for number, structure in enumerate(structures):
        axes = figure.add_subplot(1, len(structures), number + 1)
        _draw(axes, summary[summary["structure"] == structure])
        told = [
            f"{one}/{other}: overlap {overlap:.0%}"
            for (one, other), overlap in profile_overlaps(profile, structure=structure).items()
        ]
        axes.set_title(f"{structure} in {plane} slices  " + ", ".join(told), fontsize=9)
        axes.set_xlabel(f"mm towards the {axis} from the {origins}", fontsize=8)
        axes.set_ylabel("cm\u00b2, median and quartiles", fontsize=8)
    save(figure, path)


def _draw(axes: Axes, summary: pd.DataFrame) -> None:
    for (domain, part), colour in zip(summary.groupby("domain"), COLOURS * len(summary), strict=False):
        axes.plot(part["position_mm"], part["median"], color=colour, label=str(domain))
        axes.fill_between(part["position_mm"], part["lower"], part["upper"], color=colour, alpha=0.25)
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=8)
