"""Pictures in rows: one kind of image per row, one slice or one patient per column."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from evaluation.arrays import Plane, Spacing, axis_of
from evaluation.figures.display import displayed, draw_scale_bar, draw_sides, pixel_size, slice_indices
from evaluation.figures.picture_row import PictureRow, PlainRow
from preprocessing.intensity_window import IntensityWindow

PANEL_INCHES = 2.1
"""Width of one panel."""

DOTS_PER_INCH = 150


def picture_rows(
    rows: Sequence[PictureRow | PlainRow],
    *,
    plane: Plane,
    spacing: Spacing,
    path: Path,
    title: str,
    slices: Sequence[int] | None = None,
    fractions: Sequence[float] | None = None,
    columns: Sequence[str] | None = None,
) -> None:
    """Draw rows of slices in radiological display and write them as an image, whole or not at all.

    Args:
        rows: kinds of image, from above.
        plane: plane of the slices.
        spacing: mm along R, A, S, the same for all volumes.
        path: file to write; its ending says the format (.png, .svg, .pdf).
        title: of the picture.
        slices: place in the stack for each column.
        fractions: instead of `slices`, fraction of the stack for each column: 0 first, 1 last.
        columns: heads of the columns, such as patients; else the slices' places are written.

    Raises:
        ValueError: there is nothing to draw, or rows and columns do not match.
    """
    grid = [row if isinstance(row, PictureRow) else _plain(row) for row in rows]
    places = _places(grid, plane, slices, fractions)
    heads = columns if columns is not None else [f"slice {place}" for place in places]
    _check(grid, heads, len(places))
    first = displayed(grid[0].volume(0), plane, places[0])
    width, height = pixel_size(plane, spacing)
    shape = first.shape[0] * height / (first.shape[1] * width)
    figure = _figure(len(grid), len(places), shape)
    panels = figure.subplots(len(grid), len(places), squeeze=False, gridspec_kw=_MARGINS)
    for row, line in zip(grid, panels, strict=True):
        images = [
            _draw(axes, row, column, displayed(row.volume(column), plane, place), plane, (width, height))
            for column, (axes, place) in enumerate(zip(line, places, strict=True))
        ]
        _label(line, row, images[-1])
    for axes, head in zip(panels[0], heads, strict=True):
        axes.set_title(head, fontsize=8)
    figure.suptitle(title, fontsize=10)
    _save(figure, path)


_MARGINS = {"wspace": 0.02, "hspace": 0.02}


def _draw(
    axes: Axes, row: PictureRow, column: int, picture: np.ndarray, plane: Plane, pixel: tuple[float, float]
) -> AxesImage:
    window = row.window(column)
    image = axes.imshow(
        picture,
        cmap=row.colours,
        vmin=window.low,
        vmax=window.high,
        aspect=pixel[1] / pixel[0],
        interpolation="nearest",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    if column == 0:
        draw_sides(axes, plane)
    draw_scale_bar(axes, width=picture.shape[1], height=picture.shape[0], pixel_width=pixel[0])
    return image


def _label(line: Sequence[Axes], row: PictureRow, image: AxesImage) -> None:
    windows = [_text(row.window(column)) for column in range(len(line))]
    same = len(set(windows)) == 1
    line[0].set_ylabel(f"{row.title}\n{windows[0]}" if same else row.title, fontsize=8)
    if row.colour_bar:
        place = line[-1].inset_axes((1.03, 0.05, 0.05, 0.9))
        bar = Colorbar(place, image)
        bar.ax.tick_params(labelsize=6.5)
        bar.set_label(row.window(0).unit, fontsize=7)
    if not same:
        for axes, text in zip(line, windows, strict=True):
            axes.text(0.02, 0.02, text, transform=axes.transAxes, fontsize=6, color="white", va="bottom")


def _text(window: IntensityWindow) -> str:
    return f"{window.low:.4g} to {window.high:.4g} {window.unit}"


def _plain(row: PlainRow) -> PictureRow:
    title, volumes, windows = row
    return PictureRow(title=title, volumes=volumes, windows=windows)


def _places(
    grid: Sequence[PictureRow], plane: Plane, slices: Sequence[int] | None, fractions: Sequence[float] | None
) -> list[int]:
    if not grid or (slices is None) == (fractions is None):
        raise ValueError("picture: expected at least one row, and either `slices` or `fractions`")
    if slices is not None:
        return list(slices)
    return slice_indices(grid[0].volume(0).shape[axis_of(plane)], list(fractions or ()))


def _check(grid: Sequence[PictureRow], heads: Sequence[str], columns: int) -> None:
    if columns == 0 or len(heads) != columns:
        raise ValueError(f"picture: expected a head for each of {columns} columns, found {len(heads)}")
    for row in grid:
        for name, items in (("volumes", row.volumes), ("windows", row.windows)):
            if not isinstance(items, (np.ndarray, IntensityWindow)) and len(items) != columns:
                raise ValueError(
                    f"row {row.title!r}: expected {columns} {name}, one a column, found {len(items)}"
                )


def _figure(rows: int, columns: int, shape: float) -> Figure:
    size = (columns * PANEL_INCHES + 1.0, rows * PANEL_INCHES * shape + 0.7)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        figure.savefig(beside, bbox_inches="tight", pad_inches=0.08)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
