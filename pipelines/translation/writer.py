"""The last step of a translation: the network's answer as a file on the source's grid."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from monai.config import KeysCollection
from monai.transforms import MapTransform

from pipelines.model.model_folder import TranslationModel
from pipelines.translation.grid_of_array import image_on_grid_of
from pipelines.translation.record import write_record
from preprocessing.intensity_window import IntensityWindow
from preprocessing.return_to_source import return_to_source
from preprocessing.volume import read_volume, write_volume

AIR_HU = -1000.0
"""Hounsfield units of air, by their definition: what no scan reaches."""


class WriteOnSourceGridd(MapTransform):
    """Resample a translated volume onto the grid of the file it came from and write it.

    Args:
        keys: Entry that holds the translation, shape (1, i, j, k) with the axes of the prepared file, in
            target units.
        model: The translator.
        to: Domain translated to.
    """

    def __init__(self, keys: KeysCollection, *, model: TranslationModel, to: str) -> None:
        super().__init__(keys)
        self.model = model
        self.to = to

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the item's translation to its `output` and return the item."""
        item = dict(data)
        source = read_volume(Path(item["source"]), case=item["case"])
        prepared = read_volume(Path(item["prepared"]), case=item["case"])
        for key in self.key_iterator(item):
            array = np.asarray(item[key].detach().cpu())[0]
            window = self.model.windows[self.to]
            output = Path(item["output"])
            volume = to_source_grid(array, prepared=prepared, source=source, window=window)
            # The mark comes first: no synthetic volume ever stands without it.
            write_record(output, model=self.model, to=self.to, source=Path(item["source"]))
            write_volume(volume, output)
        return item


def to_source_grid(
    array: np.ndarray[Any, np.dtype[Any]],
    *,
    prepared: sitk.Image,
    source: sitk.Image,
    window: IntensityWindow,
) -> sitk.Image:
    """Return a translated array as a volume on the source's grid: int16 for HU, float32 otherwise.

    Args:
        array: Translation on the prepared grid, its axes those of `prepared`, in the target's unit.
        prepared: The prepared volume that was translated.
        source: The volume it was prepared from.
        window: The target's window. What the prepared grid left out becomes air in HU, else its lower end.
    """
    is_hu = window.unit == "HU"
    translated = image_on_grid_of(array.astype(np.float32), prepared)
    returned = return_to_source(translated, source=source, outside=AIR_HU if is_hu else window.low)
    return sitk.Cast(sitk.Round(returned), sitk.sitkInt16) if is_hu else returned
