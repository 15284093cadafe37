"""Find implants in CT: the paper leaves such patients out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from preprocessing.scan import Scan

ACTIONS = ("flag", "refuse")
MM3_PER_ML = 1000.0


@dataclass(frozen=True, kw_only=True)
class MetalDetector:
    """Note every connected volume denser than bone inside the body, and warn of it or refuse the case.

    Hiasa et al. 2018 (doi:10.1007/978-3-030-00536-8_4) exclude implants. Cortical bone reaches about
    2000 HU; steel and cobalt-chrome go beyond the 3071 HU at which 12-bit scanners clip, which is above
    the threshold still. Noise and teeth-sized beads stay below the volume.

    Args:
        threshold: CT number above which a voxel is metal, HU.
        volume: least volume of a connected piece that counts, mL.
        action: "flag" leaves a note and a warning; "refuse" raises an error as well.
    """

    threshold: float = 2500.0
    volume: float = 0.5
    action: str = "flag"

    def __post_init__(self) -> None:
        """Refuse an unknown action and a volume that noise would reach."""
        if self.action not in ACTIONS or self.volume <= 0:
            raise ValueError(
                f"MetalDetector: expected an action of {ACTIONS} and a volume above 0 mL, "
                f"found {self.action!r} and {self.volume:g}"
            )

    def __call__(self, scan: Scan) -> Scan:
        """Leave a note of the metal; the image stays.

        Args:
            scan: a CT in HU, with a body mask where the couch may hold metal.

        Raises:
            ValueError: if there is metal and the action is "refuse".
        """
        pieces = list(self._pieces(scan))
        scan = scan.with_note("MetalDetector", {"threshold": self.threshold, "pieces": pieces})
        if not pieces:
            return scan
        message = _message(pieces, self.threshold)
        if self.action == "refuse":
            raise ValueError(
                f"MetalDetector: expected a patient without implants, found {message}; "
                "leave the case out, or set the action to 'flag'"
            )
        return scan.with_warning(f"an implant: {message}")

    def _pieces(self, scan: Scan) -> Iterator[dict[str, object]]:
        metal = scan.image > self.threshold
        if scan.mask is not None:
            metal = metal & (scan.mask != 0)
        components = sitk.ConnectedComponentImageFilter()
        # By corners too: a thin wire runs obliquely through the grid.
        components.FullyConnectedOn()
        labels = components.Execute(metal)
        shape = sitk.LabelShapeStatisticsImageFilter()
        shape.Execute(labels)
        found = {label: shape.GetPhysicalSize(label) / MM3_PER_ML for label in shape.GetLabels()}
        for label in sorted(found, key=lambda label: -found[label]):
            if found[label] >= self.volume:
                low, high = _box(scan.image, shape.GetBoundingBox(label))
                yield {"volume_ml": round(found[label], 3), "low_lps_mm": low, "high_lps_mm": high}


def _box(image: sitk.Image, box: tuple[int, ...]) -> tuple[list[float], list[float]]:
    """Return the lowest and highest LPS coordinates of a box of voxels, their outer faces included."""
    start, size = np.array(box[:3]), np.array(box[3:])
    corners = [
        image.TransformContinuousIndexToPhysicalPoint((start - 0.5 + size * np.array(corner)).tolist())
        for corner in np.ndindex(2, 2, 2)
    ]
    return (
        [round(value, 2) for value in np.min(corners, axis=0).tolist()],
        [round(value, 2) for value in np.max(corners, axis=0).tolist()],
    )


def _message(pieces: list[dict[str, object]], threshold: float) -> str:
    largest = pieces[0]
    count = "1 piece" if len(pieces) == 1 else f"{len(pieces)} pieces"
    return (
        f"{count} above {threshold:g} HU, the largest of {largest['volume_ml']} mL between "
        f"{largest['low_lps_mm']} and {largest['high_lps_mm']} mm (LPS)"
    )
