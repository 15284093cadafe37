"""Landmarks come back from their file as they went in, or are refused by name."""

import json

import pytest

from preprocessing.landmarks import LandmarkError, landmarks_path, read_landmarks, write_landmarks

POINTS = {"femoral_head_left": (91.25, -7.0, 31.5), "femoral_head_right": (-88.0, -6.125, 30.0)}


def test_what_is_written_is_read_back(tmp_path):
    path = landmarks_path(tmp_path / "mr_1.nii.gz")
    write_landmarks(path, POINTS)
    assert path == tmp_path / "mr_1_landmarks.json"
    assert read_landmarks(path) == POINTS
    assert json.loads(path.read_text())["frame"] == "LPS"


def test_the_phantoms_file_is_such_a_file(tmp_path):
    from preprocessing.phantom.anatomy import HipAnatomy
    from preprocessing.phantom.json_file import write_json
    from preprocessing.phantom.patient import draw_patient
    from preprocessing.phantom.scanning import describe_landmarks

    anatomy = HipAnatomy(draw_patient(3, shift=0.0))
    write_json(tmp_path / "l.json", describe_landmarks(anatomy))
    points = read_landmarks(tmp_path / "l.json")
    assert points.keys() == anatomy.landmarks().keys()
    for name, point in anatomy.landmarks().items():
        assert points[name] == pytest.approx(point, abs=1e-4)


FAULTS = {
    "no file": (None, "No such file"),
    "no JSON": ("{", "mend the file"),
    "no object": ("[1]", "expected a JSON object"),
    "no frame": ({"unit": "mm", "points": {}}, "expected frame 'LPS', found None"),
    "other frame": ({"frame": "RAS", "unit": "mm", "points": {}}, "expected frame 'LPS', found 'RAS'"),
    "other unit": ({"frame": "LPS", "unit": "m", "points": {}}, "expected unit 'mm', found 'm'"),
    "no points": ({"frame": "LPS", "unit": "mm"}, "expected points as an object"),
    "two numbers": ({"frame": "LPS", "unit": "mm", "points": {"a": [1, 2]}}, "point 'a', found [1, 2]"),
    "no number": ({"frame": "LPS", "unit": "mm", "points": {"a": [1, 2, True]}}, "point 'a'"),
    "no list": ({"frame": "LPS", "unit": "mm", "points": {"a": "123"}}, "point 'a', found '123'"),
    "infinite": ('{"frame": "LPS", "unit": "mm", "points": {"a": [1, 2, Infinity]}}', "three finite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_file(fault, tmp_path):
    content, message = FAULTS[fault]
    path = tmp_path / "landmarks.json"
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(LandmarkError) as refusal:
        read_landmarks(path)
    assert str(path) in str(refusal.value)
    assert message in str(refusal.value)


def test_what_is_no_number_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_landmarks(tmp_path / "l.json", {"a": (1.0, float("nan"), 2.0)})
    assert list(tmp_path.iterdir()) == []
