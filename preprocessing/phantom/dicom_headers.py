"""What the phantom's scanners say of themselves in DICOM."""

from __future__ import annotations

from types import MappingProxyType

from preprocessing.dicom.series_description import Equipment
from preprocessing.phantom.signal import SpoiledGradientEcho
from preprocessing.phantom.tissue import FIELD_STRENGTH

MR_SCANNER = Equipment(manufacturer="cyclevox", model="Digital MR", software="1")
CT_SCANNER = Equipment(manufacturer="cyclevox", model="Digital CT", software="1")
BODY_PART = "PELVIS"
MR_WINDOWS = ((50.0, 100.0),)
"""Centre and width of the display window; fat is 100."""
CT_WINDOWS = ((40.0, 400.0), (500.0, 2000.0))
"""Centre and width of the display windows for soft tissue and bone, HU."""

_SEQUENCE = SpoiledGradientEcho()
MR_ATTRIBUTES = MappingProxyType(
    {
        "ScanningSequence": "GR",
        "SequenceVariant": "SP",
        "MRAcquisitionType": "3D",
        "RepetitionTime": _SEQUENCE.tr,
        "EchoTime": _SEQUENCE.te,
        "FlipAngle": _SEQUENCE.flip,
        "EchoTrainLength": 1,
        "MagneticFieldStrength": FIELD_STRENGTH,
        "ImagedNucleus": "1H",
        "SequenceName": "SPGR",
        "ProtocolName": "HIP CORONAL",
    }
)
CT_ATTRIBUTES = MappingProxyType(
    {"KVP": 120, "ConvolutionKernel": "STANDARD", "ProtocolName": "PELVIS AND THIGH"}
)
ENHANCED_CT_ATTRIBUTES = MappingProxyType({"AcquisitionDuration": 12.0, "ProtocolName": "PELVIS AND THIGH"})


def enhanced_ct_groups(pixel: float) -> dict[str, dict[str, object]]:
    """Functional groups that say how an enhanced CT was acquired: made up, as there is no tube and no table.

    Args:
        pixel: mm between pixels.
    """
    return {
        "CTAcquisitionTypeSequence": {
            "AcquisitionType": "SPIRAL",
            "ConstantVolumeFlag": "NO",
            "FluoroscopyFlag": "NO",
        },
        "CTAcquisitionDetailsSequence": {
            "RotationDirection": "CW",
            "RevolutionTime": 0.5,
            "SingleCollimationWidth": 0.625,
            "TotalCollimationWidth": 40.0,
            "TableHeight": 150.0,
            "GantryDetectorTilt": 0.0,
            "DataCollectionDiameter": 500.0,
        },
        "CTTableDynamicsSequence": {
            "TableSpeed": 78.0,
            "TableFeedPerRotation": 39.0,
            "SpiralPitchFactor": 0.975,
        },
        "CTPositionSequence": {
            "TablePosition": 0.0,
            "DataCollectionCenterPatient": [0.0, 0.0, 0.0],
            "ReconstructionTargetCenterPatient": [0.0, 0.0, 0.0],
        },
        "CTGeometrySequence": {
            "DistanceSourceToDetector": 1040.0,
            "DistanceSourceToDataCollectionCenter": 570.0,
        },
        "CTReconstructionSequence": {
            "ReconstructionAlgorithm": "FILTER_BACK_PROJ",
            "ConvolutionKernel": "STANDARD",
            "ConvolutionKernelGroup": "SOFT_TISSUE",
            "ReconstructionDiameter": 360.0,
            "ReconstructionAngle": 360.0,
            "ReconstructionPixelSpacing": [pixel, pixel],
            "ImageFilter": "NONE",
        },
        "CTExposureSequence": {
            "ExposureTimeInms": 500.0,
            "XRayTubeCurrentInmA": 200.0,
            "ExposureInmAs": 100.0,
            "ExposureModulationType": "NONE",
        },
        "CTXRayDetailsSequence": {
            "KVP": 120.0,
            "FocalSpots": 1.0,
            "FilterType": "NONE",
            "FilterMaterial": "ALUMINUM",
            "CalciumScoringMassFactorPatient": 1.0,
        },
    }
