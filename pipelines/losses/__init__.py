"""Losses of the translator: adversarial, cycle, identity and gradient consistency."""

from pipelines.losses.adversarial import AdversarialLoss
from pipelines.losses.cycle import CycleLoss
from pipelines.losses.gradient_consistency import GradientConsistencyLoss
from pipelines.losses.identity import IdentityLoss

__all__ = ["AdversarialLoss", "CycleLoss", "GradientConsistencyLoss", "IdentityLoss"]
