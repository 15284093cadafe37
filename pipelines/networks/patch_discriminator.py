"""The judge of patches, its patch chosen in millimetres."""

from monai.networks.nets import PatchDiscriminator as MonaiPatchDiscriminator
from torch import Tensor, nn

PAPER_PATCH_MM = 87.5
"""Hiasa's 70-pixel patch on a 320 mm field of view of 256 pixels (1.25 mm): 87.5 mm."""

MAXIMUM_LAYERS = 6
"""Beyond this the receptive field (574 pixels and more) exceeds any slice in use."""


class PatchDiscriminator(nn.Module):
    """Say for each patch of a slice how real it looks (1 real, 0 translated).

    MONAI's PatchGAN with instance norm, whose depth is chosen so that its receptive field is nearest to
    `patch_mm`: the same anatomy is judged whatever the pixel size. At 1.25 mm it is the 70x70 PatchGAN.

    Source: Isola et al. 2017, doi:10.1109/CVPR.2017.632.

    Args:
        in_channels: channels of the slice.
        width: feature maps of the first convolution; doubled at each layer.
        pixel_spacing: mm per pixel of the slices that will be judged; no default, since it sets the depth.
        patch_mm: wanted edge of the patch in mm.

    Raises:
        ValueError: spacing or patch is not a positive number of millimetres.
    """

    def __init__(
        self, *, in_channels: int = 1, width: int = 64, pixel_spacing: float, patch_mm: float = PAPER_PATCH_MM
    ) -> None:
        super().__init__()
        self.num_layers_d = layers_for_patch(pixel_spacing=pixel_spacing, patch_mm=patch_mm)
        self.patch_pixels = receptive_field(self.num_layers_d)
        self.network = MonaiPatchDiscriminator(
            spatial_dims=2,
            channels=width,
            in_channels=in_channels,
            num_layers_d=self.num_layers_d,
            norm="INSTANCE",
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of the patches of `image`, without an activation.

        Args:
            image: [batch, in_channels, row, column] in [-1, 1].

        Returns:
            [batch, 1, row', column'], one score per (overlapping) patch.
        """
        scores: Tensor = self.network(image)[-1]
        return scores


def receptive_field(num_layers_d: int) -> int:
    """Return the edge in pixels of the patch that one score sees: 16, 34, 70, 142 for 1, 2, 3, 4 layers.

    Args:
        num_layers_d: MONAI's count of layers between the first and the last convolution; all but the last of
            these have stride 2, and every kernel is 4x4.
    """
    strides = [2] * num_layers_d + [1, 1]
    field, step = 1, 1
    for stride in strides:
        field += 3 * step
        step *= stride
    return field


def layers_for_patch(*, pixel_spacing: float, patch_mm: float = PAPER_PATCH_MM) -> int:
    """Return the `num_layers_d` whose receptive field is nearest to a patch in millimetres.

    Args:
        pixel_spacing: mm per pixel.
        patch_mm: wanted edge of the patch in mm.

    Raises:
        ValueError: spacing or patch is not a positive number of millimetres.
    """
    if not (pixel_spacing > 0 and patch_mm > 0):
        raise ValueError(
            f"pixel_spacing and patch_mm must be positive millimetres, got {pixel_spacing} and {patch_mm}"
        )
    return min(
        range(1, MAXIMUM_LAYERS + 1),
        key=lambda layers: abs(receptive_field(layers) * pixel_spacing - patch_mm),
    )
