"""The model folder: what a translation needs, and nothing of the training data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluation.arrays import Plane, axis_of
from preprocessing.atomic import write_text_atomically
from preprocessing.intensity_window import IntensityWindow

MODEL_FILE = "model.json"
"""Name of the description in a model folder; it is an overlay of `inference.json` as well."""

FORMAT = 1
"""Layout of the description; a reader refuses another one."""


class ModelError(ValueError):
    """A model folder that cannot serve, or a domain that the model does not know."""


@dataclass(frozen=True, kw_only=True)
class TranslationModel:
    """A trained translator's description.

    Args:
        folder: The model folder.
        source: Name of domain A, for example "mr".
        target: Name of domain B, for example "ct".
        plane: Plane of the slices that the networks see.
        spacing: Voxel size of the prepared grid in mm along [R, A, S].
        size: Voxels of the prepared grid along [R, A, S].
        windows: By domain, the intensity window that [-1, 1] stands for.
        recipes: By domain, the preparation steps as configs with `_target_`.
        training_range: By domain, percentiles of the windowed training intensities.
        network: Config of the generator, `_target_` and arguments.
        inferer: Config of the MONAI inferer that takes slices through the generator.
        iteration: Training iterations behind the weights.
        versions: Versions of the software that trained it.
        cohort_hash: Hash over the training images.
    """

    folder: Path
    source: str
    target: str
    plane: Plane
    spacing: tuple[float, ...]
    size: tuple[int, ...]
    windows: Mapping[str, IntensityWindow]
    recipes: Mapping[str, Sequence[Mapping[str, Any]]]
    training_range: Mapping[str, Mapping[str, float]]
    network: Mapping[str, Any]
    inferer: Mapping[str, Any]
    iteration: int
    versions: Mapping[str, str]
    cohort_hash: str

    def origin_of(self, to: str) -> str:
        """Return the domain that is translated from, given the one translated to.

        Raises:
            ModelError: If the model does not translate to that domain.
        """
        if to not in (self.source, self.target):
            raise ModelError(
                f"{self.folder}: wanted a domain that this model translates to, {self.target!r} or "
                f"{self.source!r}, got {to!r}. Choose one of them with --to."
            )
        return self.source if to == self.target else self.target

    def weights(self, to: str) -> Path:
        """Return the weights file of the generator that translates to a domain."""
        self.origin_of(to)
        return weights_file(self.folder, to)

    @property
    def slice_axis(self) -> int:
        """Axis of [R, A, S] along which slices are stacked."""
        return axis_of(self.plane)

    def write(self) -> Path:
        """Write the description, beside its place first."""
        fields = asdict(self)
        parts = {"network_def": fields.pop("network"), "inferer": fields.pop("inferer")}
        del fields["folder"]
        path = self.folder / MODEL_FILE
        content = {**parts, "description": {"format": FORMAT, **fields}}
        write_text_atomically(path, json.dumps(content, indent=2) + "\n")
        return path


def weights_file(folder: Path | str, to: str) -> Path:
    """Return where a model folder keeps the generator that translates to a domain."""
    return Path(folder) / f"generator_to_{to}.pt"


def read_model(folder: Path | str) -> TranslationModel:
    """Read a model folder's description.

    Raises:
        ModelError: If the folder holds none, or one of another layout.
    """
    folder = Path(folder)
    path = folder / MODEL_FILE
    try:
        content = json.loads(path.read_text())
        parts = {"network": content["network_def"], "inferer": content["inferer"]}
        fields = {**content["description"], **parts}
    except FileNotFoundError as error:
        raise ModelError(
            f"Wanted a model folder with {MODEL_FILE}, found none in {folder}. "
            "Give the `model` folder of a run made by `cyclevox train`."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: wanted a model description, but it cannot be read ({error}).") from error
    layout = fields.pop("format", None)
    if layout != FORMAT:
        raise ModelError(
            f"{path}: wanted model layout {FORMAT}, found {layout}. Use the version that wrote it."
        )
    try:
        return _model(folder, fields)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: wanted a whole model description, but a field is missing or wrong ({error}). "
            "Copy the model folder again."
        ) from error


def _model(folder: Path, fields: Mapping[str, Any]) -> TranslationModel:
    windows = {domain: IntensityWindow.from_dict(window) for domain, window in fields["windows"].items()}
    grid = {name: tuple(fields[name]) for name in ("spacing", "size")}
    return TranslationModel(**{**fields, **grid, "folder": folder, "windows": windows})
