"""The four networks of a CycleGAN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import Parameter


class CycleImages(NamedTuple):
    """Real slices, their translations and what the way back recovers; each (batch, channel, row, column)."""

    real_a: Tensor
    real_b: Tensor
    fake_b: Tensor
    fake_a: Tensor
    recovered_a: Tensor
    recovered_b: Tensor


class CycleGAN(nn.Module):
    """Two generators that translate between domains A and B, and a discriminator for each domain.

    Args:
        generator_ab: Translates A to B; input and output (batch, channel, row, column) in [-1, 1].
        generator_ba: Translates B to A, likewise.
        discriminator_a: Scores patches of A; its output is a map of scores.
        discriminator_b: Scores patches of B.

    Source:
        Zhu et al. 2017, doi:10.1109/ICCV.2017.244.
    """

    def __init__(
        self,
        *,
        generator_ab: nn.Module,
        generator_ba: nn.Module,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
    ) -> None:
        super().__init__()
        self.generator_ab = generator_ab
        self.generator_ba = generator_ba
        self.discriminator_a = discriminator_a
        self.discriminator_b = discriminator_b

    def forward(self, real_a: Tensor, real_b: Tensor) -> CycleImages:
        """Translate both slices and translate them back."""
        fake_b, fake_a = self.generator_ab(real_a), self.generator_ba(real_b)
        return CycleImages(
            real_a, real_b, fake_b, fake_a, self.generator_ba(fake_b), self.generator_ab(fake_a)
        )

    def generator_parameters(self) -> Iterator[Parameter]:
        """Yield the parameters of both generators."""
        yield from self.generator_ab.parameters()
        yield from self.generator_ba.parameters()

    def discriminator_parameters(self) -> Iterator[Parameter]:
        """Yield the parameters of both discriminators."""
        yield from self.discriminator_a.parameters()
        yield from self.discriminator_b.parameters()

    def require_discriminator_gradients(self, *, required: bool) -> None:
        """Switch gradients of the discriminators' own parameters, which the generator step has no use for."""
        for parameter in self.discriminator_parameters():
            parameter.requires_grad_(required)
