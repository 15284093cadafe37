"""The translator network: down twice, residual blocks, up twice."""

from typing import Literal

from torch import Tensor, nn

Norm = Literal["instance", "batch"]
Upsampling = Literal["transposed", "resize"]

INITIAL_STD = 0.02
"""Standard deviation of the initial weights (Zhu et al. 2017, section 7.1, after DCGAN)."""


class ResnetGenerator(nn.Module):
    """Translate a slice of one domain into a slice of the other.

    Reflection-padded 7x7 convolution, two stride-2 convolutions, residual blocks, two upsamplings,
    reflection-padded 7x7 convolution and tanh. With one channel and nine blocks it has 11.37 M parameters.

    Source: Johnson et al. 2016, doi:10.1007/978-3-319-46475-6_43; as used by Zhu et al. 2017,
    doi:10.1109/ICCV.2017.244, and Hiasa et al. 2018, doi:10.1007/978-3-030-00536-8_4.

    Args:
        in_channels: channels of the input slice.
        out_channels: channels of the translated slice.
        width: feature maps of the first convolution; doubled at each downsampling.
        blocks: number of residual blocks (9 at 256x256, 6 for smaller slices).
        norm: "instance" (the paper's) or "batch".
        upsampling: "transposed" convolution (the paper's), or "resize": nearest neighbour, then a
            convolution, which leaves no checkerboard.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        out_channels: int = 1,
        width: int = 64,
        blocks: int = 9,
        norm: Norm = "instance",
        upsampling: Upsampling = "transposed",
    ) -> None:
        super().__init__()
        if norm not in _NORMS:
            raise ValueError(f"norm must be one of {sorted(_NORMS)}, got {norm!r}")
        if upsampling not in _UPSAMPLINGS:
            raise ValueError(f"upsampling must be one of {sorted(_UPSAMPLINGS)}, got {upsampling!r}")
        upsample = _UPSAMPLINGS[upsampling]
        self.layers = nn.Sequential(
            *_wide_convolution(in_channels, width),
            *_norm_relu(norm, width),
            *_downsample(width, norm),
            *_downsample(2 * width, norm),
            *[ResidualBlock(channels=4 * width, norm=norm) for _ in range(blocks)],
            *upsample(4 * width),
            *_norm_relu(norm, 2 * width),
            *upsample(2 * width),
            *_norm_relu(norm, width),
            *_wide_convolution(width, out_channels),
            nn.Tanh(),
        )
        self.apply(initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Return the translation of `image`.

        Args:
            image: [batch, in_channels, row, column] in [-1, 1]; rows and columns multiples of 4, 16 at least.

        Returns:
            [batch, out_channels, row, column] in (-1, 1).

        Raises:
            ValueError: rows or columns are not multiples of 4.
        """
        if image.shape[-2] % 4 != 0 or image.shape[-1] % 4 != 0:
            raise ValueError(
                f"ResnetGenerator wants rows and columns in multiples of 4, "
                f"got {image.shape[-2]} x {image.shape[-1]}: pad the slice, "
                "or prepare the volume on a grid whose size is a multiple of 4"
            )
        translated: Tensor = self.layers(image)
        return translated


class ResidualBlock(nn.Module):
    """Two reflection-padded 3x3 convolutions, added to their input.

    Args:
        channels: feature maps in and out.
        norm: "instance" or "batch".
    """

    def __init__(self, *, channels: int, norm: Norm) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            *_norm_relu(norm, channels),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            _NORMS[norm](channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return `features` [batch, channels, row, column] plus their residual."""
        residual: Tensor = self.layers(features)
        return features + residual


def initialise(module: nn.Module) -> None:
    """Draw convolution weights from N(0, 0.02) and norm weights from N(1, 0.02), biases zero, as CycleGAN."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, INITIAL_STD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, INITIAL_STD)
        nn.init.zeros_(module.bias)


def _wide_convolution(channels: int, out_channels: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(3), nn.Conv2d(channels, out_channels, 7)]


def _norm_relu(norm: Norm, channels: int) -> list[nn.Module]:
    return [_NORMS[norm](channels), nn.ReLU(inplace=True)]


def _downsample(channels: int, norm: Norm) -> list[nn.Module]:
    return [nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), *_norm_relu(norm, 2 * channels)]


def _transposed(channels: int) -> list[nn.Module]:
    return [nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1)]


def _resize(channels: int) -> list[nn.Module]:
    return [
        nn.Upsample(scale_factor=2.0, mode="nearest"),
        nn.ReflectionPad2d(1),
        nn.Conv2d(channels, channels // 2, 3),
    ]


_NORMS = {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d}
_UPSAMPLINGS = {"transposed": _transposed, "resize": _resize}
