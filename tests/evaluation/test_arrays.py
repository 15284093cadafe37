"""The array of a volume does not depend on how the file stores it."""

import numpy as np
import pytest
import SimpleITK as sitk

from evaluation.arrays import axis_of, canonical_array, canonical_spacing, slices


@pytest.fixture
def marked():
    """An LPS volume 4 x 5 x 6 with one voxel at its right, front and upper end."""
    array = np.zeros((6, 5, 4), np.float32)  # SimpleITK: [superior, posterior, left]
    array[5, 0, 0] = 7.0
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((2.0, 1.5, 3.0))
    return image


@pytest.mark.parametrize("stored", ["LPS", "RAS", "LAS", "PSR", "SLA"])
def test_marker_is_at_the_patients_right_front_and_head_however_stored(marked, stored):
    image = sitk.DICOMOrient(marked, stored)
    array = canonical_array(image)
    assert array.shape == (4, 5, 6)
    assert array[-1, -1, -1] == 7.0
    assert canonical_spacing(image) == (2.0, 1.5, 3.0)


@pytest.mark.parametrize(("plane", "shape"), [("sagittal", (5, 6)), ("coronal", (4, 6)), ("axial", (4, 5))])
def test_slices_are_stacked_along_the_axis_of_their_plane(plane, shape):
    volume = np.arange(120.0).reshape(4, 5, 6)
    stack = list(slices(volume, plane))
    assert {s.shape for s in stack} == {shape}
    assert len(stack) == volume.shape[axis_of(plane)]
    np.testing.assert_array_equal(np.stack(stack, axis=axis_of(plane)), volume)
