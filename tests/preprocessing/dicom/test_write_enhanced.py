"""One object for all slices: each frame says its own place, in whatever order the frames stand."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from dicom_referees import IDENTITY, assert_same_volume, converted, described, faults, steep_ramp, whole_ramp
from laws import GRIDS, SAME_PLACE_MM, array, points, stored_as

from preprocessing.dicom.header import read_frames
from preprocessing.dicom.placed_slice import slices_of
from preprocessing.dicom.read import read_series, read_stack
from preprocessing.dicom.series import stacks_of
from preprocessing.dicom.stored_pixels import TRANSFER_SYNTAXES, StoredPixels
from preprocessing.dicom.write import CT_PIXELS, write_enhanced_ct, write_enhanced_mr
from preprocessing.grid import grid_of
from preprocessing.phantom.dicom_headers import ENHANCED_CT_ATTRIBUTES, enhanced_ct_groups

LARGE = replace(stored_as("LPS"), size=(40, 36, 5))
MR_PIXELS = StoredPixels(slope=0.5, intercept=-2000.0)
MR_ATTRIBUTES = {
    "AcquisitionDuration": 10.0,
    "ResonantNucleus": "1H",
    "KSpaceFiltering": "NONE",
    "MagneticFieldStrength": 1.0,
    "PulseSequenceName": "SPGR",
    "MRAcquisitionType": "3D",
    "EchoPulseSequence": "GRADIENT",
    "MultiPlanarExcitation": "NO",
    "PhaseContrast": "NO",
    "TimeOfFlightContrast": "NO",
    "SteadyStatePulseSequence": "NONE",
    "EchoPlanarPulseSequence": "NO",
    "SaturationRecovery": "NO",
    "SpectrallySelectedSuppression": "NONE",
    "OversamplingPhase": "NONE",
    "GeometryOfKSpaceTraversal": "RECTILINEAR",
    "RectilinearPhaseEncodeReordering": "LINEAR",
    "SegmentedKSpaceTraversal": "SINGLE",
    "NumberOfKSpaceTrajectories": 1,
    "CoverageOfKSpace": "FULL",
}
MR_GROUPS = {
    "MRTimingAndRelatedParametersSequence": {
        "RepetitionTime": 7.9,
        "FlipAngle": 30.0,
        "EchoTrainLength": 1,
        "RFEchoTrainLength": 0,
        "GradientEchoTrainLength": 1,
        "SpecificAbsorptionRateSequence": {
            "SpecificAbsorptionRateDefinition": "IEC_WHOLE_BODY",
            "SpecificAbsorptionRateValue": 0.1,
        },
        "GradientOutputType": "DB_DT",
        "GradientOutput": 0.1,
        "OperatingModeSequence": {"OperatingModeType": "STATIC FIELD", "OperatingMode": "IEC_NORMAL"},
    },
    "MREchoSequence": {"EffectiveEchoTime": 3.08},
    "MRModifierSequence": {
        "InversionRecovery": "NO",
        "FlowCompensation": "NONE",
        "Spoiling": "RF_AND_GRADIENT",
        "T2Preparation": "NO",
        "SpectrallySelectedExcitation": "NONE",
        "SpatialPresaturation": "NONE",
        "PartialFourier": "NO",
        "ParallelAcquisition": "NO",
    },
    "MRImagingModifierSequence": {
        "MagnetizationTransfer": "NONE",
        "BloodSignalNulling": "NO",
        "Tagging": "NONE",
        "TransmitterFrequency": 42.58,
        "PixelBandwidth": 200.0,
    },
    "MRReceiveCoilSequence": {
        "ReceiveCoilName": "BODY",
        "ReceiveCoilManufacturerName": "Toys",
        "ReceiveCoilType": "BODY",
        "QuadratureReceiveCoil": "YES",
    },
    "MRTransmitCoilSequence": {
        "TransmitCoilName": "BODY",
        "TransmitCoilManufacturerName": "Toys",
        "TransmitCoilType": "BODY",
    },
    "MRAveragesSequence": {"NumberOfAverages": 1.0},
    "MRFOVGeometrySequence": {
        "InPlanePhaseEncodingDirection": "ROW",
        "MRAcquisitionFrequencyEncodingSteps": 40,
        "MRAcquisitionPhaseEncodingStepsInPlane": 36,
        "MRAcquisitionPhaseEncodingStepsOutOfPlane": 5,
        "PercentSampling": 100.0,
        "PercentPhaseFieldOfView": 100.0,
    },
}
"""How a made-up MR was acquired: what the standard asks of an original enhanced MR."""


def ct(path, slices, *, pixels=CT_PIXELS, **further):
    return write_enhanced_ct(slices, path, identity=IDENTITY, series=described(**further), pixels=pixels)


def mr(path, slices, *, pixels=MR_PIXELS, **further):
    return write_enhanced_mr(slices, path, identity=IDENTITY, series=described(**further), pixels=pixels)


def shuffled(slices):
    return [slices[number] for number in np.random.default_rng(2).permutation(len(slices))]


@pytest.mark.parametrize("write", [ct, mr])
@pytest.mark.parametrize("name", ["LPS", "coronal", "oblique"])
@pytest.mark.parametrize("step", [1, -1])
def test_dcm2niix_finds_every_voxel_where_it_was(step, name, write, tmp_path):
    grid = GRIDS[name]
    values = whole_ramp(grid)
    path = write(tmp_path / "series/IM", slices_of(values, grid)[::step])
    images, _ = converted(path.parent, tmp_path / "out")
    (image,) = images.values()
    assert_same_volume(image, values, grid)


@pytest.mark.parametrize("write", [ct, mr])
@pytest.mark.parametrize("name", ["LPS", "coronal", "oblique"])
def test_frames_in_no_order_are_found_where_they_were(name, write, tmp_path):
    # dcm2niix is no referee here: it takes the first and last frames of the file for the ends of the stack.
    grid = GRIDS[name]
    path = write(tmp_path / "IM", shuffled(slices_of(whole_ramp(grid), grid)))
    volume = read_series(path).image
    assert np.abs(np.subtract(grid_of(volume).centre, grid.centre)).max() < SAME_PLACE_MM
    np.testing.assert_allclose(array(volume), np.rint(steep_ramp(points(grid_of(volume)))), atol=1e-6)


def test_each_frame_says_its_place_and_its_rank(tmp_path):
    grid = GRIDS["oblique"]
    slices = shuffled(slices_of(whole_ramp(grid), grid))
    data = pydicom.dcmread(ct(tmp_path / "IM", slices))
    assert data.NumberOfFrames == len(slices)
    heights = sorted(plane.height for plane in slices)
    for plane, frame, pixels in zip(
        slices, data.PerFrameFunctionalGroupsSequence, data.pixel_array, strict=True
    ):
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(np.array(position, float), plane.position, atol=1e-6)
        content = frame.FrameContentSequence[0]
        assert content.InStackPositionNumber == 1 + heights.index(plane.height)
        assert list(content.DimensionIndexValues) == [1, content.InStackPositionNumber]
        np.testing.assert_array_equal(pixels.astype(int) - 1024, plane.values)


def test_two_stacks_in_one_object_come_apart_again(tmp_path):
    axial, coronal = (replace(stored_as(code), size=(20, 20, 6)) for code in ("LPS", "LIP"))
    grids = {"1": axial, "2": coronal}
    slices = [
        plane for stack, grid in grids.items() for plane in slices_of(whole_ramp(grid), grid, stack=stack)
    ]
    path = mr(tmp_path / "IM", shuffled(slices))
    stacks = stacks_of(read_frames(path))
    assert len(stacks) == 2
    found = [read_stack(stack).image for stack in stacks]
    for grid in grids.values():
        assert any(np.abs(np.subtract(grid.centre, grid_of(image).centre)).max() < 1e-3 for image in found)
    for image in found:
        assert image.GetNumberOfPixels() == 20 * 20 * 6
        np.testing.assert_allclose(array(image), np.rint(steep_ramp(points(grid_of(image)))), atol=1e-6)
    content = [
        frame.FrameContentSequence[0] for frame in pydicom.dcmread(path).PerFrameFunctionalGroupsSequence
    ]
    assert {tuple(item.DimensionIndexValues) for item in content} == {
        (stack, place) for stack in (1, 2) for place in range(1, 7)
    }


@pytest.mark.parametrize("syntax", sorted(TRANSFER_SYNTAXES))
def test_every_transfer_syntax_keeps_every_frame(syntax, tmp_path):
    values = whole_ramp(LARGE)
    path = ct(tmp_path / "IM", slices_of(values, LARGE), pixels=StoredPixels(syntax=syntax))
    np.testing.assert_array_equal(pydicom.dcmread(path).pixel_array, values)


def test_the_standards_validator_finds_no_error(tmp_path):
    slices = slices_of(whole_ramp(LARGE), LARGE)
    derived = {"image_type": ("DERIVED", "SECONDARY", "AXIAL")}
    assert faults(ct(tmp_path / "derived_ct", slices, **derived)) == []
    assert faults(mr(tmp_path / "derived_mr", slices, **derived)) == []
    groups = enhanced_ct_groups(LARGE.spacing[0])
    assert faults(ct(tmp_path / "ct", slices, attributes=ENHANCED_CT_ATTRIBUTES, groups=groups)) == []
    assert faults(mr(tmp_path / "mr", slices, attributes=MR_ATTRIBUTES, groups=MR_GROUPS)) == []


def test_the_validator_does_find_errors(tmp_path):
    # An original CT that does not say how it was acquired.
    assert faults(ct(tmp_path / "IM", slices_of(whole_ramp(LARGE), LARGE)))


def test_same_frames_same_bytes(tmp_path):
    slices = slices_of(whole_ramp(LARGE), LARGE)
    once, again = (ct(tmp_path / name, slices).read_bytes() for name in ("once", "again"))
    assert once == again


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    slices = slices_of(whole_ramp(LARGE) + 1e6, LARGE)
    with pytest.raises(ValueError, match="expected values in"):
        ct(tmp_path / "IM", slices)
    assert list(tmp_path.iterdir()) == []
