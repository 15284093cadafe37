"""The objective is the sum that the paper writes, term by term."""

import pytest
import torch
from torch import nn

from pipelines.losses.adversarial import AdversarialLoss
from pipelines.losses.cycle import CycleLoss
from pipelines.losses.gradient_consistency import GradientConsistencyLoss, gradient_consistency
from pipelines.losses.identity import IdentityLoss
from pipelines.training.cyclegan import CycleGAN
from pipelines.training.objective import CycleGANObjective

CYCLE, CONSISTENCY, IDENTITY = 3.0, 0.3, 0.5


def networks() -> CycleGAN:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 1, 3, padding=1) for _ in range(4)]
    names = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")
    return CycleGAN(**dict(zip(names, layers, strict=True)))


def slices() -> tuple[torch.Tensor, torch.Tensor]:
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 12), torch.linspace(-1, 1, 10), indexing="ij")
    wave = torch.stack([(5 * rows + 3 * columns).sin(), (4 * rows * columns).cos()])[:, None]
    return wave, (wave - rows).tanh()


def objective(*, consistency=True, identity_weight=0.0, kind="signed") -> CycleGANObjective:
    return CycleGANObjective(
        adversarial=AdversarialLoss(),
        cycle=CycleLoss(),
        cycle_weight=CYCLE,
        gradient_consistency=GradientConsistencyLoss(kind=kind) if consistency else None,
        gradient_consistency_weight=CONSISTENCY,
        identity=IdentityLoss(),
        identity_weight=identity_weight,
    )


def by_hand(cyclegan: CycleGAN) -> dict[str, torch.Tensor]:
    a, b = slices()
    to_b, to_a = cyclegan.generator_ab, cyclegan.generator_ba
    fake_b, fake_a = to_b(a), to_a(b)
    return {
        "adversarial": ((cyclegan.discriminator_a(fake_a) - 1) ** 2).mean()
        + ((cyclegan.discriminator_b(fake_b) - 1) ** 2).mean(),
        "cycle": (to_a(fake_b) - a).abs().mean() + (to_b(fake_a) - b).abs().mean(),
        "consistency": (1 - gradient_consistency(a, fake_b, kind="signed")).mean()
        + (1 - gradient_consistency(b, fake_a, kind="signed")).mean(),
        "identity": (to_a(a) - a).abs().mean() + (to_b(b) - b).abs().mean(),
    }


@pytest.mark.parametrize(
    ("built", "weights"),
    [
        # Because of the 1/2 in L_GC each direction weighs 0.15 where lambda_GC is 0.3.
        (objective(), {"adversarial": 1, "cycle": 3, "consistency": 0.15}),
        (objective(consistency=False), {"adversarial": 1, "cycle": 3}),
        (
            objective(identity_weight=IDENTITY),
            {"adversarial": 1, "cycle": 3, "consistency": 0.15, "identity": 0.5},
        ),
    ],
)
def test_generators_total_is_the_sum_by_hand(built, weights):
    cyclegan = networks()
    terms = by_hand(cyclegan)
    expected = sum(weight * terms[name] for name, weight in weights.items())
    total = built.generators(cyclegan, cyclegan(*slices()))["generator"]
    torch.testing.assert_close(total, expected)


def test_absolute_consistency_is_another_objective():
    cyclegan = networks()
    images = cyclegan(*slices())
    signed, absolute = (objective(kind=kind).generators(cyclegan, images) for kind in ("signed", "absolute"))
    assert not torch.isclose(signed["generator"], absolute["generator"])


def test_each_term_is_reported_unweighted():
    cyclegan = networks()
    expected = by_hand(cyclegan)
    terms = objective(identity_weight=IDENTITY).generators(cyclegan, cyclegan(*slices()))
    for reported, name in (
        ("adversarial", "adversarial"),
        ("cycle", "cycle"),
        ("gradient_consistency", "consistency"),
        ("identity", "identity"),
    ):
        torch.testing.assert_close(terms[f"{reported}_a"] + terms[f"{reported}_b"], expected[name])


def test_discriminators_judge_real_against_pooled_slices():
    cyclegan = networks()
    a, b = slices()
    pooled = b.flip(0), a.flip(-1)
    terms = objective().discriminators(cyclegan, cyclegan(a, b), pooled)
    for side, real, fake in (("a", a, pooled[0]), ("b", b, pooled[1])):
        judge = getattr(cyclegan, f"discriminator_{side}")
        expected = 0.5 * (((judge(real) - 1) ** 2).mean() + (judge(fake) ** 2).mean())
        torch.testing.assert_close(terms[f"discriminator_{side}"], expected)
    torch.testing.assert_close(terms["discriminator"], terms["discriminator_a"] + terms["discriminator_b"])


def test_the_papers_weights_are_the_defaults():
    built = CycleGANObjective(adversarial=AdversarialLoss(), cycle=CycleLoss())
    assert (built.cycle_weight, built.gradient_consistency_weight) == (3.0, 0.3)
    assert (built.identity, built.identity_weight) == (None, 0.0)
