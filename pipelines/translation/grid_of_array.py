"""From the array that a network answers with to a volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk


def image_on_grid_of(array: np.ndarray[Any, np.dtype[Any]], grid: sitk.Image) -> sitk.Image:
    """Return an array as a volume on a prepared volume's grid.

    Args:
        array: Values, its axes in the order and direction of the grid's own, whatever its orientation.
        grid: The prepared volume that the array was made from.

    Raises:
        ValueError: If the sizes differ.
    """
    if array.shape != grid.GetSize():
        raise ValueError(f"Wanted an array of the prepared grid's size {grid.GetSize()}, got {array.shape}.")
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    image.CopyInformation(grid)
    return image
