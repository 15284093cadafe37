"""Balls of bone in a coarse copy of a CT: edges vote for the centres of the balls that they may bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float
from scipy import ndimage

from preprocessing.grid import Grid, grid_of

STEP_MM = 2.5
"""Voxel edge of the copy: a tenth of the radius of a femoral head."""
SHOWN_HU = (-100.0, 500.0)
"""CT numbers are clipped to these, so that neither metal nor gas outvotes bone."""
BONE_HU = 160.0
"""Edges count only beside voxels above this, lightly smoothed."""
EDGE_HU_PER_MM = 15.0
"""Least gradient of an edge that votes."""
BALL_RADII_MM = (20.0, 28.0)
"""Radii of the heads looked for; the blur of the copy adds those down to 18 mm."""
SOCKET_RADII_MM = (24.0, 32.0)
"""Radii of the sockets around them, cartilage included."""
SOCKET_WEIGHT = 0.5
"""Vote of a socket's edge against that of a head's: half of the socket is missing."""
TYPICAL_RADIUS_MM = 24.0
"""Votes count in inverse proportion to the ball's area, against that of this radius."""
DIRECTIONS = 300
"""Directions in which a ball's surface is looked for."""
CAP = 0.7
"""Cosine of the half angle of the two cones in which a head's surface should be seen."""
SURFACE_MM = 3.0
"""The surface may lie this far from the ball's mean radius."""

Array3 = Float[np.ndarray, "R A S"]


@dataclass(frozen=True, kw_only=True)
class CoarseBone:
    """A CT on an isotropic grid of `STEP_MM`.

    Args:
        hounsfield: CT numbers, axes as those of the image it was made of.
        grid: where the voxels lie.
    """

    hounsfield: Array3
    grid: Grid

    def to_lps(self, index: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
        """World position of a fractional voxel index.

        Args:
            index: along the array's axes.
        """
        return np.asarray((self.grid.affine_lps @ np.array([*index, 1.0]))[:3])


def coarse_bone(image: sitk.Image) -> CoarseBone:
    """Coarse copy of a CT, by averaging whole voxels and then interpolating.

    Args:
        image: a CT in HU.
    """
    bins = [max(1, int(STEP_MM / spacing + 1e-6)) for spacing in image.GetSpacing()]
    bins = [min(count, size) for count, size in zip(bins, image.GetSize(), strict=True)]
    binned = sitk.BinShrink(image, bins) if max(bins) > 1 else image
    extent = np.multiply(binned.GetSize(), binned.GetSpacing())
    size = [max(1, round(float(length) / STEP_MM)) for length in extent]
    lattice = (binned.GetOrigin(), (STEP_MM,) * 3, binned.GetDirection())
    air = float(SHOWN_HU[0])
    coarse = sitk.Resample(binned, size, sitk.Transform(), sitk.sitkLinear, *lattice, air, sitk.sitkFloat32)
    return CoarseBone(hounsfield=sitk.GetArrayFromImage(coarse).T, grid=grid_of(coarse))


def sphere_votes(bone: CoarseBone) -> Array3:
    """Votes for each voxel to be the centre of a ball of bone, by the edges of bone around it.

    Args:
        bone: the coarse CT.
    """
    where, inwards = _edges(bone)
    votes = np.zeros(bone.hounsfield.size)
    for sign, (low, high), weight in ((1, BALL_RADII_MM, 1.0), (-1, SOCKET_RADII_MM, SOCKET_WEIGHT)):
        for radius in np.arange(low, high + 0.5):
            target = np.rint(where + sign * inwards * (radius / STEP_MM)).astype(int)
            target = target[((target >= 0) & (target < bone.hounsfield.shape)).all(axis=1)]
            index = np.ravel_multi_index(tuple(target.T), bone.hounsfield.shape)
            share = weight * (TYPICAL_RADIUS_MM / radius) ** 2
            votes += share * np.bincount(index, minlength=votes.size)
    smooth: Array3 = ndimage.gaussian_filter(votes.reshape(bone.hounsfield.shape), 1.2)
    return smooth


def surface_support(bone: CoarseBone, centre: Float[np.ndarray, "3"]) -> tuple[float, float]:
    """Share of directions in which a ball of bone visibly ends at one radius, and that radius in mm.

    Looked at are the directions forwards and backwards, and the lesser share counts: upwards and towards the
    middle the socket may be too near to be told apart, sideways and downwards the bone goes on as the neck.

    Args:
        bone: the coarse CT, axes nearest to R, A, S.
        centre: fractional voxel index.
    """
    radii = np.arange(BALL_RADII_MM[0] - 2 - 2 * SURFACE_MM, SOCKET_RADII_MM[1] + SURFACE_MM)
    rays = centre[:, None, None] + _directions().T[:, :, None] * (radii / STEP_MM)
    shown = np.clip(bone.hounsfield, *SHOWN_HU)
    along = ndimage.map_coordinates(shown, rays, order=1, mode="nearest")
    fall = -np.gradient(ndimage.gaussian_filter1d(along, 1.0, axis=1), axis=1)
    possible = (radii >= BALL_RADII_MM[0] - 2) & (radii <= BALL_RADII_MM[1])
    best = int(np.argmax(np.where(possible, np.clip(fall, 0, None).mean(axis=0), -1)))
    near = np.abs(radii - radii[best]) <= SURFACE_MM
    seen = fall[:, near].max(axis=1) > EDGE_HU_PER_MM
    caps = [_directions() @ np.array(axis) > CAP for axis in ((0, 1, 0), (0, -1, 0))]
    return min(float(seen[cap].mean()) for cap in caps), float(radii[best])


def _edges(bone: CoarseBone) -> tuple[Float[np.ndarray, "edge 3"], Float[np.ndarray, "edge 3"]]:
    """Return voxel indices of bone's edges and the unit vectors towards the denser side."""
    shown = np.clip(bone.hounsfield, *SHOWN_HU)
    slope = [
        ndimage.gaussian_filter(shown, 1.0, order=[int(axis == k) for k in range(3)]) for axis in range(3)
    ]
    steepness = np.sqrt(sum(part**2 for part in slope)) / STEP_MM
    near_bone = ndimage.binary_dilation(ndimage.gaussian_filter(shown, 0.7) > BONE_HU)
    edge = (steepness > EDGE_HU_PER_MM) & near_bone
    gradient = np.stack([part[edge] for part in slope], axis=1) / STEP_MM
    return np.argwhere(edge).astype(float), (gradient / steepness[edge][:, None]).astype(float)


def _directions() -> Float[np.ndarray, "direction 3"]:
    """Return unit vectors spread evenly over the sphere (a Fibonacci lattice)."""
    number = np.arange(DIRECTIONS) + 0.5
    height = 1 - 2 * number / DIRECTIONS
    turn = np.pi * (1 + np.sqrt(5)) * number
    wide = np.sqrt(1 - height**2)
    return np.stack([wide * np.cos(turn), wide * np.sin(turn), height], axis=1)
