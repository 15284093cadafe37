"""Identity: a slice that is already of the target domain should pass unchanged."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import l1_loss


class IdentityLoss(nn.Module):
    """Mean absolute difference between a slice and its translation into its own domain.

    Source: Zhu et al. 2017, doi:10.1109/ICCV.2017.244, section 5.2. Hiasa et al. 2018 have none: the
    trainer's weight is 0 unless asked for.
    """

    def forward(
        self,
        image: Float[Tensor, "batch channel row column"],
        unchanged: Float[Tensor, "batch channel row column"],
    ) -> Float[Tensor, ""]:
        """Return the scalar loss.

        Args:
            image: real slices of the target domain in [-1, 1].
            unchanged: what the generator into that domain makes of them.
        """
        return l1_loss(unchanged.float(), image.float())
