"""Whether a registration is good enough to call two scans a pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from preprocessing.registration.quality import Folding, StageQuality

Verdict = Literal["accept", "review", "reject"]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict, and why it is not better.

    Args:
        verdict: accept, review (a person must look) or reject.
        reasons: one sentence for each threshold that was missed; none for accept.
    """

    verdict: Verdict
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Thresholds: short of the first number of each is review, short of the second is reject.

    Args:
        body_dice: least Dice of the body masks.
        sharpness: least share of the rigid motion's mutual information that a shift of 10 mm takes away.
        compared: least share of the fixed body that the moving image reaches.
        landmark_error: largest mean distance of common landmarks, mm.
        jacobian: least determinant of the deformation's Jacobian; at or below the second it folds.
        gain: the B-spline is kept if it raises the mutual information by this share at least,
        dice_loss: lowers the body Dice by no more than this, which is what masks of two modalities waver by,
        landmark_loss: and raises the mean landmark error by no more mm than this, which is what landmarks
            read with an error of 3 mm waver by.
    """

    body_dice: Sequence[float] = (0.95, 0.85)
    sharpness: Sequence[float] = (0.38, 0.15)
    compared: Sequence[float] = (0.9, 0.5)
    landmark_error: Sequence[float] = (8.0, 20.0)
    jacobian: Sequence[float] = (0.2, 0.0)
    gain: float = 0.05
    dice_loss: float = 0.003
    landmark_loss: float = 1.0

    def __post_init__(self) -> None:
        """Keep pairs as tuples, also where JSON gave lists."""
        for name in ("body_dice", "sharpness", "compared", "landmark_error", "jacobian"):
            review, reject = getattr(self, name)
            object.__setattr__(self, name, (float(review), float(reject)))

    def judge(self, quality: StageQuality, *, sharpness: float, folding: Folding) -> Judgement:
        """Judge a registration.

        Args:
            quality: of the transform that is kept.
            sharpness: of its rigid motion, as `quality.sharpness` measures it.
            folding: of the same.
        """
        found = list(self._faults(quality, sharpness, folding))
        verdicts: list[Verdict] = ["reject" if worst else "review" for worst, _ in found]
        verdict: Verdict = "reject" if "reject" in verdicts else "review" if verdicts else "accept"
        return Judgement(verdict=verdict, reasons=tuple(reason for _, reason in found))

    def _faults(
        self, quality: StageQuality, sharpness: float, folding: Folding
    ) -> Iterator[tuple[bool, str]]:
        least = (
            ("body_dice", quality.body_dice, "Dice of the body masks"),
            ("sharpness", sharpness, "share of the mutual information that a shift of 10 mm takes away"),
            ("compared", quality.compared, "share of the fixed body that the moving image reaches"),
            ("jacobian", folding.minimum, "least determinant of the Jacobian"),
        )
        for name, value, meaning in least:
            review, reject = getattr(self, name)
            if value < review or value <= reject:
                wanted = f"expected at least {review:g}, {reject:g} for review"
                yield value <= reject, f"{name}: {wanted}, found {value:.3g} ({meaning})"
        error, (review, reject) = quality.landmark_error, self.landmark_error
        if error is not None and error > review:
            wanted = f"expected at most {review:g} mm, {reject:g} mm for review"
            yield error >= reject, f"landmark_error: {wanted}, found {error:.3g} mm (mean of the landmarks)"

    def fault_of_deformation(self, before: StageQuality, after: StageQuality, folding: Folding) -> str | None:
        """Say why a deformation is dropped for the rigid motion before it, or return None.

        Args:
            before: quality of the rigid motion.
            after: quality with the deformation.
            folding: of the deformation.
        """
        if folding.share > 0:
            return f"folds {folding.share:.3%} of the body, least determinant {folding.minimum:.3g}"
        wanted = before.mutual_information * (1 + self.gain)
        if after.mutual_information < wanted:
            return f"mutual information {after.mutual_information:.4g} nat, expected {wanted:.4g} at least"
        if after.body_dice < before.body_dice - self.dice_loss:
            return f"Dice of the body masks {after.body_dice:.4g}, {before.body_dice:.4g} before"
        errors = (before.landmark_error, after.landmark_error)
        if errors[0] is not None and errors[1] is not None and errors[1] > errors[0] + self.landmark_loss:
            return f"mean landmark error {errors[1]:.3g} mm, {errors[0]:.3g} mm before"
        return None
