"""Every DICOM series from a real scanner comes out as dcm2niix, or its own reference volume, has it."""

import subprocess

import dcm2niix
import nibabel as nib
import numpy as np
import pytest
from laws import SAME_PLACE_MM, array

from preprocessing.dicom.errors import DicomError
from preprocessing.dicom.read import read_series
from preprocessing.grid import grid_of

CLEAN = [
    "totalsegmentator/example_ct_dicom",
    "dicom2nifti/compressed_j2k/001",
    "dicom2nifti/generic_anatomical/001",
    "dicom2nifti/generic_anatomical/001_implicit",
    "dicom2nifti/generic_anatomical/002_non_isotropic",
    "dicom2nifti/siemens_multiframe/001",
]
REFERENCES = [
    *[(f"dcm_qa_ts/In/{number}.dcm", "dcm_qa_ts/Ref/1.nii") for number in range(1, 10)],
    ("dcm_qa_12bit/In/12bitUnsigned.dcm", "dcm_qa_12bit/Ref/2.nii.gz"),
    ("dcm_qa_12bit/In/12bitUnsigned_0x0F0F.dcm", "dcm_qa_12bit/Ref/3.nii.gz"),
    ("dcm_qa_12bit/In/12bitSigned_0x0F0F.dcm", "dcm_qa_12bit/Ref/4.nii.gz"),
    *[(name, f"{name}_ground_truth.nii.gz") for name in CLEAN if name.startswith("dicom2nifti")],
]
TILTED = "dcm_qa_ct/philips_tilt_minus18.5"
INCOMPLETE = "dicom2nifti/failing_sliceincrement/002"
SINGLE_PRECISION = 1e-5
"""Both sides rescale 16-bit values around 100 to 32-bit floats, in their own order."""
ROUNDING = 1
"""Between pixels, dcm2niix computes in single precision and may round to the other neighbour."""
ROUNDED_OTHERWISE = 1e-3
"""Part of the voxels that it may round so."""
AIR = -1000
FILL = -1024
"""dcm2niix fills the corners of a sheared volume with the lowest value that is there."""


def canonical(image):
    """Voxels and affine with axes towards right, front and head."""
    turned = nib.as_closest_canonical(image)
    return turned.get_fdata(), turned.affine


def ours(volume):
    """A volume of this project as NiBabel has it."""
    affine = grid_of(volume.image).affine_ras
    return canonical(nib.Nifti1Image(array(volume.image).astype(np.float64), affine))


def theirs(path):
    """A volume in a file."""
    stored = nib.load(path)
    return canonical(nib.Nifti1Image(stored.get_fdata(), stored.affine))


def converted(source, folder, ending=".nii"):
    """What dcm2niix makes of a folder today."""
    command = [dcm2niix.bin, "-z", "n", "-b", "n", "-f", "volume", "-o", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob(f"volume*{ending}")
    return theirs(path)


def assert_same_place(found, expected):
    assert found[0].shape == expected[0].shape
    corners = np.array(np.meshgrid(*[(0, count - 1) for count in found[0].shape])).reshape(3, -1).T
    distance = nib.affines.apply_affine(found[1], corners) - nib.affines.apply_affine(expected[1], corners)
    np.testing.assert_allclose(distance, 0, atol=SAME_PLACE_MM)


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_series_is_what_dcm2niix_makes_of_it(name, real_data, tmp_path):
    found, expected = ours(read_series(real_data / name)), converted(real_data / name, tmp_path)
    assert_same_place(found, expected)
    np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=SINGLE_PRECISION)


@pytest.mark.parametrize(("source", "reference"), REFERENCES)
def test_every_encoding_decodes_to_the_reference_volume(source, reference, real_data):
    found, expected = ours(read_series(real_data / source)), theirs(real_data / reference)
    assert_same_place(found, expected)
    np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=SINGLE_PRECISION)


def test_a_gantry_tilt_is_sheared_as_dcm2niix_does(real_data, tmp_path):
    volume = read_series(real_data / TILTED)
    found, expected = ours(volume), converted(real_data / TILTED, tmp_path, "_Tilt_1.nii")
    assert_same_place(found, expected)
    assert volume.record["tilt_degrees"] == pytest.approx(18.5, abs=1e-3)
    assert "tilt" in " ".join(volume.warnings)
    _assert_same_but_at_the_edge(found[0], expected[0])


def test_a_missing_slice_is_refused_with_its_place(real_data):
    with pytest.raises(DicomError, match=r"-132\.9996 mm") as refusal:
        read_series(real_data / INCOMPLETE)
    assert refusal.value.reason == "missing_slice"


def test_a_missing_slice_of_a_tilted_series_is_interpolated_on_request(real_data, tmp_path):
    volume = read_series(real_data / INCOMPLETE, repair=True)
    found, expected = ours(volume), converted(real_data / INCOMPLETE, tmp_path, "_Tilt_Eq_1.nii")
    assert_same_place(found, expected)
    # dcm2niix rounds to whole numbers twice: after the shear, and between slices.
    _assert_same_but_at_the_edge(found[0], expected[0], rounded_otherwise=1 / 5)
    assert "-132.9996" in " ".join(volume.record["repairs"])
    assert volume.record["missing_mm"] == [pytest.approx(-132.9996, abs=1e-3)]


def test_files_of_several_series_are_not_made_into_one(real_data):
    with pytest.raises(DicomError, match="9: MR series 1") as refusal:
        read_series(real_data / "dcm_qa_ts" / "In")
    assert refusal.value.reason == "several_stacks"


def _assert_same_but_at_the_edge(found, expected, rounded_otherwise=ROUNDED_OTHERWISE):
    """Equal up to rounding, but for the outermost rows, which dcm2niix makes a pixel longer on one side."""
    difference = np.abs(found - expected)
    difference[(found == AIR) & (expected == FILL)] = 0
    assert (difference > ROUNDING).any(axis=0).sum(axis=0).max() <= 2
    assert ((difference > 0) & (difference <= ROUNDING)).mean() < rounded_otherwise
