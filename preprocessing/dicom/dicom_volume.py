"""One volume read from DICOM, and the array that it grows in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import SimpleITK as sitk
from jaxtyping import Num

from preprocessing.grid import Grid, place


@dataclass(frozen=True, kw_only=True)
class DicomVolume:
    """A volume whose every voxel lies where its slices say.

    Args:
        voxels: HU for CT; int16 where that is exact, else float32.
        grid: where they lie.
        record: JSON of how it came about, without identity, UIDs or paths: original positions, gaps, tilt,
            transfer syntax, rescaling, padding, repairs, and `warnings` as a list of sentences.
        slice_grids: where each source slice lies, in the order of `record["positions_mm"]`.
    """

    voxels: Num[np.ndarray, "slice row column"]
    grid: Grid
    record: Mapping[str, Any]
    slice_grids: tuple[Grid, ...]

    @cached_property
    def image(self) -> sitk.Image:
        """The volume as an image in LPS millimetres: a copy, for what works on images."""
        found = sitk.GetImageFromArray(self.voxels)
        place(found, self.grid)
        return found

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should be looked at, though the volume is right."""
        return tuple(self.record["warnings"])


class GrowingVolume:
    """Slices put one after the other into one array, which turns to float32 when int16 cannot hold one.

    Args:
        shape: slices, rows, columns.
        whole: whether the values are whole numbers.
    """

    def __init__(self, shape: tuple[int, int, int], *, whole: bool) -> None:
        self._array = np.empty(shape, dtype=np.int16 if whole else np.float32)
        self._next = 0
        self.lowest, self.highest = np.inf, -np.inf

    def add(self, plane: Num[np.ndarray, "rows columns"]) -> None:
        """Put the next slice in.

        Args:
            plane: its values.
        """
        if self._array.dtype == np.int16 and plane.dtype != np.int16:
            self._array = self._array.astype(np.float32)
        self._array[self._next] = plane
        self._next += 1
        self.lowest = min(self.lowest, float(plane.min()))
        self.highest = max(self.highest, float(plane.max()))

    def voxels(self) -> Num[np.ndarray, "slice row column"]:
        """The finished volume."""
        if self._next != len(self._array):
            raise AssertionError(
                f"expected {len(self._array)} slices, got {self._next}: a fault of the reader"
            )
        return self._array
