"""A NIfTI file judged before use: a whole 3D scalar volume of known orientation, or a clear refusal.

Files are decoded by nibabel. SimpleITK's own NIfTI reader fills the missing part of a truncated file with
zeros and only prints a warning, turns NaN into 0, and takes a file without orientation for an identity.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import nibabel as nib
import numpy as np
from isal import igzip, igzip_lib
from jaxtyping import Float, Shaped
from nibabel.arrayproxy import ArrayProxy
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import apply_read_scaling

from preprocessing.grid import Grid, grid_from_affine

SUFFIXES = (".nii", ".nii.gz")
MIN_SPACING_MM, MAX_SPACING_MM = 0.01, 100.0
"""No body is scanned finer or coarser than this: beyond, the header is wrong or in other units."""
MAX_SHEAR = 1e-3
"""Largest cosine between two axes that still counts as a right angle."""

LARGEST_RATIO = 1032
"""No stream grows to more than this many times its size (zlib's FAQ): a header that says so is damaged."""

# Its stubs take the class for an instance.
_IsalError = cast(type[Exception], igzip_lib.IsalError)
MOST_BEYOND = 1 << 24
"""Bytes that may follow the voxels: a stream that goes on for longer is a bomb, or another file's."""
PIECE = 1 << 20
"""Bytes that are read at a time where they are only counted."""
_DAMAGE = (OSError, EOFError, zlib.error, _IsalError, struct.error, ImageFileError, HeaderDataError)
"""What the decoders raise on a file that is cut or damaged."""


class NiftiError(ValueError):
    """A file is no whole 3D scalar volume: what was expected, what was found, what to do."""

    def __init__(self, *, expected: str, found: str, remedy: str) -> None:
        """Put the three parts into one sentence."""
        super().__init__(f"expected {expected}, found {found}; {remedy}")


@dataclass(frozen=True, kw_only=True)
class NiftiHeader:
    """What a header promises.

    Args:
        grid: lattice of voxel centres, from the sform if it is set, else from the qform.
        kind: type of the stored voxels, with their byte order.
        start: bytes of the uncompressed file before its first voxel.
        slope: of the scaling of stored voxels.
        intercept: of the scaling.
    """

    grid: Grid
    kind: np.dtype[np.generic]
    start: int
    slope: float
    intercept: float

    @property
    def slice_length(self) -> int:
        """Bytes of a slice: voxels that differ in the first two indices."""
        return self.grid.size[0] * self.grid.size[1] * self.kind.itemsize

    @property
    def length(self) -> int:
        """Bytes of the uncompressed file up to its last voxel."""
        return self.start + self.slice_length * self.grid.size[2]


def nifti_stem(path: Path) -> str:
    """Name of a volume without .nii or .nii.gz.

    Args:
        path: a .nii or .nii.gz file.
    """
    return path.name.removesuffix(".gz").removesuffix(".nii")


def beside(path: Path, ending: str) -> Path:
    """Path of a file that stands beside a volume: the volume's name with another ending.

    Args:
        path: a .nii or .nii.gz file.
        ending: such as ".json" or "_coverage.nii.gz".
    """
    return path.with_name(nifti_stem(path) + ending)


def read_header(path: Path) -> NiftiHeader:
    """Read and judge the header of a NIfTI-1 or NIfTI-2 file.

    Args:
        path: a .nii or .nii.gz file.

    Raises:
        NiftiError: if the file is missing, no NIfTI, not 3D, not scalar, or without usable geometry.
    """
    if not path.is_file():
        raise NiftiError(expected="a file", found="none", remedy="correct the path")
    if not path.name.endswith(SUFFIXES):
        raise NiftiError(expected="a name in .nii or .nii.gz", found=path.name, remedy="convert it to NIfTI")
    try:
        image = nib.load(path)
    except _DAMAGE as error:
        raise _damaged("a NIfTI file", str(error)) from error
    if not isinstance(image, nib.Nifti1Image):
        raise _damaged("a NIfTI file", type(image).__name__)
    header, kind = image.header, image.header.get_data_dtype()
    size = _size(header.get_data_shape())
    if kind.kind not in "iuf":
        remedy = "write the intensities as a scalar volume"
        raise NiftiError(expected="one real number per voxel", found=f"voxels of type {kind}", remedy=remedy)
    proxy = cast(ArrayProxy, image.dataobj)
    return NiftiHeader(
        grid=_grid(header, size), kind=kind, start=proxy.offset, slope=proxy.slope, intercept=proxy.inter
    )


def read_voxels(path: Path, header: NiftiHeader) -> Float[np.ndarray, "k j i"]:
    """Decode every voxel as a 32-bit float, the header's scaling applied, the file's last axis first.

    Args:
        path: the file that `header` was read from.
        header: what it promises.

    Raises:
        NiftiError: if bytes are missing or damaged, or voxels are NaN or infinite.
    """
    _require_possible_length(path, header)
    columns, rows, slices = header.grid.size
    voxels = np.empty((slices, rows, columns), dtype=np.float32)
    wrong = 0
    # Slice by slice, so that stored voxels and scaled ones never stand in memory beside the result.
    for plane, stored in zip(voxels, _stored_slices(path, header), strict=True):
        values = apply_read_scaling(stored, header.slope, header.intercept)
        wrong += values.size - int(np.isfinite(values).sum())
        plane[:] = values.reshape(rows, columns)
    if wrong:
        found = f"{wrong} of {voxels.size} voxels NaN or infinite"
        remedy = "replace them by a value that means air"
        raise NiftiError(expected="finite voxels", found=found, remedy=remedy)
    return voxels


def check_length(path: Path, header: NiftiHeader) -> None:
    """Make sure that the file is long enough for its voxels, without reading them where that is possible.

    Args:
        path: the file that `header` was read from.
        header: what it promises.

    Raises:
        NiftiError: if bytes are missing.
    """
    if not path.name.endswith(".gz"):
        _require_length(header, path.stat().st_size)
    elif _gzip_length(path) != header.length % 2**32:
        # Not proof of damage: a file may hold more than its voxels, or be made of several gzip members.
        read_voxels(path, header)


def _gzip_length(path: Path) -> int:
    """Length modulo 2^32 that a gzip member states in its last four bytes (RFC 1952, section 2.3.1)."""
    with path.open("rb") as stream:
        stream.seek(-4, 2)
        return int(struct.unpack("<I", stream.read(4))[0])


def _stored_slices(path: Path, header: NiftiHeader) -> Iterator[Shaped[np.ndarray, " voxel"]]:
    """Stored voxels slice by slice; the file is read to its end, so that gzip's checksum is verified too."""
    try:
        with _opened(path) as stream:
            found = len(stream.read(header.start))
            for _ in range(header.grid.size[2]):
                content = stream.read(header.slice_length)
                found += len(content)
                if len(content) < header.slice_length:
                    break
                yield np.frombuffer(content, dtype=header.kind)
            found += _rest(stream)
    except _DAMAGE as error:
        raise _damaged("a whole gzip file", str(error)) from error
    _require_length(header, found)
    if found > header.length + MOST_BEYOND:
        raise _damaged(f"{header.length} bytes of header and voxels", f"more than {found} bytes")


def _rest(stream: io.BufferedIOBase) -> int:
    """Bytes that follow in a file, counted to its end, or until there are too many."""
    found = 0
    while found <= MOST_BEYOND and (content := stream.read(PIECE)):
        found += len(content)
    return found


def _opened(path: Path) -> io.BufferedIOBase:
    return igzip.IGzipFile(path, "rb") if path.name.endswith(".gz") else path.open("rb")


def _require_possible_length(path: Path, header: NiftiHeader) -> None:
    """Refuse what the file cannot hold before memory is taken for it."""
    found = path.stat().st_size
    _require_length(header, found * LARGEST_RATIO if path.name.endswith(".gz") else found)


def _require_length(header: NiftiHeader, found: int) -> None:
    if found < header.length:
        raise _damaged(f"{header.length} bytes of header and voxels", f"{found} bytes")


def _damaged(expected: str, found: str) -> NiftiError:
    remedy = "the file is cut or damaged: copy or export it again"
    return NiftiError(expected=expected, found=found, remedy=remedy)


def _size(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) < 3 or any(count != 1 for count in shape[3:]):
        remedy = "write each volume to a file of its own, 2D slices stacked to a volume"
        raise NiftiError(expected="a 3D volume", found=f"{len(shape)} dimensions {shape}", remedy=remedy)
    if min(shape) < 1:
        raise NiftiError(expected="voxels along every axis", found=f"size {shape}", remedy="export it again")
    return int(shape[0]), int(shape[1]), int(shape[2])


def _grid(header: nib.Nifti1Header, size: tuple[int, int, int]) -> Grid:
    if not (header["sform_code"] > 0 or header["qform_code"] > 0):
        found = "sform and qform codes 0, so that left and right are unknown"
        remedy = "export it again with orientation, or set its sform if you know it"
        raise NiftiError(expected="an orientation", found=found, remedy=remedy)
    try:
        affine = header.get_best_affine()
    except (ValueError, HeaderDataError) as error:
        raise _damaged("a usable sform or qform", str(error)) from error
    require_usable_axes(affine)
    return grid_from_affine(affine, size)


def require_usable_axes(affine: Float[np.ndarray, "4 4"]) -> None:
    """Make sure that voxels have a plausible size and right angles.

    Args:
        affine: matrix from voxel index to millimetres, RAS or LPS.

    Raises:
        NiftiError: if they have not.
    """
    _require_spacing(affine)
    _require_right_angles(affine)


def _require_spacing(affine: Float[np.ndarray, "4 4"]) -> None:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not (
        np.isfinite(affine).all() and spacing.min() >= MIN_SPACING_MM and spacing.max() <= MAX_SPACING_MM
    ):
        expected = f"voxels of {MIN_SPACING_MM:g} to {MAX_SPACING_MM:g} mm"
        found = f"spacing {tuple(float(value) for value in spacing)} mm"
        raise NiftiError(expected=expected, found=found, remedy="correct the header (units are millimetres)")


def _require_right_angles(affine: Float[np.ndarray, "4 4"]) -> None:
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    shear = float(np.abs(axes.T @ axes - np.eye(3)).max())
    if shear > MAX_SHEAR:
        found = f"a cosine of {shear:.3g} between two axes"
        raise NiftiError(expected="axes at right angles", found=found, remedy="reslice it onto a box first")
