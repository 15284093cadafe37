"""Real heads: T1 and T2 of one patient, against the transforms that the data's authors supply."""

import numpy as np
import pytest
from laws import array
from registration_toys import distances, moved_points

from pipelines.studies.open_ms import head_patients, t1_to_t2
from preprocessing.registration.match import with_body
from preprocessing.registration.pair import PairRegistration
from preprocessing.scan import Scan
from preprocessing.volume import read_volume

AGREEMENT_MM = 1.0
"""Mean distance over the head; the supplied transforms are registrations themselves."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_patient_who_moved_is_brought_back(real_data):
    """Patient 03 lay 5.6 mm elsewhere for the second scan."""
    (patient,) = (p for p in head_patients(real_data / "open_ms") if p.name == "p03")
    fixed, moving = (with_body(Scan(image=read_volume(path))) for path in (patient.t1, patient.t2))
    alignment = PairRegistration().align(moving, fixed)
    index = np.argwhere(array(fixed.mask) > 0)[::499]
    head = np.array([fixed.image.TransformIndexToPhysicalPoint(i) for i in index.tolist()])
    truth = moved_points(t1_to_t2(patient), head)
    assert 5 < np.linalg.norm(head - truth, axis=1).mean() < 6.5
    assert distances(alignment.transform, head, truth).mean() < AGREEMENT_MM
    assert alignment.record["verdict"] == "accept", alignment.record["reasons"]
    information = alignment.record["mutual_information"]
    assert information["rigid"] > 1.5 * information["identity"]
