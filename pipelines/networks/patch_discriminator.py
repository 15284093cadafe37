"""The judge of patches, its patch chosen in millimetres."""

import torch
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
        positions: tell the judge where in the slice each patch lies, as two more input channels that run from
            -1 to 1 along rows and columns (CoordConv: Liu et al. 2018, arXiv:1807.03247). Right where all
            volumes are cut to one field of view about one landmark: bone in the bladder's place looks wrong.

    Raises:
        ValueError: spacing or patch is not a positive number of millimetres.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        width: int = 64,
        pixel_spacing: float,
        patch_mm: float = PAPER_PATCH_MM,
        positions: bool = False,
    ) -> None:
        super().__init__()
        self.positions = positions
        self.num_layers_d = layers_for_patch(pixel_spacing=pixel_spacing, patch_mm=patch_mm)
        self.patch_pixels = receptive_field(self.num_layers_d)
        self.network = MonaiPatchDiscriminator(
            spatial_dims=2,
            channels=width,
            in_channels=in_channels + 2 * positions,
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
        judged = with_positions(image) if self.positions else image
        scores: Tensor = self.network(judged)[-1]
        return scores


def with_positions(image: Tensor) -> Tensor:
    """Return an image with its pixels' positions as two more channels.

    Args:
        image: [batch, channel, row, column].

    Returns:
        [batch, channel + 2, row, column]; the new channels run from -1 to 1 along rows and along columns.
    """
    batch, _, rows, columns = image.shape
    row, column = (torch.linspace(-1, 1, n, dtype=image.dtype, device=image.device) for n in (rows, columns))
    row, column = row[:, None].expand(rows, columns), column.expand(rows, columns)
    return torch.cat([image, torch.stack([row, column]).expand(batch, 2, rows, columns)], dim=1)


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
