"""One row of a picture: a kind of image, its window and its colours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.arrays import Volume
from preprocessing.intensity_window import IntensityWindow

ERROR_COLOURS = "RdBu_r"
"""Red where the prediction is too high, blue where it is too low, white where it is right."""


@dataclass(frozen=True, kw_only=True)
class PictureRow:
    """One row of a picture.

    Args:
        title: what the row shows.
        volumes: one array [R, A, S] for all columns, or one for each column.
        windows: intensities shown from black to white, one for all columns or one for each.
        colours: name of a matplotlib colour map.
        colour_bar: draw a colour bar at the row's end.
    """

    title: str
    volumes: Volume | Sequence[Volume]
    windows: IntensityWindow | Sequence[IntensityWindow]
    colours: str = "gray"
    colour_bar: bool = False

    def volume(self, column: int) -> Volume:
        """Return the volume of a column."""
        return self.volumes if isinstance(self.volumes, np.ndarray) else self.volumes[column]

    def window(self, column: int) -> IntensityWindow:
        """Return the window of a column."""
        return self.windows if isinstance(self.windows, IntensityWindow) else self.windows[column]


PlainRow = tuple[str, Volume | Sequence[Volume], IntensityWindow | Sequence[IntensityWindow]]
"""Title, volumes and windows of a grey row."""


def error_row(
    prediction: Volume | Sequence[Volume],
    reference: Volume | Sequence[Volume],
    *,
    limit: float,
    unit: str,
    title: str = "error",
) -> PictureRow:
    """Return a row of prediction - reference with its own colour bar.

    Args:
        prediction: one array [R, A, S], or one for each column.
        reference: the truth likewise, in the same unit.
        limit: largest error shown; larger ones have the same colour.
        unit: of both, such as "HU".
        title: of the row.
    """
    one = isinstance(prediction, np.ndarray)
    pairs = zip([prediction] if one else prediction, [reference] if one else reference, strict=True)
    errors = [np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64) for a, b in pairs]
    return PictureRow(
        title=title,
        volumes=errors[0] if one else errors,
        windows=IntensityWindow(-limit, limit, unit),
        colours=ERROR_COLOURS,
        colour_bar=True,
    )
