"""The range of intensities that a network or a metric sees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float, Shaped

GREY_LEVELS = 255.0
"""Largest grey level of the windowed metrics (Hiasa et al. 2018, section 3)."""


@dataclass(frozen=True)
class IntensityWindow:
    """A closed range of intensities that maps onto [-1, 1] or onto grey levels 0 to 255.

    Args:
        low: intensity that becomes -1, in `unit`.
        high: intensity that becomes 1, in `unit`.
        unit: "HU" for CT, "nominal" for MR.

    Raises:
        ValueError: if `low` and `high` are not finite and in order.
    """

    low: float
    high: float
    unit: str = "HU"

    def __post_init__(self) -> None:
        """Refuse an empty or endless window."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"window: expected finite low < high, found low={self.low}, high={self.high}")

    def forward(self, intensities: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Clip to the window and map onto [-1, 1].

        Args:
            intensities: array of any shape, in `unit`.
        """
        return self._fraction(intensities) * 2 - 1

    def backward(self, scaled: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Map [-1, 1] back onto intensities; values beyond are not clipped.

        Args:
            scaled: array of any shape.
        """
        return (scaled + 1) * ((self.high - self.low) / 2) + self.low

    def levels(self, intensities: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Clip to the window and map onto grey levels 0 to 255, not rounded.

        Args:
            intensities: array of any shape, in `unit`.
        """
        return self._fraction(intensities) * GREY_LEVELS

    def to_dict(self) -> dict[str, float | str]:
        """Fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> IntensityWindow:
        """Window from the fields that `to_dict` wrote.

        Args:
            fields: low, high and unit.
        """
        return cls(low=float(str(fields["low"])), high=float(str(fields["high"])), unit=str(fields["unit"]))

    def _fraction(self, intensities: np.ndarray) -> np.ndarray:
        kind = intensities.dtype if np.issubdtype(intensities.dtype, np.floating) else np.dtype(np.float64)
        clipped = np.clip(intensities.astype(kind), self.low, self.high)
        fraction: np.ndarray = (clipped - self.low) / (self.high - self.low)
        return fraction
