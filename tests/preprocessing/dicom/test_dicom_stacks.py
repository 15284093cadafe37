"""What is no single volume comes apart: series, planes, echoes, time points, parts, acquisitions."""

import pickle

import numpy as np
import pytest
from dicom_toys import AXIAL, COLUMNS, CORONAL, ROWS, SAGITTAL, counted, mr, toy_series

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.header import read_frames
from preprocessing.dicom.read import read_series, read_stack
from preprocessing.dicom.series import stacks_of

PLACES = [0.0, 2.0, 4.0, 6.0]


def stacks_in(folder):
    """Stacks of all files below a folder, which come in an order that helps nobody."""
    paths = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.name[::-1])
    return stacks_of(frame for path in paths for frame in read_frames(path))


SEPARATE = {
    "series": ({}, {"SeriesInstanceUID": "1.2.3.4"}),
    "patients": ({"PatientID": "one"}, {"PatientID": "two"}),
    "echo times": (mr(EchoTime=2.4), mr(EchoTime=7.1)),
    "echo numbers": (mr(EchoNumbers=1), mr(EchoNumbers=2)),
    "time points": (mr(TemporalPositionIdentifier=1), mr(TemporalPositionIdentifier=2)),
    "heart phases": (mr(TriggerTime=0), mr(TriggerTime=120)),
    "diffusion": (mr(DiffusionBValue=0), mr(DiffusionBValue=1000)),
    "parts of a complex image": (
        mr(ImageType=["ORIGINAL", "PRIMARY", "M"]),
        mr(ImageType=["ORIGINAL", "PRIMARY", "P"]),
    ),
    "derived images": (
        mr(ImageType=["ORIGINAL", "PRIMARY", "M"]),
        mr(ImageType=["DERIVED", "SECONDARY", "M"]),
    ),
    "acquisitions": ({"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}),
    "planes": ({"orientation": AXIAL}, {"orientation": CORONAL}),
    "kernels": ({"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B60f"}),
    "series of one UID": ({"SeriesNumber": 1}, {"SeriesNumber": 2}),
    "pixel spacings": ({}, {"PixelSpacing": [0.75, 1.49]}),
    "frames of reference": ({}, {"FrameOfReferenceUID": "1.9.9"}),
    "stacks": ({"StackID": "1"}, {"StackID": "2"}),
}


@pytest.mark.parametrize("name", SEPARATE)
def test_each_kind_of_volume_comes_apart(name, tmp_path):
    for index, elements in enumerate(SEPARATE[name]):
        picture = {"pixels": lambda slice_, index=index: counted(slice_) + 500 * index}
        toy_series(tmp_path, PLACES, prefix=f"{index}_", **picture, **elements)
    found = stacks_in(tmp_path)
    assert [len(stack.frames) for stack in found] == [len(PLACES)] * 2
    volumes = [read_stack(stack) for stack in found]
    lows = sorted(volume.record["lowest"] for volume in volumes)
    assert lows == [-1000, -500]
    with pytest.raises(DicomError) as refusal:
        read_series(tmp_path)
    assert refusal.value.reason == "several_stacks"


def test_another_matrix_is_another_volume(tmp_path):
    toy_series(tmp_path, PLACES, prefix="a")
    toy_series(tmp_path, PLACES, prefix="b", pixels=lambda index: counted(index)[:, 1:])
    assert sorted(stack.frames[0].columns for stack in stacks_in(tmp_path)) == [COLUMNS - 1, COLUMNS]


def test_a_three_plane_localizer_comes_apart_into_its_planes(tmp_path):
    for name, orientation in {"a": AXIAL, "c": CORONAL, "s": SAGITTAL}.items():
        toy_series(tmp_path, [0, 10, 20], orientation=orientation, prefix=name, **mr())
    found = stacks_in(tmp_path)
    assert sorted(stack.part for stack in found) == ["axial", "coronal", "sagittal"]
    assert all(len(stack.frames) == 3 for stack in found)


def test_three_single_planes_are_no_volumes(tmp_path):
    for name, orientation in {"a": AXIAL, "c": CORONAL, "s": SAGITTAL}.items():
        toy_series(tmp_path, [0], orientation=orientation, prefix=name, **mr())
    for stack in stacks_in(tmp_path):
        with pytest.raises(DicomError) as refusal:
            read_stack(stack)
        assert refusal.value.reason == "single_slice"


@pytest.mark.parametrize("element", ["AcquisitionNumber", "TriggerTime", "TemporalPositionIdentifier"])
@pytest.mark.parametrize("per_slice", [1, 2])
def test_what_counts_slices_up_does_not_tear_a_volume_apart(element, per_slice, tmp_path):
    elements = {element: lambda index: 1 + index // per_slice}
    toy_series(tmp_path, PLACES, **mr(), **elements)
    (stack,) = stacks_in(tmp_path)
    assert len(stack.frames) == len(PLACES)
    assert stack.part == ""


def test_interleaved_halves_are_one_volume(tmp_path):
    toy_series(tmp_path, PLACES, AcquisitionNumber=lambda index: 1 + index % 2)
    (stack,) = stacks_in(tmp_path)
    assert len(stack.frames) == len(PLACES)


def test_two_scans_of_one_region_that_interleave_unevenly_come_apart(tmp_path):
    toy_series(tmp_path, PLACES, prefix="a", AcquisitionNumber=1)
    toy_series(tmp_path, [0.7, 2.7, 4.7, 6.7], prefix="b", AcquisitionNumber=2)
    found = stacks_in(tmp_path)
    assert [len(stack.frames) for stack in found] == [len(PLACES)] * 2
    assert {stack.part for stack in found} == {"acquisition 1", "acquisition 2"}


def test_two_series_of_one_uid_that_touch_are_not_one_volume(tmp_path):
    toy_series(tmp_path, PLACES, prefix="a", SeriesNumber=1, SeriesDescription="native")
    toy_series(tmp_path, [8.0, 10.0, 12.0], prefix="b", SeriesNumber=2, SeriesDescription="venous")
    assert sorted(len(stack.frames) for stack in stacks_in(tmp_path)) == [3, len(PLACES)]


def test_time_points_half_a_gap_apart_are_two_volumes(tmp_path):
    for time in (0, 1):
        places = [place + time for place in PLACES]
        toy_series(tmp_path, places, prefix=str(time), **mr(TemporalPositionIdentifier=1 + time))
    assert [len(stack.frames) for stack in stacks_in(tmp_path)] == [len(PLACES)] * 2


def test_without_series_uid_folders_keep_series_apart(tmp_path):
    for name in ("one", "two"):
        toy_series(tmp_path / name, PLACES, SeriesInstanceUID="", StudyInstanceUID=None, SeriesNumber=None)
    found = stacks_in(tmp_path)
    assert [len({frame.path.parent for frame in stack.frames}) for stack in found] == [1, 1]


def test_no_order_of_files_changes_the_stacks(tmp_path):
    toy_series(tmp_path, PLACES, prefix="a", **mr(EchoTime=1.0))
    toy_series(tmp_path, PLACES, prefix="b", **mr(EchoTime=2.0))
    frames = [frame for path in sorted(tmp_path.iterdir()) for frame in read_frames(path)]
    straight = stacks_of(frames)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(frames))
        assert stacks_of(frames[index] for index in order) == straight


def test_frames_and_stacks_travel_between_processes(tmp_path):
    toy_series(tmp_path, PLACES)
    (stack,) = stacks_in(tmp_path)
    assert pickle.loads(pickle.dumps(stack)) == stack
    assert stack.modality == "CT"
    assert stack.description == "toy"
    assert stack.series.patient_id == "PLANTED-ID"


def test_labels_and_records_say_nothing_of_the_patient(tmp_path):
    toy_series(tmp_path, PLACES, prefix="a", FrameOfReferenceUID="1.9.9")
    toy_series(tmp_path, PLACES, prefix="b")
    for stack in stacks_in(tmp_path):
        told = repr(read_stack(stack).record) + stack.label + stack.part
        for secret in ("Planted", "PLANTED", "1.2.826", "1.9.9", str(tmp_path), "slice0"):
            assert secret not in told
        assert f"{len(PLACES)} x {ROWS} x {COLUMNS}" in stack.label
