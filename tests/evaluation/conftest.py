"""Volumes shared by the tests of the metrics."""

import numpy as np
import pytest

from preprocessing.intensity_window import IntensityWindow

SPACING = (2.0, 1.5, 3.0)
SHAPE = (24, 20, 16)


def coordinates(shape=SHAPE, spacing=SPACING) -> np.ndarray:
    """Millimetres of the voxel centres from the middle, [3, R, A, S]."""
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(shape, spacing, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"))


def hip_like(*, shift: float = 0.0) -> np.ndarray:
    """Air, a fat layer, muscle with a slope, and an eccentric bone, in HU."""
    r, a, s = coordinates()
    volume = np.full(SHAPE, -1000.0)
    volume[(r / 22) ** 2 + (a / 14) ** 2 <= 1] = -100.0
    muscle = (r / 19) ** 2 + (a / 12) ** 2 <= 1
    volume[muscle] = (50 + 0.8 * r + 0.5 * s)[muscle]
    volume[np.hypot(r - 6 - shift, a + 2) <= 5] = 700.0
    return volume


@pytest.fixture
def spacing() -> tuple[float, float, float]:
    """mm along R, A, S; different, so that a mixed-up axis shows."""
    return SPACING


@pytest.fixture
def window() -> IntensityWindow:
    """The paper's CT window."""
    return IntensityWindow(-150.0, 350.0, "HU")


@pytest.fixture
def reference() -> np.ndarray:
    """A hip-like CT [R, A, S] in HU."""
    return hip_like()


@pytest.fixture
def prediction() -> np.ndarray:
    """The same with the bone out of place, muscle too bright and a slope along the stack."""
    _, _, s = coordinates()
    return hip_like(shift=2.0) + 12.0 + 0.7 * s


@pytest.fixture
def body(reference) -> np.ndarray:
    """Everything but air."""
    return reference > -500


@pytest.fixture
def ball():
    """Make a ball: voxels whose centres lie within `radius` mm of `centre`."""

    def make(radius: float, *, centre=(0.0, 0.0, 0.0), shape=SHAPE, spacing=SPACING) -> np.ndarray:
        offset = coordinates(shape, spacing) - np.reshape(centre, (3, 1, 1, 1))
        return np.sqrt(np.square(offset).sum(axis=0)) <= radius

    return make
