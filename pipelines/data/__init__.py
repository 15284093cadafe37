"""Volumes and slices on MONAI's side of the border."""

from pipelines.data.items import case_item, case_window, common_grid, volume_items
from pipelines.data.plane import pixel_spacing, slice_multiple
from pipelines.data.sampler import UnpairedSliceSampler
from pipelines.data.slices import SlicePair, UnpairedSliceDataset, load_volumes
from pipelines.data.volume_transforms import volume_transforms
from pipelines.data.windowing import RestoreIntensityd, WindowIntensityd

__all__ = [
    "RestoreIntensityd",
    "SlicePair",
    "UnpairedSliceDataset",
    "UnpairedSliceSampler",
    "WindowIntensityd",
    "case_item",
    "case_window",
    "common_grid",
    "load_volumes",
    "pixel_spacing",
    "slice_multiple",
    "volume_items",
    "volume_transforms",
]
