"""The learning-rate schedule of CycleGAN."""

from __future__ import annotations


class ConstantThenLinear:
    """Factor that stays at 1 and then falls linearly to 0.

    Args:
        constant: Iterations at the full learning rate.
        decay: Iterations over which it falls; it reaches 0 after the last one.

    Source:
        Hiasa et al. 2018, doi:10.1007/978-3-030-00536-8_4, section 2.3: 1e5 constant, then 1e5 to zero.
    """

    def __init__(self, *, constant: int, decay: int) -> None:
        if constant < 0 or decay < 0:
            raise ValueError(f"Wanted two counts of iterations, got constant={constant} and decay={decay}.")
        self.constant = constant
        self.decay = decay

    def __call__(self, iteration: int) -> float:
        """Return the factor for an iteration counted from 0."""
        if iteration < self.constant:
            return 1.0
        return max(0.0, 1.0 - (iteration - self.constant) / max(self.decay, 1))
