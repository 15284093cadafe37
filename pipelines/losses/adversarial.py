"""The least-squares game between generator and discriminator."""

from jaxtyping import Float
from monai.losses import PatchAdversarialLoss
from torch import Tensor, nn


class AdversarialLoss(nn.Module):
    """Least-squares adversarial loss: real patches are pulled to 1, translated ones to 0.

    Source: Mao et al. 2017, doi:10.1109/ICCV.2017.304, equation 9 (a = 0, b = c = 1), on MONAI's loss
    without the LeakyReLU that it puts before the square by default.
    """

    def __init__(self) -> None:
        super().__init__()
        self._loss = PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)

    def generator(self, translated_scores: Float[Tensor, "*scores"]) -> Float[Tensor, ""]:
        """Return how far the translations are from being taken for real: mean (D(G(x)) - 1)^2.

        Args:
            translated_scores: the discriminator's scores of the newest translations, with their graph.
        """
        loss: Tensor = self._loss(translated_scores, target_is_real=True, for_discriminator=False)
        return loss

    def discriminator(
        self, real_scores: Float[Tensor, "*real"], translated_scores: Float[Tensor, "*translated"]
    ) -> Float[Tensor, ""]:
        """Return half the sum of mean (D(y) - 1)^2 and mean D(G(x))^2.

        The half slows the discriminator, as in CycleGAN; Hiasa et al. do not say.

        Args:
            real_scores: scores of real slices.
            translated_scores: scores of detached translations, from the image pool.
        """
        real: Tensor = self._loss(real_scores, target_is_real=True, for_discriminator=True)
        translated: Tensor = self._loss(translated_scores, target_is_real=False, for_discriminator=True)
        return 0.5 * (real + translated)
