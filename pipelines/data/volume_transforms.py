"""Loading a prepared volume as the networks see it."""

from __future__ import annotations

from monai.transforms import Compose, EnsureChannelFirstd, EnsureTyped, LoadImaged, Orientationd

from pipelines.data.windowing import WindowIntensityd


def volume_transforms() -> Compose:
    """Return the transforms of `train.json`: item to plain tensor (1, R, A, S) in [-1, 1]."""
    return Compose(
        [
            LoadImaged(keys="image", reader="NibabelReader"),
            EnsureChannelFirstd(keys="image"),
            Orientationd(keys="image", axcodes="RAS", labels=None),
            WindowIntensityd(keys="image"),
            EnsureTyped(keys="image", track_meta=False),
        ]
    )
