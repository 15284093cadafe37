"""A volume that was chosen for a domain, before it is a case of a cohort."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class SelectionError(ValueError):
    """Cases cannot be chosen as asked; the message names rule, column or file, and says what to do."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A chosen volume.

    Args:
        domain: the domain it was chosen for.
        patient: pseudonym of the patient.
        image: the file.
        order: what orders several volumes of a patient in one domain, such as the series' name.
        study: of the patient, or empty.
        frame_of_reference: of the scan, or empty.
    """

    domain: str
    patient: str
    image: Path
    order: str
    study: str = ""
    frame_of_reference: str = ""
