"""Laws of the generator."""

import pytest
import torch

from pipelines.networks.resnet_generator import ResnetGenerator

PAPER_PARAMETERS = 11.37e6
"""Stated for the one-channel ResNet-9 of Hiasa et al. 2018."""

VARIANTS = [(norm, upsampling) for norm in ("instance", "batch") for upsampling in ("transposed", "resize")]


def small(**options) -> ResnetGenerator:
    return ResnetGenerator(width=4, blocks=2, **options)


def test_paper_generator_has_the_papers_size():
    parameters = sum(p.numel() for p in ResnetGenerator().parameters())
    assert parameters == pytest.approx(PAPER_PARAMETERS, rel=0.01)


@pytest.mark.parametrize(("norm", "upsampling"), VARIANTS)
def test_keeps_the_grid_and_stays_inside_the_window(norm, upsampling):
    generator = small(in_channels=3, out_channels=2, norm=norm, upsampling=upsampling)
    out = generator(torch.linspace(-1, 1, 2 * 3 * 20 * 36).reshape(2, 3, 20, 36))
    assert out.shape == (2, 2, 20, 36)
    assert out.abs().max() < 1
    assert out.std() > 0


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize(("norm", "upsampling"), VARIANTS)
def test_scripted_generator_answers_alike(norm, upsampling):
    generator = small(norm=norm, upsampling=upsampling).eval()
    image = torch.rand(1, 1, 16, 24)
    torch.testing.assert_close(torch.jit.script(generator)(image), generator(image))


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_batch_equals_singles_with_instance_norm(upsampling):
    generator = small(upsampling=upsampling)
    images = torch.rand(3, 1, 16, 16)
    singles = torch.cat([generator(image[None]) for image in images])
    torch.testing.assert_close(generator(images), singles, rtol=1e-4, atol=1e-5)


def test_initial_weights_are_drawn_from_the_stated_normal():
    torch.manual_seed(0)
    generator = ResnetGenerator(width=16, blocks=3, norm="batch")
    weights = torch.cat([p.flatten() for name, p in generator.named_parameters() if p.ndim == 4])
    biases = [
        m.bias for m in generator.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.ConvTranspose2d))
    ]
    assert weights.std().item() == pytest.approx(0.02, rel=0.02)
    assert weights.mean().item() == pytest.approx(0.0, abs=5e-4)
    assert all(not bias.any() for bias in biases)


def test_says_what_to_do_with_a_size_it_cannot_return():
    with pytest.raises(ValueError, match=r"multiples of 4, got 38 x 256"):
        small()(torch.zeros(1, 1, 38, 256))


@pytest.mark.parametrize("wrong", [{"norm": "layer"}, {"upsampling": "bilinear"}])
def test_refuses_an_unknown_option(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong.values()))):
        small(**wrong)
