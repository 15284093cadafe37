"""Steps that choose the intensity window of a scan; the image itself stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from preprocessing.intensity_window import IntensityWindow
from preprocessing.scan import Scan

__all__ = ["FixedWindow", "IntensityWindow", "PercentileWindow"]


@dataclass(frozen=True, kw_only=True)
class FixedWindow:
    """The same window for every scan of a domain: CT, or MR of one scanner.

    Args:
        low: lower end, in `unit`.
        high: upper end, in `unit`.
        unit: "HU" or "nominal".
    """

    low: float
    high: float
    unit: str

    def __call__(self, scan: Scan) -> Scan:
        """Set the window.

        Args:
            scan: any scan.
        """
        return replace(scan, window=IntensityWindow(self.low, self.high, self.unit))


@dataclass(frozen=True, kw_only=True)
class PercentileWindow:
    """A window from 0 to a percentile of the body: MR, whose intensities have no unit.

    Args:
        percentile: of the intensities inside the body mask, in percent.
        unit: name of the arbitrary unit.
    """

    percentile: float = 99.5
    unit: str = "nominal"

    def __call__(self, scan: Scan) -> Scan:
        """Set the window from the intensities inside the body.

        Args:
            scan: a scan with a body mask, after bias correction.

        Raises:
            ValueError: if there is no mask, or the body holds nothing above 0.
        """
        if scan.mask is None:
            raise ValueError("PercentileWindow: expected a body mask, found none; put BodyMask before it")
        inside = sitk.GetArrayViewFromImage(scan.image)[sitk.GetArrayViewFromImage(scan.mask) > 0]
        high = float(np.percentile(inside, self.percentile)) if inside.size else 0.0
        if high <= 0:
            found = f"{self.percentile:g}th percentile {high:g}"
            raise ValueError(f"PercentileWindow: expected intensities above 0 in the body, found {found}")
        return replace(scan, window=IntensityWindow(0.0, high, self.unit))
