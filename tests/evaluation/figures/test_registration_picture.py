"""The checkerboard alternates, and the picture is one file."""

import numpy as np
import SimpleITK as sitk
from laws import GRIDS, hounsfield, tissue, volume

from evaluation.figures.registration import checkerboard, registration_picture
from preprocessing.intensity_window import IntensityWindow


def test_neighbouring_boxes_differ_along_every_axis():
    board = checkerboard((12, 9, 8), (3, 3, 2))
    for axis, edge in enumerate((3, 3, 2)):
        ahead = np.roll(board, edge, axis=axis)
        inner = tuple(slice(edge, None) if a == axis else slice(None) for a in range(3))
        assert (ahead != board)[inner].all()
    assert abs(board.mean() - 0.5) < 0.1


def test_the_picture_is_written_whole(tmp_path):
    grid = GRIDS["oblique coronal"]
    fixed, moving = volume(grid, tissue), volume(grid, hounsfield)
    windows = IntensityWindow(0, 100, "nominal"), IntensityWindow(-150, 350, "HU")
    path = tmp_path / "look.png"
    registration_picture(fixed, moving * 0, moving, windows=windows, path=path, title="look")
    assert [file.name for file in tmp_path.iterdir()] == ["look.png"]
    # SimpleITK reads the picture: it is one, and not empty.
    assert np.ptp(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))) > 100
