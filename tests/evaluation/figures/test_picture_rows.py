"""Which way round a slice hangs, and that a picture shows the voxels in their window."""

import matplotlib.image
import numpy as np
import pytest

from evaluation.figures.display import displayed, pixel_size, slice_indices
from evaluation.figures.rows import PictureRow, error_row, picture_rows
from preprocessing.intensity_window import IntensityWindow

SPACING = (2.0, 1.0, 4.0)
WINDOW = IntensityWindow(0.0, 100.0, "nominal")


@pytest.fixture
def marked():
    """8 x 10 x 6 voxels, one of them at the patient's right, front and head."""
    volume = np.zeros((8, 10, 6))
    volume[-1, -1, -1] = 100.0
    return volume


def drawn(path):
    return matplotlib.image.imread(path)[..., :3]


@pytest.mark.parametrize(("plane", "shape"), [("sagittal", (6, 10)), ("coronal", (6, 8)), ("axial", (10, 8))])
def test_right_or_front_hangs_left_and_head_or_front_up(marked, plane, shape):
    picture = displayed(marked, plane, -1)
    assert picture.shape == shape
    assert picture[0, 0] == 100.0
    assert picture.sum() == 100.0


@pytest.mark.parametrize(
    ("plane", "size"), [("sagittal", (1.0, 4.0)), ("coronal", (2.0, 4.0)), ("axial", (2.0, 1.0))]
)
def test_pixels_have_the_size_of_the_remaining_axes(plane, size):
    assert pixel_size(plane, SPACING) == size


def test_fractions_reach_both_ends():
    assert slice_indices(38, [0.0, 0.5, 1.0]) == [0, 19, 37]
    with pytest.raises(ValueError, match=r"1\.2"):
        slice_indices(38, [1.2])


def test_window_goes_from_black_to_white_and_clips(tmp_path, marked):
    level = np.full(marked.shape, 50.0)
    picture_rows(
        [("dark", marked * 0 - 9, WINDOW), ("half", level, WINDOW), ("light", level * 9, WINDOW)],
        plane="coronal",
        spacing=SPACING,
        slices=[3],
        path=tmp_path / "new" / "rows.png",
        title="levels",
    )
    picture = drawn(tmp_path / "new" / "rows.png")
    # The middle of each panel, away from letters and bar.
    middle = [
        picture[int(picture.shape[0] * place), int(picture.shape[1] * 0.75), 0] for place in (0.25, 0.5, 0.75)
    ]
    assert middle == pytest.approx([0.0, 0.5, 1.0], abs=0.02)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["rows.png"]


def test_a_panel_has_the_shape_of_the_anatomy(tmp_path):
    white = np.full((10, 10, 10), 100.0)
    options = {"plane": "coronal", "slices": [2], "title": "shape"}
    heights = []
    for head in (1.0, 2.0):
        path = tmp_path / f"{head}.png"
        picture_rows([("a", white, WINDOW)], spacing=(1.0, 1.0, head), path=path, **options)
        heights.append(drawn(path).shape[0])
    room = 2 * heights[0] - heights[1]
    assert heights[1] - heights[0] == pytest.approx(heights[0] - room)
    assert heights[1] > 1.5 * heights[0] - room


def test_error_row_is_the_signed_difference_around_white(marked):
    row = error_row(marked + 30, marked, limit=50.0, unit="HU")
    assert row.colour_bar
    assert np.unique(row.volume(0)) == pytest.approx(30.0)
    assert (row.window(0).low, row.window(0).high) == (-50.0, 50.0)
    many = error_row([marked, marked + 5], [marked, marked], limit=50.0, unit="HU")
    assert [float(many.volume(k).max()) for k in (0, 1)] == [0.0, 5.0]


def test_columns_may_be_patients_with_their_own_windows(tmp_path, marked):
    windows = [WINDOW, IntensityWindow(0.0, 900.0, "nominal")]
    rows = [
        PictureRow(title="MR", volumes=[marked, 9 * marked], windows=windows),
        error_row([marked] * 2, [marked] * 2, limit=5.0, unit="HU"),
    ]
    options = {"plane": "axial", "spacing": SPACING, "title": "two patients"}
    picture_rows(rows, fractions=[0.5, 0.5], columns=["a", "b"], path=tmp_path / "patients.png", **options)
    assert drawn(tmp_path / "patients.png").std() > 0
    with pytest.raises(ValueError, match="expected 3 volumes"):
        picture_rows(rows, fractions=[0.5] * 3, path=tmp_path / "wrong.png", **options)
    with pytest.raises(ValueError, match="slices"):
        picture_rows(rows, path=tmp_path / "wrong.png", **options)
    with pytest.raises(ValueError, match=r"axial slice from 0 to 5, found 9"):
        picture_rows(rows, slices=[0, 9], path=tmp_path / "wrong.png", **options)
    assert not (tmp_path / "wrong.png").exists()
