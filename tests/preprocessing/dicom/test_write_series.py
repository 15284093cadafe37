"""A written series says where every voxel lies and what it is, as other programs read it."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from dicom_referees import IDENTITY, assert_same_volume, converted, described, faults, steep_ramp, whole_ramp
from laws import GRIDS, SAME_PLACE_MM, array, points, stored_as

from preprocessing.dicom.placed_slice import slices_of
from preprocessing.dicom.read import read_series
from preprocessing.dicom.rescaling import AIR_HU
from preprocessing.dicom.stored_pixels import TRANSFER_SYNTAXES, StoredPixels
from preprocessing.dicom.write import CT_PIXELS, write_ct_series, write_mr_series
from preprocessing.grid import Grid, grid_of

TILT = -15.0
MR_PIXELS = StoredPixels(slope=0.5, intercept=-2000.0)
MR = {"image_type": ("ORIGINAL", "PRIMARY", "OTHER")}
LARGE = replace(stored_as("LPS"), size=(40, 36, 5))
"""Large enough for JPEG 2000."""


def ct(folder, slices, *, pixels=CT_PIXELS, names=None, **further):
    series = described(**further)
    return write_ct_series(slices, folder, identity=IDENTITY, series=series, pixels=pixels, names=names)


def mr(folder, slices, *, pixels=MR_PIXELS, **further):
    return write_mr_series(
        slices, folder, identity=IDENTITY, series=described(**MR, **further), pixels=pixels
    )


def tilted_grid() -> Grid:
    """Planes that lean by `TILT` about the left-right axis; slices follow each other straight to the head."""
    angle = np.deg2rad(TILT)
    direction = np.array([[1, 0, 0], [0, np.cos(angle), 0], [0, np.sin(angle), 1]])
    return replace(stored_as("LPS"), direction=tuple(direction.ravel().tolist()))


@pytest.mark.parametrize("write", [ct, mr])
@pytest.mark.parametrize("name", ["LPS", "coronal", "sagittal", "oblique", "oblique coronal"])
def test_dcm2niix_finds_every_voxel_where_it_was(name, write, tmp_path):
    grid = GRIDS[name]
    values = whole_ramp(grid)
    # Names and numbers tell nothing of the order.
    shuffled = np.random.default_rng(1).permutation(len(values))
    write(tmp_path / "series", [slices_of(values, grid)[number] for number in shuffled])
    images, _ = converted(tmp_path / "series", tmp_path / "out")
    (image,) = images.values()
    assert_same_volume(image, values, grid)


@pytest.mark.parametrize("write", [ct, mr])
def test_our_reader_finds_every_voxel_where_it_was(write, tmp_path):
    grid = GRIDS["oblique coronal"]
    write(tmp_path / "series", slices_of(whole_ramp(grid), grid))
    image = read_series(tmp_path / "series").image
    assert np.abs(points(grid_of(image))[0, 0, 0] - points(grid)).sum(axis=-1).min() < SAME_PLACE_MM
    np.testing.assert_allclose(array(image), np.rint(steep_ramp(points(grid_of(image)))), atol=1e-6)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("syntax", sorted(TRANSFER_SYNTAXES))
def test_every_transfer_syntax_keeps_every_value(syntax, signed, tmp_path):
    bits = 16 if signed else 12
    values = whole_ramp(LARGE)
    pixels = StoredPixels(intercept=-1024, bits=bits, signed=signed, syntax=syntax)
    files = ct(tmp_path / "series", slices_of(values, LARGE), pixels=pixels)
    for path, plane in zip(files, values, strict=True):
        data = pydicom.dcmread(path)
        assert data.file_meta.TransferSyntaxUID == TRANSFER_SYNTAXES[syntax]
        assert (data.BitsStored, data.HighBit, data.PixelRepresentation) == (bits, bits - 1, int(signed))
        np.testing.assert_array_equal(data.pixel_array.astype(int) - 1024, plane)
    images, _ = converted(tmp_path / "series", tmp_path / "out")
    assert_same_volume(images[""], values, LARGE)


def test_uneven_gaps_are_written_as_they_are(tmp_path):
    grid = stored_as("LPS")
    places = np.cumsum([0, 6, 6, 6, 1, 1, 1, 2, 2])
    slices = []
    for place in places:
        x, y, z = grid.origin
        at = replace(grid, origin=(x, y, z + float(place)), size=(*grid.size[:2], 1))
        slices += slices_of(whole_ramp(at), at, thickness=2.0)
    files = ct(tmp_path / "series", slices[::-1])
    found = [float(pydicom.dcmread(path).ImagePositionPatient[2]) for path in files[::-1]]
    np.testing.assert_allclose(np.diff(found), np.diff(places), atol=1e-9)
    images, said = converted(tmp_path / "series", tmp_path / "out")
    assert "Interslice distance varies" in said
    stack = np.stack([plane.values for plane in slices])
    # dcm2niix turns the rows about; its slices stand from foot to head.
    np.testing.assert_array_equal(images[""].get_fdata()[:, ::-1], stack.T)
    volume = read_series(tmp_path / "series").image
    np.testing.assert_allclose(array(volume), steep_ramp(points(grid_of(volume))), atol=0.51)


def test_a_tilted_gantry_is_written_as_a_scanner_does(tmp_path):
    grid = tilted_grid()
    values = whole_ramp(grid)
    files = ct(tmp_path / "series", slices_of(values, grid), gantry_tilt=TILT)
    first, second = (pydicom.dcmread(path) for path in files[:2])
    assert first.GantryDetectorTilt == TILT
    step = np.subtract(second.ImagePositionPatient, first.ImagePositionPatient)
    np.testing.assert_allclose(np.array(step, float), [0, 0, grid.spacing[2]], atol=1e-9)
    images, said = converted(tmp_path / "series", tmp_path / "out")
    assert f"Gantry Tilt based on 0018,1120 {TILT:g}, estimated from slice vector {-TILT:g}" in said
    np.testing.assert_array_equal(images[""].get_fdata()[:, ::-1], values.T)
    volume = read_series(tmp_path / "series").image
    voxels, inside = array(volume), array(volume) > -1000
    assert inside.mean() > 0.5
    # Where the shear mixed a row with the air outside, the value is between.
    whole = inside & np.roll(inside, 1, axis=1) & np.roll(inside, -1, axis=1)
    np.testing.assert_allclose(voxels[whole], steep_ramp(points(grid_of(volume)))[whole], atol=1.01)


def test_what_was_not_scanned_is_padded(tmp_path):
    grid = stored_as("LPS")
    values, scanned = whole_ramp(grid), np.ones(grid.size[::-1], bool)
    scanned[:, :3, :5] = False
    pixels = StoredPixels(intercept=-1024, padding=-2000)
    files = ct(tmp_path / "series", slices_of(values, grid, scanned=scanned), pixels=pixels)
    data = pydicom.dcmread(files[0])
    assert data.PixelPaddingValue == -2000
    np.testing.assert_array_equal(data.pixel_array == -2000, ~scanned[0])
    volume = array(read_series(tmp_path / "series").image)
    np.testing.assert_array_equal(volume.T, np.where(scanned, values, AIR_HU))


def test_same_series_same_bytes_and_every_image_its_own_uid(tmp_path):
    slices = slices_of(whole_ramp(LARGE), LARGE)
    once, again = (ct(tmp_path / name, slices) for name in ("once", "again"))
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]
    other = ct(tmp_path / "other", slices, uid="1.2.3")
    uids = {pydicom.dcmread(path).SOPInstanceUID for path in [*once, *other]}
    assert len(uids) == 2 * len(slices)
    assert all(len(uid) <= 64 for uid in uids)


@pytest.mark.parametrize("origin", ["ORIGINAL", "DERIVED"])
def test_the_standards_validator_finds_no_error(origin, tmp_path):
    slices = slices_of(whole_ramp(LARGE), LARGE)
    rank = "PRIMARY" if origin == "ORIGINAL" else "SECONDARY"
    for syntax in TRANSFER_SYNTAXES:
        pixels = StoredPixels(intercept=-1024, padding=-2000, syntax=syntax)
        files = ct(tmp_path / syntax, slices, pixels=pixels, image_type=(origin, rank, "AXIAL"))
        assert faults(files[0]) == []
    series = described(image_type=(origin, rank, "OTHER"))
    files = write_mr_series(slices, tmp_path / "mr", identity=IDENTITY, series=series, pixels=MR_PIXELS)
    assert faults(files[0]) == []


def test_a_writer_that_fails_leaves_nothing_and_spares_what_is_there(tmp_path):
    slices = slices_of(whole_ramp(LARGE), LARGE)
    slices[-1] = replace(slices[-1], values=slices[-1].values * np.nan)
    with pytest.raises(ValueError, match=r"expected values in -33792\.\.31743, found nan"):
        ct(tmp_path / "series", slices)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "full").mkdir()
    (tmp_path / "full/note").write_text("mine")
    with pytest.raises(FileExistsError, match="expected a new or empty folder"):
        ct(tmp_path / "full", slices[:1])
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "note"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"slices": []}, "expected slices of one matrix, found no slice"),
        ({"names": ["a", "a"]}, "expected 2 different plain file names"),
        ({"names": ["a", "../b"]}, "expected 2 different plain file names"),
        ({"attributes": {"NoSuchThing": 1}}, "attribute 'NoSuchThing': expected a keyword of DICOM"),
        ({"pixels": StoredPixels(bits=12, signed=False)}, r"expected values in 0\.\.4095"),
        ({"pixels": StoredPixels(syntax="jpeg-2000")}, "JPEG 2000: expected 32 rows and columns or more"),
    ],
)
def test_what_cannot_be_written_is_refused_by_name(tmp_path, wrong, message):
    grid = stored_as("LPS")
    slices = slices_of(whole_ramp(grid) - 2000, grid)[:2]
    arguments = {"slices": slices} | wrong
    with pytest.raises(ValueError, match=message):
        ct(tmp_path / "series", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_slices_of_two_matrices_are_refused(tmp_path):
    slices = slices_of(whole_ramp(LARGE), LARGE)
    slices[1] = replace(slices[1], values=slices[1].values[:-1])
    with pytest.raises(ValueError, match=r"found \[\(35, 40\), \(36, 40\)\]"):
        ct(tmp_path / "series", slices)
