"""The patch of the discriminator, measured by what its score depends on."""

import pytest
import torch

from pipelines.networks.patch_discriminator import (
    PatchDiscriminator,
    layers_for_patch,
    receptive_field,
    with_positions,
)


def measured_patch(discriminator: PatchDiscriminator, *, size: int) -> tuple[int, int]:
    """Edges of the box of pixels that move the central score when instance norm is taken out."""
    for module in discriminator.modules():
        for name, child in module.named_children():
            if isinstance(child, torch.nn.InstanceNorm2d):
                setattr(module, name, torch.nn.Identity())
    image = torch.rand(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    scores = discriminator.double()(image)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    rows, columns = torch.nonzero(image.grad[0, 0], as_tuple=True)
    return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1


@pytest.mark.parametrize(("spacing", "layers", "pixels"), [(5.0, 1, 16), (2.5, 2, 34), (1.25, 3, 70)])
def test_measured_patch_is_the_papers_in_millimetres(spacing, layers, pixels):
    discriminator = PatchDiscriminator(width=2, pixel_spacing=spacing)
    assert discriminator.num_layers_d == layers
    assert discriminator.patch_pixels == pixels
    assert measured_patch(discriminator, size=2 * pixels) == (pixels, pixels)


def test_depth_is_the_nearest_of_all_depths():
    for spacing in (0.4, 0.625, 1.0, 1.8, 3.3, 9.0):
        error = {n: abs(receptive_field(n) * spacing - 40.0) for n in range(1, 7)}
        assert error[layers_for_patch(pixel_spacing=spacing, patch_mm=40.0)] == min(error.values())


def test_answers_one_map_of_scores_that_depend_on_the_image():
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(in_channels=2, width=4, pixel_spacing=2.5)
    scores = discriminator(torch.rand(3, 2, 64, 64))
    assert scores.shape == (3, 1, 14, 14)
    assert scores.std() > 0


def test_norm_is_instance_norm_except_after_the_first_convolution():
    discriminator = PatchDiscriminator(width=4, pixel_spacing=1.25)
    norms = [m for m in discriminator.modules() if isinstance(m, torch.nn.modules.batchnorm._NormBase)]
    assert [type(m) for m in norms] == [torch.nn.InstanceNorm2d] * 3


@pytest.mark.parametrize(("spacing", "patch"), [(0.0, 87.5), (-1.0, 87.5), (float("nan"), 87.5), (1.25, 0.0)])
def test_refuses_what_is_no_length(spacing, patch):
    with pytest.raises(ValueError, match="positive millimetres"):
        layers_for_patch(pixel_spacing=spacing, patch_mm=patch)


def test_positions_run_from_minus_one_to_one_along_rows_and_columns():
    image = torch.rand(2, 1, 5, 3)
    placed = with_positions(image)
    assert torch.equal(placed[:, :1], image)
    for sample in placed:
        torch.testing.assert_close(sample[1], torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])[:, None].expand(5, 3))
        torch.testing.assert_close(sample[2], torch.tensor([-1.0, 0.0, 1.0]).expand(5, 3))


@pytest.mark.parametrize("positions", [False, True])
def test_only_a_judge_that_knows_positions_tells_equal_patches_apart(positions):
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(width=4, pixel_spacing=5.0, positions=positions)
    period = torch.rand(1, 1, 4, 4).tile(1, 1, 16, 16)
    inner = discriminator(period)[0, 0, 6:-6:2, 6:-6:2]
    spread = (inner - inner.mean()).abs().max()
    assert (spread > 1e-3) == positions
