"""Translation of one volume from Python."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, cast

import SimpleITK as sitk
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import DivisiblePad
from torch import nn

from evaluation.arrays import canonical_array
from pipelines.data.plane import slice_multiple
from pipelines.data.windowing import RestoreIntensityd, WindowIntensityd
from pipelines.model.model_folder import TranslationModel, read_model
from pipelines.model.weights import load_weights
from pipelines.translation.recipe import build_steps
from pipelines.translation.writer import to_source_grid
from preprocessing.orientation import canonical
from preprocessing.preparation import prepare_scan
from preprocessing.scan import Scan


def translate_volume(
    image: sitk.Image,
    *,
    model: TranslationModel | Path | str,
    to: str,
    network: nn.Module | None = None,
    device: torch.device | str = "cpu",
) -> sitk.Image:
    """Translate a volume to another domain and return it on its own grid.

    Args:
        image: A scan as it came from the scanner, any orientation; LPS millimetres as SimpleITK keeps them.
        model: A model folder, or what `read_model` made of it.
        to: Domain to translate to, for example "ct".
        network: Generator to use instead of the model's own, (batch, 1, rows, columns) in [-1, 1] to the
            same.
        device: Where the network computes.

    Returns:
        The synthetic volume on the image's grid: int16 HU for CT, float32 nominal units for MR.

    Raises:
        ModelError: If the model does not translate to that domain.
    """
    model = model if isinstance(model, TranslationModel) else read_model(model)
    scan = prepare_scan(Scan(image=image), build_steps(model.recipes[model.origin_of(to)]))
    source_window = (scan.window or model.windows[model.origin_of(to)]).to_dict()
    network = network or load_weights(build_network(model), model.weights(to))
    # A recipe need not turn the scan: array and grid have to be of the same orientation all the same.
    prepared = canonical(scan.image)
    item: dict[Hashable, Any] = {
        "image": torch.from_numpy(canonical_array(prepared))[None],
        "window": source_window,
    }
    volume = WindowIntensityd("image")(item)["image"]
    translated = infer_slices(volume, model=model, network=network.to(device), device=device)
    window = model.windows[to]
    array = RestoreIntensityd("pred", window=window.to_dict())({"pred": translated})["pred"][0].numpy()
    return to_source_grid(array, prepared=prepared, source=image, window=window)


def build_network(model: TranslationModel) -> nn.Module:
    """Build the model's generator with fresh weights."""
    network: nn.Module = ConfigParser({"network": dict(model.network)}).get_parsed_content("network")
    return network


@torch.inference_mode()
def infer_slices(
    volume: torch.Tensor,
    *,
    model: TranslationModel,
    network: nn.Module,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Translate a windowed volume slice by slice.

    Args:
        volume: Shape (1, R, A, S) in [-1, 1].
        model: The model, for its plane and its inferer.
        network: Generator in evaluation mode.
        device: Where the network is.

    Returns:
        The translation, same shape.
    """
    padding = DivisiblePad(k=slice_multiple(model.plane), mode="constant", value=-1.0)
    padded = cast(MetaTensor, padding(volume))
    inferer = ConfigParser({"inferer": dict(model.inferer)}).get_parsed_content("inferer")
    translated = inferer(padded.as_tensor()[None].to(device), network)[0]
    padded.set_array(translated.cpu())
    restored: torch.Tensor = padding.inverse(padded).as_tensor()
    return restored
