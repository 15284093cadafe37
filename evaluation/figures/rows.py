"""Pictures in rows: one kind of image per row, one slice or one patient per column."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.image import AxesImage

from evaluation.arrays import Plane, Spacing, axis_of
from evaluation.figures.display import (
    displayed,
    draw_note,
    draw_scale_bar,
    draw_sides,
    pixel_size,
    slice_indices,
)
from evaluation.figures.picture_row import PictureRow, PlainRow, error_row
from evaluation.figures.sheet import save, sheet
from preprocessing.intensity_window import IntensityWindow

__all__ = ["PictureRow", "error_row", "picture_rows"]


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
    pixel = pixel_size(plane, spacing)
    first = displayed(grid[0].volume(0), plane, places[0])
    shape = first.shape[0] * pixel[1] / (first.shape[1] * pixel[0])
    figure, panels = sheet(len(grid), len(places), shape=shape, bars=any(row.colour_bar for row in grid))
    for row, line in zip(grid, panels, strict=True):
        pictures = [displayed(row.volume(column), plane, place) for column, place in enumerate(places)]
        images = [
            _draw(axes, picture, row, row.window(column), pixel)
            for column, (axes, picture) in enumerate(zip(line, pictures, strict=True))
        ]
        rows_high, columns_wide = pictures[-1].shape
        draw_scale_bar(line[-1], width=columns_wide, height=rows_high, pixel_width=pixel[0])
        draw_sides(line[0], plane)
        _label(line, row, images[-1])
    for axes, head in zip(panels[0], heads, strict=True):
        axes.set_title(head, fontsize=8, pad=3)
    figure.suptitle(title, fontsize=10, y=1 - 0.06 / figure.get_figheight(), va="top")
    save(figure, path)


def _draw(
    axes: Axes, picture: np.ndarray, row: PictureRow, window: IntensityWindow, pixel: tuple[float, float]
) -> AxesImage:
    axes.set_xticks([])
    axes.set_yticks([])
    return axes.imshow(
        picture,
        cmap=row.colours,
        vmin=window.low,
        vmax=window.high,
        aspect=pixel[1] / pixel[0],
        interpolation="nearest",
    )


def _label(line: Sequence[Axes], row: PictureRow, image: AxesImage) -> None:
    windows = [_text(row.window(column)) for column in range(len(line))]
    same = len(set(windows)) == 1
    lines = row.title + ("\n" + windows[0] if same else "")
    line[0].text(-0.04, 0.5, lines, transform=line[0].transAxes, ha="right", va="center", fontsize=7.5)
    if not same:
        for axes, text in zip(line, windows, strict=True):
            draw_note(axes, text)
    if row.colour_bar:
        bar = Colorbar(line[-1].inset_axes((1.03, 0.05, 0.05, 0.9)), image)
        bar.ax.tick_params(labelsize=6.5)
        bar.set_label(row.window(0).unit, fontsize=7)


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
