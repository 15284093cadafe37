"""Cycle and identity losses are mean absolute differences."""

import pytest
import torch

from pipelines.losses.cycle import CycleLoss
from pipelines.losses.identity import IdentityLoss


@pytest.mark.parametrize("loss", [CycleLoss(), IdentityLoss()])
def test_is_the_mean_absolute_difference(loss):
    image = torch.tensor([[[[0.0, 0.5], [-1.0, 1.0]]]])
    other = torch.tensor([[[[0.25, 0.5], [1.0, 0.0]]]])
    assert loss(image, other).item() == pytest.approx((0.25 + 0 + 2 + 1) / 4)
    assert loss(image, image).item() == 0


@pytest.mark.parametrize("loss", [CycleLoss(), IdentityLoss()])
def test_pulls_towards_the_image_in_float32_under_bfloat16(loss):
    image = torch.zeros(1, 1, 4, 4)
    other = torch.full((1, 1, 4, 4), 0.7, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(image, other)
    assert value.dtype == torch.float32
    value.backward()
    torch.testing.assert_close(other.grad, torch.full_like(other, 1 / 16))
