"""Intensity windows as MONAI dictionary transforms."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform

from preprocessing.window import IntensityWindow


class WindowIntensityd(MapTransform):
    """Map image intensities to [-1, 1] by the window that each item carries, clipping outside.

    Args:
        keys: Entries that hold images of any shape, in HU or the scanner's units.
        window_key: Entry that holds the window as plain values, as `IntensityWindow.to_dict` makes it.
    """

    def __init__(self, keys: KeysCollection, *, window_key: str = "window") -> None:
        super().__init__(keys)
        self.window_key = window_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its images windowed."""
        item = dict(data)
        window = IntensityWindow.from_dict(item[self.window_key])
        for key in self.key_iterator(item):
            scaled = (item[key] - window.low) * (2.0 / (window.high - window.low)) - 1.0
            item[key] = scaled.clamp(-1.0, 1.0)
        return item


class RestoreIntensityd(MapTransform):
    """Map network output from [-1, 1] back to HU or nominal units.

    Args:
        keys: Entries that hold images of any shape with values in [-1, 1].
        window: The target domain's window as plain values, as `IntensityWindow.to_dict` makes it.
    """

    def __init__(self, keys: KeysCollection, *, window: Mapping[str, Any]) -> None:
        super().__init__(keys)
        self.window = IntensityWindow.from_dict(window)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its images in the target domain's units."""
        item = dict(data)
        half_width = (self.window.high - self.window.low) / 2.0
        for key in self.key_iterator(item):
            item[key] = (item[key] + 1.0) * half_width + self.window.low
        return item
