"""One patient in closed form, seen by two scanners, whole and small enough to register within a second."""

import numpy as np
import pytest
from laws import volume

from preprocessing.phantom.scan_grids import make_grid
from preprocessing.registration.pair import PairRegistration
from preprocessing.registration.start import Start
from preprocessing.scan import Scan

CENTRE = np.array([12.0, -7.0, 31.0])
SPACING = 5.0
ORGANS = (
    # place in mm from the centre, radii in mm, label
    ((-38.0, 8.0, 20.0), (16.0, 20.0, 34.0), 2),
    ((30.0, -20.0, 35.0), (22.0, 14.0, 18.0), 3),
    ((28.0, 18.0, -32.0), (14.0, 14.0, 26.0), 4),
    ((-25.0, -22.0, -38.0), (20.0, 12.0, 12.0), 3),
    ((0.0, 30.0, 0.0), (10.0, 9.0, 60.0), 4),
)
MR_LEVELS = np.array([2.0, 45.0, 90.0, 70.0, 20.0])
CT_LEVELS = np.array([-1000.0, 50.0, -90.0, 30.0, 500.0])
LANDMARKS = {f"organ_{number}": place for number, (place, _, _) in enumerate(ORGANS)}


def labels(where):
    """Air 0, flesh 1, three kinds of organ; LPS mm."""
    found = (((where - CENTRE) / np.array([75.0, 55.0, 88.0])) ** 2).sum(axis=-1) < 1
    found = found.astype(int)
    for place, radii, label in ORGANS:
        inside = (((where - CENTRE - np.array(place)) / np.array(radii)) ** 2).sum(axis=-1) < 1
        found[inside] = label
    return found


def sampled(grid, function, *, samples=2):
    """Image of a function of the place, averaged inside each voxel so that edges are not steps."""
    offsets = (
        np.stack(np.meshgrid(*[np.arange(samples)] * 3, indexing="ij"), -1).reshape(-1, 3) + 0.5
    ) / samples
    axes = np.reshape(grid.direction, (3, 3)) * np.array(grid.spacing)
    return volume(grid, lambda where: np.mean([function(where + axes @ (o - 0.5)) for o in offsets], axis=0))


def make_scan(
    levels, *, axes="LPS", angles=(0.0, 0.0, 0.0), size=(40, 32, 44), shift=(0.0, 0.0, 0.0), motion=None
):
    """The patient on a grid; `motion` takes points of the scanner to points of the patient at rest."""
    grid = make_grid(
        centre=CENTRE + np.array(shift), axes=axes, size=size, spacing=(SPACING,) * 3, angles=angles
    )

    def at_rest(where):
        return where if motion is None else motion(where)

    image = sampled(grid, lambda where: levels[labels(at_rest(where))])
    label = volume(grid, lambda where: labels(at_rest(where)), kind=np.uint8)
    return Scan(image=image, label=label, mask=label != 0)


@pytest.fixture(scope="session")
def mr():
    """The patient at rest as MR."""
    return make_scan(MR_LEVELS, axes="LIP", size=(40, 44, 30))


@pytest.fixture(scope="session")
def registration():
    """The bundle's stages at the patient's resolution."""
    return PairRegistration(start=Start(), spacing=SPACING, anti_aliasing=False)


@pytest.fixture(scope="session", name="make_scan")
def make_scan_fixture():
    """`make_scan`, for tests that cannot import this file."""
    return make_scan
