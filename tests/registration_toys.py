"""Rigid motions and their errors, for tests of registration."""

import numpy as np
import SimpleITK as sitk

from preprocessing.phantom.pose import rotation


class Motion:
    """x -> turn (x - centre) + centre + shift, LPS mm."""

    def __init__(self, *, degrees, shift, centre):
        self.turn, self.shift, self.centre = rotation(*degrees), np.array(shift), np.array(centre)

    def __call__(self, where):
        """Points moved."""
        return (where - self.centre) @ self.turn.T + self.centre + self.shift

    def back(self, where):
        """Points before the motion."""
        return (where - self.centre - self.shift) @ self.turn + self.centre

    def move(self, image):
        """The same voxels laid elsewhere: the whole scanner moves."""
        moved = sitk.Image(image)
        moved.SetOrigin(self(np.array(image.GetOrigin())).tolist())
        axes = self.turn @ np.reshape(image.GetDirection(), (3, 3))
        moved.SetDirection(axes.ravel().tolist())
        return moved


def moved_points(transform, where):
    """Points that a SimpleITK transform reaches."""
    return np.array([transform.TransformPoint(point) for point in np.asarray(where, dtype=float).tolist()])


def distances(transform, where, truth):
    """How far each point ends from where it should, mm; points without a truth are left out."""
    found = np.linalg.norm(moved_points(transform, where) - truth, axis=1)
    return found[~np.isnan(found)]
