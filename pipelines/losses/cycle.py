"""Cycle consistency: there and back again is the same slice."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import l1_loss


class CycleLoss(nn.Module):
    """Mean absolute difference between a slice and what comes back after both translations.

    Source: Zhu et al. 2017, doi:10.1109/ICCV.2017.244, equation 2. Its weight is the trainer's.
    """

    def forward(
        self,
        image: Float[Tensor, "batch channel row column"],
        recovered: Float[Tensor, "batch channel row column"],
    ) -> Float[Tensor, ""]:
        """Return the scalar loss.

        Args:
            image: real slices in [-1, 1].
            recovered: the same slices translated to the other domain and back.
        """
        return l1_loss(recovered.float(), image.float())
