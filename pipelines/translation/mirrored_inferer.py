"""Slice inference averaged with that of the mirrored patient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from monai.inferers import SliceInferer
from torch import Tensor

LEFT_RIGHT = 2
"""Axis of (batch, channel, R, A, S) that runs from left to right."""


class MirroredSliceInferer(SliceInferer):
    """Translate a volume slice by slice, and mirrored from left to right as well, and average the two.

    What a generator adds to single voxels at random differs between the two and is halved; what it sees in
    both stays. Right where the training volumes are as often one way round as the other, as hips and heads
    are. It doubles the time. The arguments are those of MONAI's `SliceInferer`.
    """

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Tensor:
        """Return the averaged translation.

        Args:
            inputs: Shape (batch, channel, R, A, S) in [-1, 1].
            network: Generator in evaluation mode.
            *args: Passed on to the network.
            **kwargs: Passed on to the network.
        """
        straight = cast(Tensor, super().__call__(inputs, network, *args, **kwargs))
        mirrored = cast(Tensor, super().__call__(inputs.flip(LEFT_RIGHT), network, *args, **kwargs))
        return (straight + mirrored.flip(LEFT_RIGHT)) / 2
