"""The small picture shows the middle slice as it is hung, before, after, and with the edge of the mask."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from laws import CENTRE_LPS, GRIDS, body, volume

from preprocessing.intensity_window import IntensityWindow
from preprocessing.picture import HEIGHT, LINE, OUTLINE_RGB, PLANES, WIDEST, middle_slice, write_picture
from preprocessing.scan import Scan


def corner(where):
    """Bright towards the patient's right, front and head."""
    x, y, z = np.moveaxis(where - np.array(CENTRE_LPS), -1, 0)
    return 100.0 * (x < 0) + 10.0 * (y < 0) + 1.0 * (z > 0)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_slice_hangs_the_same_way_whatever_the_order_of_the_axes(grid):
    """Right (or front) at the left, head (or front) above."""
    image = volume(GRIDS[grid], corner)
    for plane, left, above in (("coronal", 100, 1), ("axial", 100, 10), ("sagittal", 10, 1)):
        hung = sitk.GetArrayFromImage(middle_slice(image, plane))
        rows, columns = hung.shape
        quarter = (
            hung[rows // 8, columns // 8],
            hung[rows // 8, -columns // 8],
            hung[-rows // 8, columns // 8],
        )
        has = [[bool(value // part % 10 % 2) for part in (left, above)] for value in quarter]
        assert has == [[True, True], [False, True], [True, False]], plane


def test_pixels_have_the_size_of_their_voxels():
    coronal = middle_slice(volume(GRIDS["LPS"], corner), "coronal")
    assert coronal.GetSpacing() == pytest.approx((5.0, 4.0))
    assert coronal.GetSize() == (28, 22)


def scan(grid, mask=True):
    return Scan(
        image=volume(GRIDS[grid], lambda where: 200.0 * body(where)),
        mask=volume(GRIDS[grid], body, kind=np.uint8) if mask else None,
        window=IntensityWindow(0, 400, "HU"),
    )


def panels(path):
    strip = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(int)
    width = strip.shape[1] // 3
    return strip, [strip[:, place * width : (place + 1) * width - LINE] for place in range(3)]


@pytest.mark.parametrize("plane", PLANES)
def test_three_panels_of_one_height_and_an_outline_in_the_last(tmp_path, plane):
    case = scan("LPS")
    write_picture(tmp_path / "new" / "a.jpg", before=middle_slice(case.image, plane), after=case, plane=plane)
    strip, (before, after, outlined) = panels(tmp_path / "new" / "a.jpg")
    assert strip.shape[0] == HEIGHT
    assert strip.shape[1] <= 3 * (WIDEST + LINE)
    np.testing.assert_allclose(before, after, atol=30)
    assert abs(np.median(after[after > 60]) - 127) < 15, "half of the window is grey"
    assert (tmp_path / "new" / "a.jpg").stat().st_size < 20_000
    coloured = outlined[..., 0] - outlined[..., 2] > 100
    assert coloured.any()
    assert not (after[..., 0] - after[..., 2] > 100).any()
    if plane == "axial":
        rows, columns = np.nonzero(coloured)
        # The trunk is an ellipse of 116 x 84 mm in a slice whose 17 rows of 6 mm fill the height.
        pixel = 17 * 6 / HEIGHT
        assert np.ptp(columns) * pixel == pytest.approx(116, abs=6)
        assert np.ptp(rows) * pixel == pytest.approx(84, abs=8)


def test_without_a_mask_there_is_no_outline_and_without_a_window_there_is_contrast(tmp_path):
    case = replace(scan("oblique", mask=False), window=None)
    write_picture(tmp_path / "a.jpg", before=middle_slice(case.image, "axial"), after=case, plane="axial")
    _, (_, after, last) = panels(tmp_path / "a.jpg")
    assert np.ptp(after) > 200
    np.testing.assert_allclose(last[..., 0], last[..., 2], atol=2)
    assert OUTLINE_RGB not in {tuple(pixel) for pixel in last.reshape(-1, 3).tolist()}


def test_an_empty_volume_is_black(tmp_path):
    empty = Scan(image=volume(GRIDS["LPS"], lambda where: 0 * where[..., 0]))
    write_picture(tmp_path / "a.jpg", before=middle_slice(empty.image, "axial"), after=empty, plane="axial")
    strip, _ = panels(tmp_path / "a.jpg")
    assert strip.max() == 0
