"""One typical patient, sampled once on a lattice that holds the whole region."""

import numpy as np
import pytest

from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.patient import typical_patient
from preprocessing.phantom.sampling import sample_anatomy
from preprocessing.phantom.scan_grids import make_grid

WHOLE_SPACING = 3.6
"""mm between the voxels of the lattice that holds the whole region."""


@pytest.fixture(scope="session")
def typical():
    """The typical patient's anatomy."""
    return HipAnatomy(typical_patient(7))


@pytest.fixture(scope="session")
def whole(typical):
    """The typical patient from thigh to iliac crest, left to right, front to back."""
    centre = typical.head_midpoint() + np.array([0, 15, -10])
    size = (117, 77, 94)
    grid = make_grid(centre=centre, axes="LPS", size=size, spacing=(WHOLE_SPACING,) * 3)
    return sample_anatomy(typical, grid)
