"""What the folder of real scans holds, and what each part of it must become."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DCM2NIIX = "dcm2niix"
ITSELF = "the file itself"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Files that belong together.

    Args:
        place: folder or file below the data, or a pattern of them.
        what: what they are.
        reference: dcm2niix, the file itself, or a file below the data; "{name}" is the source without ending.
        expected: code of the refusal that is right, or empty for volumes.
        resampled: whether the slices were shifted or interpolated, so that rounding differs.
        content: what a person who knows the files writes into a column of series.csv, for rules.
    """

    place: str
    what: str
    reference: str
    expected: str = ""
    resampled: bool = False
    content: str = ""

    def paths(self, data: Path) -> list[Path]:
        """The folders or files that are there."""
        return sorted(data.glob(self.place))

    def reference_of(self, path: Path, data: Path) -> Path | str:
        """What the volume of one of the paths is compared with."""
        if self.reference in (DCM2NIIX, ITSELF):
            return self.reference
        return data / self.reference.format(name=path.relative_to(data).with_suffix(""))


SOURCES = (
    Source(
        place="dcm_qa_ts/In/*.dcm", what="MR mosaic in 9 transfer syntaxes", reference="dcm_qa_ts/Ref/1.nii"
    ),
    *(
        Source(place=f"dcm_qa_12bit/In/{name}.dcm", what=what, reference=f"dcm_qa_12bit/Ref/{number}.nii.gz")
        for name, number, what in (
            ("12bitUnsigned", 2, "MR mosaic, 12 bits unsigned"),
            ("12bitUnsigned_0x0F0F", 3, "the same with dirty high bits"),
            ("12bitSigned_0x0F0F", 4, "the same, signed"),
        )
    ),
    Source(
        place="dcm_qa_ct/philips_tilt_minus18.5",
        what="head CT, gantry tilted",
        reference=DCM2NIIX,
        resampled=True,
        content="head phantom",
    ),
    Source(
        place="totalsegmentator/example_ct_dicom",
        what="CT of the trunk, 20 files",
        reference=DCM2NIIX,
        content="abdomen ct",
    ),
    *(
        Source(place=f"dicom2nifti/{name}", what=what, reference=reference)
        for name, what in (
            ("generic_anatomical/001", "MR, explicit"),
            ("generic_anatomical/001_implicit", "MR, implicit"),
            ("generic_anatomical/002_non_isotropic", "MR, not isotropic"),
            ("siemens_multiframe/001", "MR, enhanced multi-frame"),
            ("compressed_j2k/001", "MR, JPEG 2000"),
        )
        for reference in (DCM2NIIX, "{name}_ground_truth.nii.gz")
    ),
    Source(
        place="dicom2nifti/failing_sliceincrement/002",
        what="tilted CT without one of its slices",
        reference=DCM2NIIX,
        expected="missing_slice",
        resampled=True,
    ),
    *(
        Source(place=place, what=what, reference=ITSELF, content=content)
        for place, what, content in (
            ("open_ms/patient*/*_T1W.nii.gz", "head MR, T1", "head t1"),
            ("open_ms/patient*/*_T2W.nii.gz", "head MR, T2", "head t2"),
            ("volume_rendering_stroke/T1.nii.gz", "head MR, T1, brain alone", "brain t1"),
            ("volume_rendering_stroke/T2.nii.gz", "head MR, T2, brain alone", "brain t2"),
            ("volume_rendering_stroke/FLAIR.nii.gz", "head MR, FLAIR, brain alone", ""),
            ("totalsegmentator/example_ct.nii.gz", "CT, abdomen to hips", "hip ct"),
            ("totalsegmentator/example_ct_sm.nii.gz", "CT, part of the one above", "abdomen ct"),
            ("totalsegmentator/example_mr_sm.nii.gz", "abdomen MR", "abdomen mr"),
            ("totalsegmentator/example_ct_vertebrae.nii.gz", "labels", ""),
            ("totalsegmentator/example_seg*.nii.gz", "labels", ""),
            ("dcm_qa_*/Ref/*.nii*", "references as volumes", ""),
            ("dicom2nifti/*/*_ground_truth.nii.gz", "references as volumes", ""),
        )
    ),
)
"""Every file of the data but licences, texts and transforms belongs to one of these."""
