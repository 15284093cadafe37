"""Networks of the translator: generator, patch discriminator and the pool of past translations."""

from pipelines.networks.image_pool import ImagePool
from pipelines.networks.patch_discriminator import PatchDiscriminator
from pipelines.networks.resnet_generator import ResnetGenerator

__all__ = ["ImagePool", "PatchDiscriminator", "ResnetGenerator"]
