"""Split patients into training, validation and test, so that every domain gets its share."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from preprocessing.cohort import SPLITS
from preprocessing.selection.choice import SelectionError


@dataclass(frozen=True, kw_only=True)
class SplitShares:
    """How much of a cohort each split gets.

    Args:
        train: per cent of the patients.
        validation: per cent.
        test: per cent.
    """

    train: float
    validation: float
    test: float

    def __post_init__(self) -> None:
        """Refuse what does not add up."""
        if min(self.shares) < 0 or abs(sum(self.shares) - 100) > 1e-6:
            found = "/".join(f"{share:g}" for share in self.shares)
            raise SelectionError(
                f"split {found}: expected shares of 0 or more that add up to 100, as 70/15/15"
            )

    @property
    def shares(self) -> tuple[float, float, float]:
        """Per cent, in the order of the splits' names."""
        return self.train, self.validation, self.test

    @classmethod
    def parse(cls, text: str) -> SplitShares:
        """Read shares as a user writes them.

        Args:
            text: per cent of training, validation and test, such as "70/15/15".

        Raises:
            SelectionError: if it does not say that.
        """
        try:
            train, validation, test = (float(word) for word in text.split("/"))
        except ValueError as error:
            raise SelectionError(f"split {text!r}: expected three numbers as in 70/15/15") from error
        return cls(train=train, validation=validation, test=test)


def split_patients(domains: Mapping[str, Iterable[str]], shares: SplitShares, *, seed: int) -> dict[str, str]:
    """Split of every patient; it depends on nothing but the arguments, in whatever order they come.

    Patients are split apart for each set of domains that they have scans of, so that each domain gets its
    share as nearly as whole patients allow; what is left over by rounding goes from one set to the next.

    Args:
        domains: the domains of each patient's scans, by patient.
        shares: of the splits.
        seed: another seed deals out the patients anew.
    """
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for patient, names in domains.items():
        alike[tuple(sorted(set(names)))].append(patient)
    splits: dict[str, str] = {}
    owed = [0.0, 0.0, 0.0]
    for group in sorted(alike):
        patients = sorted(alike[group], key=lambda patient: _lot(patient, seed))
        ideal = [len(patients) * share / 100 + debt for share, debt in zip(shares.shares, owed, strict=True)]
        counts = _whole(ideal, len(patients))
        owed = [wanted - given for wanted, given in zip(ideal, counts, strict=True)]
        names = [name for name, count in zip(SPLITS, counts, strict=True) for _ in range(count)]
        splits.update(zip(patients, names, strict=True))
    return splits


def _lot(patient: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}|{patient}".encode()).hexdigest()


def _whole(ideal: list[float], total: int) -> list[int]:
    """Whole numbers near the ideal ones that add up to the total: each rest goes where most is missing."""
    counts = [0, 0, 0]
    for _ in range(total):
        missing = [wanted - given for wanted, given in zip(ideal, counts, strict=True)]
        counts[missing.index(max(missing))] += 1
    return counts
