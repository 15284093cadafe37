"""A sheet of volumes in three planes, hung the radiological way, with the edge of the body mask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from evaluation.arrays import Plane, canonical_array, canonical_spacing
from evaluation.figures.display import displayed, draw_sides, pixel_size
from preprocessing.body_mask import BodyMask
from preprocessing.scan import Scan
from preprocessing.volume import read_volume

PLANES = get_args(Plane)[::-1]
CT_WINDOW = (-160.0, 240.0)
CT_BODY_HU = -300.0
ACROSS = 2
"""Volumes beside each other."""
PANEL = 1.9
"""Edge of a panel in inches."""
COLOURS = 64
DOTS_PER_INCH = 100


def draw_sheet(volumes: Mapping[str, tuple[Path, bool]], out: Path) -> None:
    """Draw middle slices of volumes; each has a title, a file, and whether it is a CT."""
    down = -(-len(volumes) // ACROSS)
    figure = Figure(figsize=(PANEL * 3 * ACROSS, PANEL * down), facecolor="black", dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(down, 3 * ACROSS, left=0, right=1, bottom=0, top=1, wspace=0.03, hspace=0.03)
    for number, (title, (path, is_ct)) in enumerate(volumes.items()):
        image = read_volume(path)
        mask = BodyMask(threshold=CT_BODY_HU if is_ct else None)(Scan(image=image)).mask
        values, inside = canonical_array(image), canonical_array(mask) > 0
        low, high = CT_WINDOW if is_ct else (0, np.percentile(values[inside], 99.5))
        for column, plane in enumerate(PLANES):
            axes = figure.add_subplot(grid[number // ACROSS, number % ACROSS * 3 + column])
            axes.set_axis_off()
            axes.set_facecolor("black")
            middle = values.shape[get_args(Plane).index(plane)] // 2
            width, height = pixel_size(plane, canonical_spacing(image))
            axes.imshow(
                displayed(values, plane, middle), cmap="gray", vmin=low, vmax=high, aspect=height / width
            )
            axes.contour(displayed(inside, plane, middle), [0.5], colors="gold", linewidths=0.6)
            draw_sides(axes, plane)
            if column == 0:
                style = {"color": "white", "fontsize": 6.5, "va": "top", "weight": "bold"}
                axes.text(0, 1, f"{number + 1} {title}", transform=axes.transAxes, **style)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(out, optimize=True)
