"""Every voxel lies where its own slice's header puts it: PS3.3, section C.7.6.2.1.1, is the law."""

import numpy as np
import pytest
from dicom_toys import (
    AXIAL,
    COLUMNS,
    CORNER,
    CORONAL,
    PIXEL_SPACING,
    ROWS,
    SAGITTAL,
    counted,
    mr,
    positions_along,
    toy_series,
    turned,
    world_of,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from laws import array
from pydicom import dcmread

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.header import read_frames
from preprocessing.dicom.read import read_series, read_stack
from preprocessing.dicom.series import stacks_of

PLACES = [0.0, 2.5, 5.0, 7.5, 10.0]
OBLIQUE = turned(AXIAL, (20.0, -13.0, 31.0))
ORIENTATIONS = {
    "axial": AXIAL,
    "coronal": CORONAL,
    "sagittal": SAGITTAL,
    "feet first": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    "prone": (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
    "oblique": OBLIQUE,
    "oblique coronal": turned(CORONAL, (8.0, 5.0, -9.0)),
}
PLACE_MM = 1e-3
SLOPE = np.array([3.0, -5.0, 4.0])
"""Change per millimetre of a picture that is linear in space."""


def ramp(places):
    """Value at places in the patient, so that whatever is interpolated linearly is known."""
    return (np.asarray(places) - CORNER) @ SLOPE


def ramp_pixels(orientation, places, slant=(0, 0)):
    """Pixels of each slice of a series that shows the ramp."""
    starts = positions_along(places, orientation, slant)
    row, column = np.reshape(orientation, (2, 3))
    rows, columns = np.indices((ROWS, COLUMNS))
    offsets = np.multiply.outer(columns * PIXEL_SPACING[1], row)
    offsets = offsets + np.multiply.outer(rows * PIXEL_SPACING[0], column)
    return lambda index: np.rint(ramp(starts[index] + offsets))


def voxel_places(image):
    """LPS millimetres of every voxel, as SimpleITK tells them."""
    size = image.GetSize()
    origin, spacing = np.array(image.GetOrigin()), np.array(image.GetSpacing())
    direction = np.array(image.GetDirection()).reshape(3, 3)
    index = np.moveaxis(np.indices(size), 0, -1)
    return origin + (index * spacing) @ direction.T


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_each_voxel_lies_where_its_slice_says(name, tmp_path):
    paths = toy_series(tmp_path, PLACES, orientation=ORIENTATIONS[name], **mr())
    image = read_series(tmp_path).image
    values, places = array(image), voxel_places(image)
    seen = 0
    for index, path in enumerate(paths):
        data = dcmread(path)
        for row in range(ROWS):
            for column in range(COLUMNS):
                (where,) = np.argwhere(values == counted(index)[row, column])
                found = image.TransformIndexToPhysicalPoint([int(axis) for axis in where])
                np.testing.assert_allclose(found, world_of(data, row, column), atol=PLACE_MM)
                np.testing.assert_allclose(places[tuple(where)], found, atol=PLACE_MM)
                seen += 1
    assert seen == values.size


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(len(PLACES))),
    names=st.permutations(range(len(PLACES))),
    numbers=st.permutations(range(len(PLACES))),
)
def test_neither_file_names_nor_instance_numbers_order_slices(order, names, numbers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    shuffled = [PLACES[index] for index in order]
    elements = {"orientation": OBLIQUE, "pixels": lambda index: counted(order[index])}
    paths = toy_series(folder, shuffled, **elements, **mr(), InstanceNumber=None)
    for path, name, number in zip(paths, names, numbers, strict=True):
        data = dcmread(path)
        data.InstanceNumber = number
        data.save_as(path)
        path.rename(folder / f"{name}.dcm")
    straight = read_series(toy_series(folder / "straight", PLACES, orientation=OBLIQUE, **mr()))
    found = read_series([path for path in sorted(folder.iterdir()) if path.is_file()])
    assert found.image == straight.image
    assert found.image.GetOrigin() == straight.image.GetOrigin()


@pytest.mark.parametrize("slant", [(0, 0.4), (0, -0.4), (-0.3, 0), (0.25, -0.5)])
@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
def test_a_slanted_stack_is_sheared_upright(slant, orientation, tmp_path):
    picture = ramp_pixels(orientation, PLACES, slant)
    paths = toy_series(tmp_path, PLACES, orientation=orientation, slant=slant, pixels=picture)
    volume = read_series(tmp_path)
    row, column = np.reshape(orientation, (2, 3))
    expected_axes = np.stack([row, column, np.cross(row, column)], axis=1)
    np.testing.assert_allclose(np.reshape(volume.image.GetDirection(), (3, 3)), expected_axes, atol=1e-6)
    angle = np.degrees(np.arctan(np.hypot(*slant)))
    assert volume.record["tilt_degrees"] == pytest.approx(angle, abs=0.01)
    values, places = array(volume.image), voxel_places(volume.image)
    inside = _inside(paths, places)
    assert inside.sum() > 0.5 * len(paths) * (ROWS - 1) * (COLUMNS - 1)
    np.testing.assert_allclose(values[inside], ramp(places[inside]), atol=2)
    far = _inside(paths, places, margin=-1.01)
    assert (values[~far] == -1000).all()


@pytest.mark.parametrize("slant", [(0, 0), (0, 0.3)])
def test_mixed_gaps_are_resliced_where_the_slices_are(slant, tmp_path):
    places = [0, 2, 4, 6, 12, 18, 24, 25, 26, 27, 28]
    picture = ramp_pixels(AXIAL, places, slant)
    toy_series(tmp_path, places, slant=slant, pixels=picture, Rows=ROWS)
    volume = read_series(tmp_path)
    assert volume.image.GetSpacing()[2] == pytest.approx(1.0)
    assert volume.image.GetSize()[2] == 29
    normal_places = np.asarray(volume.record["positions_mm"]) - CORNER[2]
    np.testing.assert_allclose(normal_places, places, atol=PLACE_MM)
    values, where = array(volume.image), voxel_places(volume.image)
    known = values != -1000
    np.testing.assert_allclose(values[known][:, None], ramp(where[known])[:, None], atol=3)
    if slant == (0, 0):
        for place in (0, 4, 12, 18, 24, 27):
            index = places.index(place)
            np.testing.assert_array_equal(values[..., place], picture(index).T)


def test_slices_beside_the_line_are_refused(tmp_path):
    toy_series(tmp_path / "a", [0, 1, 2, 3])
    moved = toy_series(tmp_path / "b", [4, 5])
    for path in moved:
        data = dcmread(path)
        data.ImagePositionPatient = [CORNER[0] + 30, CORNER[1], data.ImagePositionPatient[2]]
        data.save_as(path)
    with pytest.raises(DicomError) as refusal:
        read_series(tmp_path)
    assert refusal.value.reason == "scattered_slices"


def test_each_source_slice_keeps_its_own_plane(tmp_path):
    paths = toy_series(tmp_path, [0, 2, 4, 6, 9, 12, 15], orientation=OBLIQUE, slant=(0, 0.4))
    volume = read_series(tmp_path)
    assert len(volume.slice_grids) == len(paths)
    for path, grid in zip(paths, volume.slice_grids, strict=True):
        data = dcmread(path)
        last = grid.affine_lps @ [COLUMNS - 1, ROWS - 1, 0, 1]
        np.testing.assert_allclose(last[:3], world_of(data, ROWS - 1, COLUMNS - 1), atol=PLACE_MM)
        assert grid.size == (COLUMNS, ROWS, 1)


def test_places_come_from_the_file_and_not_from_the_reader_of_another(tmp_path):
    first = toy_series(tmp_path / "a", PLACES)
    second = toy_series(tmp_path / "b", PLACES, SeriesInstanceUID="1.2.3", SeriesNumber=8)
    frames = [frame for path in (*second, *first) for frame in read_frames(path)]
    one, two = (read_stack(stack) for stack in stacks_of(frames))
    assert one.image == two.image


def _inside(paths, places, margin=0.51):
    """Which voxels lie within the slice at their own depth; a margin in pixels keeps off its edge."""
    inside = np.zeros(places.shape[:3], dtype=bool)
    for depth, path in enumerate(paths):
        data = dcmread(path)
        row, column = np.reshape(np.array(data.ImageOrientationPatient, dtype=float), (2, 3))
        offset = places[:, :, depth] - np.array(data.ImagePositionPatient, dtype=float)
        across, down = offset @ row / PIXEL_SPACING[1], offset @ column / PIXEL_SPACING[0]
        inside[:, :, depth] = (across > -1 + margin) & (across < COLUMNS - margin)
        inside[:, :, depth] &= (down > -1 + margin) & (down < ROWS - margin)
        if margin > 0:
            inside[:, :, depth] &= (across >= 0) & (across <= COLUMNS - 1) & (down >= 0) & (down <= ROWS - 1)
    return inside
