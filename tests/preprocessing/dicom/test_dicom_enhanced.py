"""Frames of a multi-frame object are placed one by one: any order, several stacks, shared or own groups."""

import numpy as np
import pytest
from dicom_toys import (
    AXIAL,
    CORONAL,
    ENHANCED_MR,
    ROWS,
    counted,
    enhanced,
    mr,
    plane,
    positions_along,
    save,
    shared_groups,
    toy_series,
)
from pydicom import uid

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.header import read_frames
from preprocessing.dicom.read import read_series, read_stack
from preprocessing.dicom.series import stacks_of

PLACES = [0.0, 2.0, 4.0, 6.0, 8.0]


def pixels(order):
    return np.stack([counted(index) for index in order])


@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian]
)
@pytest.mark.parametrize("orientation", [AXIAL, CORONAL], ids=["axial", "coronal"])
def test_frames_in_any_order_are_the_same_volume_as_single_files(orientation, syntax, tmp_path):
    order = [3, 0, 4, 2, 1]
    positions = positions_along(PLACES, orientation)
    data = enhanced(
        [plane(positions[index]) for index in order], pixels(order), shared=shared_groups(orientation)
    )
    found = read_series([save(data, tmp_path / "enhanced", syntax=syntax)])
    expected = read_series(toy_series(tmp_path / "single", PLACES, orientation=orientation))
    assert found.image == expected.image
    assert found.image.GetOrigin() == pytest.approx(expected.image.GetOrigin())
    assert found.image.GetDirection() == pytest.approx(expected.image.GetDirection())
    assert found.image.GetSpacing() == pytest.approx(expected.image.GetSpacing())


def test_own_groups_win_over_shared_ones_and_those_over_the_file(tmp_path):
    positions = positions_along(PLACES)
    own = [
        plane(
            position,
            PlaneOrientationSequence={"ImageOrientationPatient": list(AXIAL)},
            PixelMeasuresSequence={"PixelSpacing": [0.75, 1.5]},
            PixelValueTransformationSequence={"RescaleSlope": 1 + index, "RescaleIntercept": index},
        )
        for index, position in enumerate(positions)
    ]
    lying = shared_groups(CORONAL, PixelMeasuresSequence={"PixelSpacing": [9, 9]})
    data = enhanced(own, pixels(range(5)), shared=lying, PixelSpacing=[8, 8])
    frames = read_frames(save(data, tmp_path / "own"))
    assert {frame.pixel_spacing for frame in frames} == {(0.75, 1.5)}
    assert {frame.orientation for frame in frames} == {AXIAL}
    assert [(frame.slope, frame.intercept) for frame in frames] == [(1 + index, index) for index in range(5)]
    bare = enhanced([plane(position) for position in positions], pixels(range(5)), shared=lying)
    assert {frame.pixel_spacing for frame in read_frames(save(bare, tmp_path / "shared"))} == {(9, 9)}


def test_each_frame_is_rescaled_by_its_own_slope(tmp_path):
    frames = [
        plane(
            position,
            PixelValueTransformationSequence={
                "RescaleSlope": 0.5 * (1 + index),
                "RescaleIntercept": 10 * index,
            },
        )
        for index, position in enumerate(positions_along(PLACES))
    ]
    data = enhanced(frames, pixels(range(5)), shared=shared_groups(), **_mr())
    found = read_series([save(data, tmp_path / "enhanced")])
    for index in range(5):
        expected = counted(index) * 0.5 * (1 + index) + 10 * index
        for row in range(ROWS):
            assert found.image[0, row, index] == pytest.approx(expected[row, 0])


def test_two_stacks_of_one_object_come_apart(tmp_path):
    groups, order = [], []
    for name, orientation in {"1": AXIAL, "2": CORONAL}.items():
        for index, position in enumerate(positions_along(PLACES, orientation)):
            group = plane(position, PlaneOrientationSequence={"ImageOrientationPatient": list(orientation)})
            groups.append({**group, "FrameContentSequence": {"StackID": name}})
            order.append(index)
    data = enhanced(groups, pixels(order), shared=shared_groups(), **_mr())
    path = save(data, tmp_path / "enhanced")
    stacks = stacks_of(read_frames(path))
    assert [len(stack.frames) for stack in stacks] == [5, 5]
    for stack, orientation in zip(stacks, (AXIAL, CORONAL), strict=True):
        expected = read_series(toy_series(tmp_path / stack.part[:5], PLACES, orientation=orientation, **mr()))
        assert read_stack(stack).image == expected.image


@pytest.mark.parametrize(
    ("group", "element", "values"),
    [
        ("FrameContentSequence", "TemporalPositionIndex", (1, 2)),
        ("MREchoSequence", "EffectiveEchoTime", (2.4, 7.1)),
        ("MRDiffusionSequence", "DiffusionBValue", (0.0, 800.0)),
        ("MRImageFrameTypeSequence", "ComplexImageComponent", ("MAGNITUDE", "PHASE")),
    ],
)
def test_volumes_in_one_object_come_apart(group, element, values, tmp_path):
    frames = [plane(at, **{group: {element: value}}) for value in values for at in positions_along(PLACES)]
    data = enhanced(frames, pixels([*range(5), *range(5)]), shared=shared_groups(), **_mr())
    stacks = stacks_of(read_frames(save(data, tmp_path / "enhanced")))
    assert [[frame.index for frame in stack.frames] for stack in stacks] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_too_few_descriptions_of_frames_are_refused(tmp_path):
    data = enhanced([plane(at) for at in positions_along(PLACES)], pixels(range(5)), shared=shared_groups())
    del data.PerFrameFunctionalGroupsSequence[-1]
    with pytest.raises(DicomError) as refusal:
        read_frames(save(data, tmp_path / "enhanced"))
    assert refusal.value.reason == "corrupt"


def test_frames_that_share_one_place_are_no_volume(tmp_path):
    data = enhanced([{} for _ in PLACES], pixels(range(5)), shared={**shared_groups(), **plane((0, 0, 0))})
    with pytest.raises(DicomError) as refusal:
        read_series([save(data, tmp_path / "enhanced")])
    assert refusal.value.reason == "conflicting_slices"


def _mr():
    return {"SOPClassUID": ENHANCED_MR, "Modality": "MR"}
