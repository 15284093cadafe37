"""The two sides of the least-squares game."""

import pytest
import torch

from pipelines.losses.adversarial import AdversarialLoss


def test_generator_side_is_the_squared_distance_to_real():
    scores = torch.tensor([[[[0.0, -1.0], [3.0, 1.0]]]])
    assert AdversarialLoss().generator(scores).item() == pytest.approx((1 + 4 + 4 + 0) / 4)


def test_discriminator_side_is_half_of_both_squared_distances():
    real, translated = torch.tensor([0.5, -1.0]), torch.tensor([2.0, -3.0])
    expected = 0.5 * ((0.25 + 4) / 2 + (4 + 9) / 2)
    assert AdversarialLoss().discriminator(real, translated).item() == pytest.approx(expected)


def test_a_perfect_discriminator_loses_nothing_and_a_fooled_one_lets_the_generator_win():
    ones, zeros = torch.ones(2, 1, 3, 3), torch.zeros(2, 1, 3, 3)
    assert AdversarialLoss().discriminator(ones, zeros).item() == 0
    assert AdversarialLoss().generator(ones).item() == 0


def test_the_two_sides_pull_in_opposite_directions():
    scores = torch.full((1, 1, 2, 2), 0.4, requires_grad=True)
    (up,) = torch.autograd.grad(AdversarialLoss().generator(scores), scores)
    (down,) = torch.autograd.grad(AdversarialLoss().discriminator(torch.ones(1, 1, 2, 2), scores), scores)
    assert (up < 0).all()
    assert (down > 0).all()
