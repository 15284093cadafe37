"""The mirrored inferer, by what mirroring must and must not change."""

import pytest
import torch
from monai.inferers import SliceInferer

from pipelines.networks.resnet_generator import ResnetGenerator
from pipelines.translation.mirrored_inferer import LEFT_RIGHT, MirroredSliceInferer

ARGUMENTS = {"roi_size": (-1, -1), "sw_batch_size": 3}


@pytest.fixture
def network():
    torch.manual_seed(0)
    # Larger weights than a fresh network's: its answers would hardly depend on its input.
    generator = ResnetGenerator(width=4, blocks=1)
    for parameter in generator.parameters():
        parameter.data.mul_(10)
    return generator.eval()


@pytest.mark.parametrize("axis", [0, 1, 2])
@torch.inference_mode()
def test_a_mirrored_patient_gets_the_mirrored_answer(network, axis):
    volume = torch.rand(1, 1, 16, 20, 16) * 2 - 1
    inferer = MirroredSliceInferer(**ARGUMENTS, spatial_dim=axis)
    straight, mirrored = inferer(volume, network), inferer(volume.flip(LEFT_RIGHT), network)
    torch.testing.assert_close(mirrored, straight.flip(LEFT_RIGHT))
    plain = SliceInferer(**ARGUMENTS, spatial_dim=axis)
    assert axis == 0 or not torch.allclose(plain(volume, network), straight, atol=1e-3)


@torch.inference_mode()
def test_it_is_the_average_of_both_ways_round(network):
    volume = torch.rand(1, 1, 16, 4, 16) * 2 - 1
    slices = volume[0].permute(2, 0, 1, 3)
    expected = (network(slices) + network(slices.flip(2)).flip(2)) / 2
    answer = MirroredSliceInferer(**ARGUMENTS, spatial_dim=1)(volume, network)
    torch.testing.assert_close(answer[0].permute(2, 0, 1, 3), expected)
