"""Loading a prepared volume as the networks see it."""

from __future__ import annotations

from monai.bundle import ConfigParser
from monai.transforms import Compose

import cyclevox
from evaluation.arrays import Plane


def volume_transforms(*, plane: Plane = "coronal") -> Compose:
    """Return the transforms of `train.json`: item to plain tensor (1, R, A, S) in [-1, 1].

    Args:
        plane: Plane of the slices, whose sides are padded to what the generator can take.
    """
    config = ConfigParser.load_config_file(str(cyclevox.bundle_path() / "configs" / "train.json"))
    parser = ConfigParser(
        {
            "imports": config["imports"],
            "plane": plane,
            "train": {"preprocessing": config["train"]["preprocessing"]},
        }
    )
    transforms: Compose = parser.get_parsed_content("train::preprocessing")
    return transforms
