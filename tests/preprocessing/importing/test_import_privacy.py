"""Nothing that identifies a patient stands in any byte of an import but those of the private file."""

import gzip
import json
import os
import subprocess
import sys
import warnings
from itertools import chain
from pathlib import Path

import pytest
from dicom_toys import header, mr, save, toy_series
from laws import tissue, volume
from pydicom.datadict import DicomDictionary, keyword_for_tag
from toys import toy_grid

from preprocessing.importing.tree_import import TreeImport
from preprocessing.volume import write_volume

MARKS = ("quixote", "dulcinea", "mancha", "7351946", "19371103", "rocinante")
"""Planted words: parts of names, a number, a date and a folder."""
UID = "1.2.826.0.1.3680043.8.498.7351946"
PLANTED = {
    "PN": "Quixote^Dulcinea^M",
    "LO": "Mancha Dulcinea T1 7351946",
    "SH": "7351946",
    "ST": "seen by Quixote on 03.11.1937",
    "LT": "Quixote, 7351946",
    "UT": "Quixote",
    "UC": "Quixote",
    "UR": "http://mancha.example/7351946",
    "CS": "QUIXOTE",
    "AE": "MANCHA",
    "DA": "19371103",
    "DT": "19371103120000",
    "TM": "193711.03",
    "UI": UID,
}
"""A value for every text in a header, by its kind."""
KEPT = frozenset(
    {
        *(
            "SOPClassUID",
            "Modality",
            "ImageType",
            "PhotometricInterpretation",
            "TransferSyntaxUID",
            "RescaleType",
        ),
        *("SpecificCharacterSet", "PixelPresentation", "LossyImageCompression", "ComplexImageComponent"),
        *("MRAcquisitionType", "VolumetricProperties", "TimezoneOffsetFromUTC", "BurnedInAnnotation"),
    }
)
"""What decides whether a toy is an image at all."""


def planted() -> dict[str, str]:
    """Every text element of the standard's dictionary, but those that must be what they are."""
    names = {}
    for tag, (kind, *_, retired, _) in DicomDictionary.items():
        keyword = keyword_for_tag(tag)
        # Groups from 0010 to 0040 describe patient, scan and study; 0028 and on describe pixels and files.
        if (
            kind in PLANTED
            and keyword not in KEPT
            and not retired
            and 0x0008 <= tag >> 16 <= 0x0040
            and keyword
        ):
            names[keyword] = PLANTED[kind]
    return names


def plant(source: Path) -> None:
    values = planted()
    assert len(values) > 500
    assert {"PatientName", "PatientID", "SeriesDescription", "BodyPartExamined", "StationName"} <= set(values)
    folder = source / "Quixote_Dulcinea" / "7351946"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # most values break the rules of their kind
        toy_series(folder / "ct", (0, 2, 4), prefix="Rocinante", **values)
        toy_series(
            folder / "gap", (0, 2, 6), prefix="Rocinante", **{**values, "SeriesInstanceUID": UID + ".2"}
        )
        coded = {
            **values,
            **mr(),
            "SeriesInstanceUID": UID + ".3",
            "SeriesDescription": "T2 Quixote^D 7351946 sag",
        }
        toy_series(folder / "mr", (0, 2, 4), prefix="Rocinante", **coded)
        cut, *_ = toy_series(
            folder / "cut", (0, 2), prefix="Rocinante", **{**values, "SeriesInstanceUID": UID + ".4"}
        )
        cut.write_bytes(cut.read_bytes()[:-50])
        save(
            header(**{**values, "Rows": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}), folder / "sr"
        )
        (folder / "broken.dcm").write_bytes(b"Quixote 7351946" * 50)
    nifti = source / "Rocinante" / "Quixote_T1.nii.gz"
    write_volume(volume(toy_grid((4, 3, 5)), tissue), nifti)
    (nifti.parent / "Dulcinea.nii.gz").write_bytes(b"Quixote")
    (nifti.parent / "Dulcinea.nrrd").write_bytes(b"NRRD0004\ntype: short\ndimension: 3\nspace: Mancha\n\n")
    (nifti.parent / "Dulcinea.mhd").write_text("NDims = 3\nElementDataFile = ../Quixote.raw\n")


def everything(output: Path) -> dict[str, str]:
    """Names and contents of all files but the private one, decompressed, in lower case."""
    found = {}
    for path in output.rglob("*"):
        if path.is_file() and path.name != "identities.json":
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            name = path.relative_to(output).as_posix()
            found[name] = f"{name}\n{data.decode('latin-1')}".lower()
    return found


def traces(text: str) -> list[str]:
    return [mark for mark in (*MARKS, UID) if mark in text]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    source, output = tmp_path_factory.mktemp("Quixote") / "in", tmp_path_factory.mktemp("out")
    plant(source)
    return source, output, TreeImport(source=source, output=output, workers=0).run()


def test_no_byte_of_the_output_identifies(imported):
    _, output, report = imported
    assert len(report.imported) == 3
    assert len(report.rejected) >= 6
    found = everything(output)
    assert len(found) == 8
    assert {name: traces(text) for name, text in found.items() if traces(text)} == {}


def test_protocol_words_survive_beside_a_name(imported):
    _, output, _ = imported
    assert ",t2 sag" in everything(output)["series.csv"]


def test_private_file_is_the_owners_alone_and_tells_everything(imported):
    _, output, report = imported
    path = output / "identities.json"
    assert path.stat().st_mode & 0o777 == 0o600
    content = json.loads(path.read_text())
    assert "id Mancha Dulcinea T1 7351946" in content["patients"].values()
    assert {item.source for item in report.rejected} <= set(content["sources"])
    assert set(report.imported) <= set(content["sources"])
    assert any("Quixote_Dulcinea/7351946/gap" in place for place in chain(*content["places"].values()))


def test_access_of_others_is_taken_away(tmp_path, imported):
    _, output, _ = imported
    copy = tmp_path / "identities.json"
    copy.write_bytes((output / "identities.json").read_bytes())
    copy.chmod(0o644)
    write_volume(volume(toy_grid((4, 3, 5)), tissue), tmp_path / "in" / "x.nii.gz")
    TreeImport(source=tmp_path / "in", output=tmp_path / "out", workers=0, identities=copy).run()
    assert copy.stat().st_mode & 0o777 == 0o600


@pytest.mark.service
def test_nothing_is_printed_that_identifies(imported, tmp_path, repository):
    """By worker processes, with everything that decoders and libraries print."""
    source, output, _ = imported
    command = [sys.executable, "-X", "dev", "-c", "import cyclevox; cyclevox.main()", "import"]
    environment = {**os.environ, "PYTHONPATH": str(repository), "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        [*command, str(source), "out", "--workers", "2"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert traces(f"{done.stdout}{done.stderr}".lower()) == []
    assert {name: traces(text) for name, text in everything(tmp_path / "out").items() if traces(text)} == {}
    assert len(everything(tmp_path / "out")) == len(everything(output))
    assert "\nimported: 3\n" in done.stdout
