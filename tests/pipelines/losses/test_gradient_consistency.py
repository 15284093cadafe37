"""Laws of gradient consistency and its equality with a plain SciPy form."""

import numpy as np
import pytest
import scipy.signal
import torch

from pipelines.losses.gradient_consistency import GradientConsistencyLoss, gradient_consistency
from pipelines.networks.resnet_generator import ResnetGenerator

KINDS = ("signed", "absolute")
SOBEL = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])


def discs(count: int = 2, channels: int = 1, size: int = 24, *, dtype=torch.float64, phase: float = 0.0):
    """Smooth discs on a slope, another one for every sample and channel."""
    row, column = torch.meshgrid(
        torch.arange(size, dtype=dtype), torch.arange(size + 4, dtype=dtype), indexing="ij"
    )
    images = []
    for k in range(count * channels):
        radius = torch.hypot(row - 9 - k - phase, column - 12 + k)
        images.append(torch.sigmoid(6 + phase - radius) + 0.02 * (row - k * column))
    return torch.stack(images).reshape(count, channels, size, size + 4)


def scipy_gc(a: np.ndarray, b: np.ndarray, *, kind: str) -> float:
    values = []
    for kernel in (SOBEL, SOBEL.T):
        da, db = (scipy.signal.convolve2d(x, kernel, mode="valid").ravel() for x in (a, b))
        value = np.corrcoef(da, db)[0, 1]
        values.append(abs(value) if kind == "absolute" else value)
    return float(np.mean(values))


@pytest.mark.parametrize("kind", KINDS)
def test_equals_an_independent_form(kind):
    a, b = discs(3, 2), discs(3, 2, phase=1.7).flip(0)
    expected = [
        np.mean([scipy_gc(x, y, kind=kind) for x, y in zip(p, q, strict=True)])
        for p, q in zip(a.numpy(), b.numpy(), strict=True)
    ]
    np.testing.assert_allclose(gradient_consistency(a, b, kind=kind).numpy(), expected, atol=1e-12)
    assert GradientConsistencyLoss(kind=kind)(a, b).item() == pytest.approx(1 - np.mean(expected), abs=1e-12)


@pytest.mark.parametrize(("kind", "with_negative"), [("signed", -1.0), ("absolute", 1.0)])
def test_image_with_itself_is_one_and_with_its_negative_is_minus_one(kind, with_negative):
    image = discs(dtype=torch.float32)
    torch.testing.assert_close(gradient_consistency(image, image, kind=kind), torch.ones(2))
    torch.testing.assert_close(
        gradient_consistency(image, -image, kind=kind), torch.full((2,), with_negative)
    )


def test_signed_is_the_default_as_published():
    image = discs()
    assert GradientConsistencyLoss()(image, -image).item() == pytest.approx(2.0)


@pytest.mark.parametrize("kind", KINDS)
def test_is_symmetric_and_blind_to_affine_intensity_changes(kind):
    a, b = discs(), discs(phase=2.0)
    expected = gradient_consistency(a, b, kind=kind)
    torch.testing.assert_close(gradient_consistency(b, a, kind=kind), expected)
    torch.testing.assert_close(gradient_consistency(1000 * a - 300, 0.01 * b + 5, kind=kind), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", [-1, -2])
def test_flipping_both_images_changes_nothing(kind, axis):
    a, b = discs(), discs(phase=2.0)
    flipped = gradient_consistency(a.flip(axis), b.flip(axis), kind=kind)
    torch.testing.assert_close(flipped, gradient_consistency(a, b, kind=kind))


def test_batch_equals_singles():
    a, b = discs(3, 2), discs(3, 2, phase=2.0)
    singles = torch.cat(
        [gradient_consistency(x[None], y[None], kind="signed") for x, y in zip(a, b, strict=True)]
    )
    torch.testing.assert_close(gradient_consistency(a, b, kind="signed"), singles)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_equals_float64_finite_differences(kind):
    a = discs(1, 1, size=6).requires_grad_()
    b = discs(1, 1, size=6, phase=2.0).requires_grad_()
    assert torch.autograd.gradcheck(GradientConsistencyLoss(kind=kind), (a, b))


@pytest.mark.parametrize("kind", KINDS)
def test_reaches_every_weight_of_the_generator(kind):
    generator = ResnetGenerator(width=4, blocks=1, norm="batch").eval()
    image = discs(size=20, dtype=torch.float32)
    GradientConsistencyLoss(kind=kind)(image, generator(image)).backward()
    # The bias of the last convolution shifts the image before tanh, which is not affine: it too gets some.
    assert all(
        parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in generator.parameters()
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.0, 0.3, -1000.1])
def test_constant_image_has_no_consistency_and_finite_gradients(kind, level):
    constant = torch.full((2, 1, 24, 28), level, requires_grad=True)
    image = discs(dtype=torch.float32).requires_grad_()
    values = gradient_consistency(constant, image, kind=kind)
    assert values.eq(0).all()
    values.sum().backward()
    assert constant.grad.isfinite().all()
    assert image.grad.isfinite().all()
    assert gradient_consistency(constant, constant, kind=kind).eq(0).all()


def test_constant_gradient_is_not_correlated_by_its_rounding():
    ramp = torch.linspace(-1, 1, 28).expand(1, 1, 24, 28)
    assert gradient_consistency(ramp, ramp, kind="signed").item() == 0.0


def test_one_constant_channel_leaves_the_other():
    image = discs(1, 2)
    image[:, 1] = 0.5
    assert gradient_consistency(image, image, kind="signed").item() == pytest.approx(0.5)


def test_a_missing_number_stays_visible():
    image = discs()
    broken = image.clone()
    broken[0, 0, 5, 5] = torch.nan
    values = gradient_consistency(image, broken, kind="signed")
    assert values.isnan().tolist() == [True, False]


def test_is_float32_under_bfloat16():
    a, b = discs(dtype=torch.bfloat16), discs(dtype=torch.bfloat16, phase=2.0).requires_grad_()
    expected = gradient_consistency(a.float(), b.float(), kind="signed")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = GradientConsistencyLoss()(a, b)
    assert loss.dtype == torch.float32
    assert loss.item() == (1 - expected).mean().item()
    loss.backward()
    assert b.grad.isfinite().all()


@pytest.mark.parametrize("kind", ["Signed", "ncc"])
def test_refuses_an_unknown_kind(kind):
    with pytest.raises(Exception, match=f"{kind}"):
        GradientConsistencyLoss(kind=kind)


def test_refuses_images_that_do_not_match_or_are_too_small():
    with pytest.raises(Exception, match=r"24.*25|one shape"):
        gradient_consistency(torch.rand(1, 1, 24, 24), torch.rand(1, 1, 25, 24), kind="signed")
    with pytest.raises(ValueError, match="3x3 at least"):
        gradient_consistency(torch.rand(1, 1, 2, 24), torch.rand(1, 1, 2, 24), kind="signed")
