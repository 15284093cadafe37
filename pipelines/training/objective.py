"""What the generators and the discriminators minimise."""

from __future__ import annotations

from torch import Tensor, nn

from pipelines.losses.adversarial import AdversarialLoss
from pipelines.losses.cycle import CycleLoss
from pipelines.losses.gradient_consistency import GradientConsistencyLoss
from pipelines.losses.identity import IdentityLoss
from pipelines.training.cyclegan import CycleGAN, CycleImages

HIASA_CYCLE_WEIGHT = 3.0
"""lambda_cycle of Hiasa et al. 2018, doi:10.1007/978-3-030-00536-8_4, section 2.3."""

HIASA_GRADIENT_CONSISTENCY_WEIGHT = 0.3
"""lambda_GC of Hiasa et al. 2018."""


class CycleGANObjective(nn.Module):
    """Adversarial + cycle + gradient consistency + identity, each direction beside the other.

    L = L_adv,A + L_adv,B + cycle_weight (L_cycle,A + L_cycle,B)
    + gradient_consistency_weight 1/2 (L_GC,A + L_GC,B) + identity_weight (L_idt,A + L_idt,B).
    A loss left out has no term.

    Args:
        adversarial: Loss of the game between generators and discriminators.
        cycle: Distance between a slice and what comes back.
        cycle_weight: Its weight.
        gradient_consistency: 1 - GC between a slice and its translation; None for plain CycleGAN.
        gradient_consistency_weight: Its weight; because of the 1/2 each direction weighs half of it.
        identity: Distance between a slice and its translation into its own domain; None as in Hiasa et al.
        identity_weight: Its weight.

    Source:
        Hiasa et al. 2018, doi:10.1007/978-3-030-00536-8_4, equations 1 to 6.
    """

    def __init__(
        self,
        *,
        adversarial: AdversarialLoss,
        cycle: CycleLoss,
        cycle_weight: float = HIASA_CYCLE_WEIGHT,
        gradient_consistency: GradientConsistencyLoss | None = None,
        gradient_consistency_weight: float = HIASA_GRADIENT_CONSISTENCY_WEIGHT,
        identity: IdentityLoss | None = None,
        identity_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.adversarial = adversarial
        self.cycle = cycle
        self.cycle_weight = cycle_weight
        self.gradient_consistency = gradient_consistency
        self.gradient_consistency_weight = gradient_consistency_weight
        self.identity = identity
        self.identity_weight = identity_weight

    def generators(self, networks: CycleGAN, images: CycleImages) -> dict[str, Tensor]:
        """Return the generators' weighted total as `generator` and each unweighted term by its name."""
        terms = {
            "adversarial_a": self.adversarial.generator(networks.discriminator_a(images.fake_a)),
            "adversarial_b": self.adversarial.generator(networks.discriminator_b(images.fake_b)),
            "cycle_a": self.cycle(images.real_a, images.recovered_a),
            "cycle_b": self.cycle(images.real_b, images.recovered_b),
        }
        total = terms["adversarial_a"] + terms["adversarial_b"]
        total = total + self.cycle_weight * (terms["cycle_a"] + terms["cycle_b"])
        # Told at weight 0 as well, so that a run which does without it still shows what became of it.
        if self.gradient_consistency is not None:
            terms |= self._gradient_consistency_terms(self.gradient_consistency, images)
            mean = 0.5 * (terms["gradient_consistency_a"] + terms["gradient_consistency_b"])
            total = total + self.gradient_consistency_weight * mean
        if self.identity is not None and self.identity_weight > 0:
            terms |= self._identity_terms(self.identity, networks, images)
            total = total + self.identity_weight * (terms["identity_a"] + terms["identity_b"])
        return {"generator": total, **terms}

    def discriminators(
        self, networks: CycleGAN, images: CycleImages, pooled: tuple[Tensor, Tensor]
    ) -> dict[str, Tensor]:
        """Return the discriminators' total as `discriminator` and each one's loss.

        Args:
            networks: The CycleGAN.
            images: The step's images, of which the real ones are used.
            pooled: Past translations into A and into B, without gradients.
        """
        fake_a, fake_b = pooled
        loss_a = self.adversarial.discriminator(
            networks.discriminator_a(images.real_a), networks.discriminator_a(fake_a)
        )
        loss_b = self.adversarial.discriminator(
            networks.discriminator_b(images.real_b), networks.discriminator_b(fake_b)
        )
        return {"discriminator": loss_a + loss_b, "discriminator_a": loss_a, "discriminator_b": loss_b}

    @staticmethod
    def _gradient_consistency_terms(loss: GradientConsistencyLoss, images: CycleImages) -> dict[str, Tensor]:
        return {
            "gradient_consistency_a": loss(images.real_a, images.fake_b),
            "gradient_consistency_b": loss(images.real_b, images.fake_a),
        }

    @staticmethod
    def _identity_terms(loss: IdentityLoss, networks: CycleGAN, images: CycleImages) -> dict[str, Tensor]:
        return {
            "identity_a": loss(images.real_a, networks.generator_ba(images.real_a)),
            "identity_b": loss(images.real_b, networks.generator_ab(images.real_b)),
        }
