"""A memory of past translations, shown to the discriminator instead of the newest ones."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

CYCLEGAN_POOL_SIZE = 50
"""CycleGAN's usual pool; not stated in Hiasa et al. 2018."""

REPLAY_PROBABILITY = 0.5
"""Probability with which a full pool answers with a past image."""


class ImagePool:
    """Mix past translations among new ones, so that the discriminator does not forget.

    Until the pool is full each image is stored and returned. Afterwards, with probability 1/2, a stored
    image drawn at random is returned and replaced by the new one; otherwise the new one is
    returned and not stored.

    Source: Shrivastava et al. 2017, doi:10.1109/CVPR.2017.241, section 2.3; the rule is Zhu et al. 2017's.

    Args:
        size: images held; 0 returns what comes in.
        seed: seed of the pool's own random generator.
    """

    def __init__(self, *, size: int = CYCLEGAN_POOL_SIZE, seed: int = 0) -> None:
        if size < 0:
            raise ValueError(f"size of an image pool must be 0 or more, got {size}")
        self.size = size
        self._images: list[Tensor] = []
        self._random = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        """Return how many images are stored."""
        return len(self._images)

    def query(self, images: Tensor) -> Tensor:
        """Return a batch of the same shape, some of it from the past, without gradient.

        Args:
            images: [batch, channel, row, column], newest translations.
        """
        images = images.detach()
        if self.size == 0:
            return images
        return torch.stack([self._exchange(image).to(images) for image in images])

    def _exchange(self, image: Tensor) -> Tensor:
        if len(self._images) < self.size:
            self._images.append(image.clone())
            return image
        if torch.rand((), generator=self._random).item() >= REPLAY_PROBABILITY:
            return image
        index = int(torch.randint(self.size, (), generator=self._random).item())
        past, self._images[index] = self._images[index], image.clone()
        return past

    def state_dict(self) -> dict[str, Any]:
        """Return size, stored images and random state: tensors and plain types only."""
        return {"size": self.size, "images": list(self._images), "random_state": self._random.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue exactly where the pool that gave `state` stood.

        Raises:
            ValueError: the state is of a pool of another size.
        """
        if state["size"] != self.size:
            raise ValueError(
                f"image pool has size {self.size}, the stored state is of size {state['size']}: "
                "resume with the pool size of the run that wrote the checkpoint"
            )
        self._images = [image.clone() for image in state["images"]]
        self._random.set_state(state["random_state"].cpu())
