"""The text header of NRRD and MetaImage files, judged before ITK reads them.

ITK takes a missing orientation for the identity, a detached data file from anywhere, and a size for granted.
Formats: https://teem.sourceforge.net/nrrd/format.html and https://itk.org/Wiki/ITK/MetaIO/Documentation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from preprocessing.nifti import NiftiError

_MAX_HEADER = 1 << 16
_FIELD = re.compile(r"([^:=]+?)\s*(?:=|:(?!=))\s*(.*)")
"""Name and value of a field; NRRD's free pairs, key:=value, are none."""
MAX_BYTES = 2**33
"""Largest volume; it is a thousand slices of 1024 x 1024 in double precision."""
_MAX_RATIO = 1032
"""Deflate cannot shrink bytes more than this (zlib's technical details, maximum compression factor)."""
_SPACES = {
    *("left-posterior-superior", "lps", "right-anterior-superior", "ras"),
    *("left-anterior-superior", "las"),
}
"""Spaces of NRRD that say where left, front and head are."""
_BYTES = {"char": 1, "int8": 1, "short": 2, "int16": 2, "int": 4, "float": 4, "int32": 4}
"""Fewest bytes of a voxel, by a word of its type's name; unknown names count one byte."""


def check_text_header(path: Path, *, source: Path) -> None:
    """Make sure that a header promises a 3D volume of known orientation, and that its data lie in the tree.

    Args:
        path: a .nrrd, .nhdr, .mha or .mhd file.
        source: folder that a detached data file must lie in.

    Raises:
        NiftiError: if it does not.
    """
    fields = _read_fields(path)
    is_nrrd = path.name.lower().endswith((".nrrd", ".nhdr"))
    (_check_nrrd if is_nrrd else _check_meta)(fields)
    named = fields.get("data file", fields.get("datafile")) if is_nrrd else fields.get("elementdatafile")
    data = path if not named or named.upper() == "LOCAL" else _data_file(path, named, source)
    sizes, kind = (fields["sizes"], fields.get("type")) if is_nrrd else (fields["dimsize"], None)
    _check_length(sizes, (kind or fields.get("elementtype") or "").lower(), data)


def _read_fields(path: Path) -> dict[str, str]:
    """Fields of a header by name, in lower case; the header ends with a blank line or the data's field."""
    with path.open("rb") as stream:
        lines = stream.read(_MAX_HEADER).decode("latin-1").split("\n")
    fields: dict[str, str] = {}
    for line in map(str.strip, lines):
        field = _FIELD.fullmatch(line)
        name = field[1].lower() if field else ""
        if name in fields:
            _refuse("each field of the header once", "one twice", "the header is damaged: export it again")
        if field and not line.startswith("#"):
            fields[name] = field[2]
        if not line or name == "elementdatafile":
            return fields
    if path.stat().st_size > _MAX_HEADER:
        _refuse(f"a header of at most {_MAX_HEADER} bytes", "more", "the header is damaged: export it again")
    return fields


def _check_nrrd(fields: Mapping[str, str]) -> None:
    _expect_three(fields.get("dimension"))
    if fields.get("space", "").lower() not in _SPACES or "space directions" not in fields:
        _refuse_orientation("no space, or none that says it")
    _expect_field(fields, "space origin")
    units = set(re.findall(r'"([^"]*)"', fields.get("space units", ""))) - {"", "mm"}
    if units:
        _refuse("millimetres", "space units in others", "write the header in millimetres")
    _expect_field(fields, "sizes")


def _check_meta(fields: Mapping[str, str]) -> None:
    _expect_three(fields.get("ndims"))
    if not {"transformmatrix", "rotation", "orientation"} & set(fields):
        _refuse_orientation("no TransformMatrix")
    if not {"elementspacing", "elementsize"} & set(fields):
        _refuse("ElementSpacing in the header", "none", "export it again")
    if not {"offset", "position", "origin"} & set(fields):
        _refuse("Offset in the header", "none", "export it again")
    if fields.get("distanceunits", "mm").lower() not in ("mm", "?", ""):
        _refuse("millimetres", "DistanceUnits of others", "write it in millimetres")
    _expect_field(fields, "dimsize")
    _expect_field(fields, "elementdatafile")


def _data_file(path: Path, named: str, source: Path) -> Path:
    if "%" in named or named.upper().startswith("LIST"):
        _refuse("one data file", "a list of files", "write the volume to one file")
    data = (path.parent / named).resolve()
    if not data.is_relative_to(source.resolve()):
        _refuse("a data file inside the imported folder", "one outside", "put the data beside the header")
    if not data.is_file():
        _refuse("the data file that the header names", "none", "copy both files")
    return data


def _check_length(sizes: str, kind: str, data: Path) -> None:
    try:
        counts = [int(word) for word in sizes.split()]
    except ValueError:
        counts = []
    if len(counts) != 3 or min(counts) < 1:
        _refuse("three sizes", "others", "the header is damaged: export it again")
    least = next((count for word, count in _BYTES.items() if word in kind), 1)
    if math.prod(counts) * least > MAX_BYTES:
        _refuse(f"at most {MAX_BYTES} bytes", f"{counts} voxels", "the header is damaged: export it again")
    # Read before memory is asked for: a size may be absurd. Truncation proper is found in reading.
    if math.prod(counts) * least > _MAX_RATIO * data.stat().st_size:
        found = f"{data.stat().st_size} bytes for {counts} voxels"
        _refuse("data for every voxel", found, "the file is cut or damaged: copy or export it again")


def _expect_three(dimensions: str | None) -> None:
    if dimensions != "3":
        _refuse("3 dimensions", "no or another number", "write each volume to a file of its own")


def _expect_field(fields: Mapping[str, str], name: str) -> None:
    if name not in fields:
        _refuse(f"the field {name!r} in the header", "none", "the header is damaged: export it again")


def _refuse_orientation(found: str) -> None:
    _refuse("an orientation (left, front and head)", found, "export it again with orientation")


def _refuse(expected: str, found: str, remedy: str) -> None:
    raise NiftiError(expected=expected, found=found, remedy=remedy)
