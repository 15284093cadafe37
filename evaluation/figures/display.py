"""How a slice is hung: the radiological way, with a scale bar."""

import math
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from jaxtyping import Real
from matplotlib.axes import Axes

from evaluation.arrays import Plane, Spacing, Volume, axis_of

SIDES: dict[Plane, tuple[str, str, str]] = {
    "sagittal": ("A", "P", "H"),
    "coronal": ("R", "L", "H"),
    "axial": ("R", "L", "A"),
}
"""Letters at the left, right and upper edge of a displayed slice."""

BAR_LENGTHS_MM = (5, 10, 20, 50, 100, 200)
"""Scale bars in use; the longest under a third of the slice's width is drawn."""

_RIM = [effects.withStroke(linewidth=3.2, foreground="black")]
_WRITING: dict[str, Any] = {
    "fontsize": 6.5,
    "color": "white",
    "path_effects": [effects.withStroke(linewidth=1.6, foreground="black")],
}


def displayed(volume: Volume, plane: Plane, index: int) -> Real[np.ndarray, "row column"]:
    """Return one slice as it is hung: patient's right (or front) at the image's left, head (or front) up.

    Args:
        volume: array [R, A, S].
        plane: plane of the slice.
        index: its place in the stack.

    Raises:
        ValueError: the volume has no such slice.
    """
    count = volume.shape[axis_of(plane)]
    if not -count <= index < count:
        raise ValueError(f"picture: expected a {plane} slice from 0 to {count - 1}, found {index}")
    # Both remaining axes grow towards the side that is hung left or up, so both are turned round.
    return np.asarray(np.take(volume, index, axis=axis_of(plane))[::-1, ::-1].T)


def pixel_size(plane: Plane, spacing: Spacing) -> tuple[float, float]:
    """Return width and height in mm of a pixel of a displayed slice.

    Args:
        plane: plane of the slice.
        spacing: mm along R, A, S.
    """
    width, height = (step for axis, step in enumerate(spacing) if axis != axis_of(plane))
    return width, height


def draw_scale_bar(axes: Axes, *, width: int, height: int, pixel_width: float) -> None:
    """Draw a bar of a round number of millimetres in the lower right corner.

    Args:
        axes: panel in pixel coordinates of the slice.
        width: columns of the slice.
        height: rows of the slice.
        pixel_width: mm per column.
    """
    limit = width * pixel_width / 3
    length = max((mm for mm in BAR_LENGTHS_MM if mm <= limit), default=BAR_LENGTHS_MM[0])
    right, row = 0.96 * width - 0.5, 0.94 * height - 0.5
    left = right - length / pixel_width
    axes.plot(
        [left, right], [row, row], color="white", linewidth=2.0, solid_capstyle="butt", path_effects=_RIM
    )
    text = f"{length // 10} cm" if length >= 10 else f"{length} mm"
    axes.annotate(
        text,
        ((left + right) / 2, row),
        (0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        **_WRITING,
    )


def draw_sides(axes: Axes, plane: Plane) -> None:
    """Write at the left, right and upper edges which side of the patient lies there.

    Args:
        axes: panel.
        plane: plane of the slice.
    """
    left, right, upper = SIDES[plane]
    axes.text(0.015, 0.5, left, transform=axes.transAxes, ha="left", va="center", **_WRITING)
    axes.text(0.985, 0.5, right, transform=axes.transAxes, ha="right", va="center", **_WRITING)
    axes.text(0.5, 0.985, upper, transform=axes.transAxes, ha="center", va="top", **_WRITING)


def draw_note(axes: Axes, text: str) -> None:
    """Write a note in the lower left corner.

    Args:
        axes: panel.
        text: such as the window of this panel.
    """
    axes.text(0.015, 0.015, text, transform=axes.transAxes, ha="left", va="bottom", **_WRITING)


def slice_indices(count: int, fractions: list[float]) -> list[int]:
    """Return the slices at fractions of the stack: 0 is the first, 1 the last.

    Args:
        count: slices in the stack.
        fractions: places from 0 to 1.

    Raises:
        ValueError: a fraction lies outside [0, 1].
    """
    if not all(0 <= fraction <= 1 for fraction in fractions):
        raise ValueError(f"picture: expected fractions of the stack from 0 to 1, found {fractions}")
    return [math.floor(fraction * (count - 1) + 0.5) for fraction in fractions]
