"""Gradient consistency: the edges of a translation should lie where the edges of its source lie."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

Kind = Literal["signed", "absolute"]

KINDS = ("signed", "absolute")

SMALLEST_SIZE = 3
"""A 3x3 Sobel kernel needs one valid pixel."""

ROUNDING_UNITS = 8
"""A gradient that varies by less than this many rounding errors of the image counts as constant."""


class GradientConsistencyLoss(nn.Module):
    """Penalise edges that differ between a slice and its translation: 1 - GC, averaged over the batch.

    Args:
        kind: "signed" is the published form, which punishes a contrast inversion; "absolute" takes the
            magnitude of each gradient's NCC, which leaves the sign of the contrast free.

    Source: Hiasa et al. 2018, doi:10.1007/978-3-030-00536-8_4, section 2 (the Sobel kernel is ours).
    """

    def __init__(self, *, kind: Kind = "signed") -> None:
        super().__init__()
        self.kind = _known(kind)

    def forward(
        self,
        source: Float[Tensor, "batch channel row column"],
        translated: Float[Tensor, "batch channel row column"],
    ) -> Float[Tensor, ""]:
        """Return the scalar loss in [0, 2], float32 or wider whatever the autocast mode.

        Args:
            source: slices given to the generator.
            translated: what the generator made of them.
        """
        return (1.0 - gradient_consistency(source, translated, kind=self.kind)).mean()


def gradient_consistency(
    a: Float[Tensor, "batch channel row column"],
    b: Float[Tensor, "batch channel row column"],
    *,
    kind: Kind,
) -> Float[Tensor, " batch"]:
    """Return GC(a, b) = 1/2 {NCC(dx a, dx b) + NCC(dy a, dy b)} of each sample, averaged over its channels.

    The gradients are the 3x3 Sobel pair on the valid region. A constant image, or one of
    constant gradient, has NCC 0.

    Args:
        a: images, at least 3x3.
        b: images of the same shape.
        kind: "signed" or "absolute".

    Returns:
        GC in [-1, 1] ("absolute": [0, 1]) per sample; float64 if either input is, float32 otherwise.

    Raises:
        ValueError: shapes differ, an image is smaller than 3x3, or `kind` is unknown.
    """
    _check(a, b)
    absolute = _known(kind) == "absolute"
    with torch.autocast(device_type=a.device.type, enabled=False):
        dtype = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
        a, b = a.to(dtype), b.to(dtype)
        correlations = [
            _correlation(da, db, usable=_varies(da, a) & _varies(db, b))
            for da, db in zip(_sobel(a), _sobel(b), strict=True)
        ]
        if absolute:
            correlations = [correlation.abs() for correlation in correlations]
        return torch.stack(correlations).mean(dim=(0, 2))


def _sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    # Differences instead of a convolution: exactly zero on constants, and never in TF32 on a GPU.
    return _derivative(image, along=-1, across=-2), _derivative(image, along=-2, across=-1)


def _derivative(image: Tensor, *, along: int, across: int) -> Tensor:
    length, width = image.shape[along], image.shape[across]
    difference = image.narrow(along, 2, length - 2) - image.narrow(along, 0, length - 2)
    before, middle, after = (difference.narrow(across, start, width - 2) for start in range(3))
    return before + 2.0 * middle + after


def _varies(gradient: Tensor, image: Tensor) -> Bool[Tensor, "batch channel"]:
    rounding = ROUNDING_UNITS * torch.finfo(image.dtype).eps * image.detach().abs().amax(dim=(-2, -1))
    spread = gradient.detach().var(dim=(-2, -1), correction=0)
    # Written as "not below" so that a NaN stays visible in the loss instead of counting as constant.
    return ~(spread <= rounding**2)


def _correlation(a: Tensor, b: Tensor, *, usable: Tensor) -> Float[Tensor, "batch channel"]:
    a = a - a.mean(dim=(-2, -1), keepdim=True)
    b = b - b.mean(dim=(-2, -1), keepdim=True)
    # The root's infinite slope at zero would make 0 * inf = NaN in the gradient, so it never sees a zero.
    norms = [torch.where(usable, x.square().sum(dim=(-2, -1)), 1.0).sqrt() for x in (a, b)]
    return torch.where(usable, (a * b).sum(dim=(-2, -1)) / norms[0] / norms[1], 0.0)


def _known(kind: Kind) -> Kind:
    if kind not in KINDS:
        raise ValueError(f"kind of gradient consistency must be one of {list(KINDS)}, got {kind!r}")
    return kind


def _check(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(
            f"gradient consistency wants two images of one shape, got {tuple(a.shape)}, {tuple(b.shape)}"
        )
    if min(a.shape[-2:]) < SMALLEST_SIZE:
        raise ValueError(f"gradient consistency wants images of 3x3 at least, got {tuple(a.shape[-2:])}")
