"""A sheet of equal panels with room for titles, and the way it becomes a file."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from preprocessing.atomic import written_beside

PANEL_INCHES = 2.1
"""Width of one panel."""

LEFT_INCHES, TOP_INCHES, EDGE_INCHES, GAP_INCHES = 1.25, 0.52, 0.08, 0.04
"""Room for the rows' titles, for the heads, at the other edges, and between panels."""

BAR_INCHES = 0.65
"""Room for a colour bar at the right."""

LEAST_HEIGHT_INCHES = 0.6
"""A panel is this high at least, so that thin slabs keep room for their titles."""

DOTS_PER_INCH = 150


def sheet(rows: int, columns: int, *, shape: float, bars: bool) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with rows x columns panels, none of which a layout engine will move.

    Args:
        rows: of panels.
        columns: of panels.
        shape: height of a panel's content over its width.
        bars: leave room for colour bars.
    """
    wide, high = PANEL_INCHES, max(PANEL_INCHES * shape, LEAST_HEIGHT_INCHES)
    width = LEFT_INCHES + columns * (wide + GAP_INCHES) + (BAR_INCHES if bars else EDGE_INCHES)
    height = TOP_INCHES + rows * (high + GAP_INCHES) + EDGE_INCHES
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)

    def panel(row: int, column: int) -> Axes:
        left = LEFT_INCHES + column * (wide + GAP_INCHES)
        bottom = height - TOP_INCHES - row * (high + GAP_INCHES) - high
        return figure.add_axes((left / width, bottom / height, wide / width, high / height))

    return figure, [[panel(row, column) for column in range(columns)] for row in range(rows)]


def save(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all.

    Args:
        figure: what to write.
        path: file; its ending says the format (.png, .svg, .pdf). Its folder is made if missing.
    """
    with written_beside(path) as beside:
        figure.savefig(beside)
