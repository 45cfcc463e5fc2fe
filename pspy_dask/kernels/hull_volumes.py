"""Convex volume and Feret diameter of regions of a volume, from their whole hulls.

The definitions of :mod:`pspy_dask.kernels.hull_shapes` with an octahedron of half a voxel in place
of the diamond. Qhull tells which points make the faces of a hull; the planes through them, and
what lies behind them, are integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from pspy_dask.kernels.hulls import Hulls, Ints, extreme_points
from pspy_dask.kernels.jit import compiled

Spacing = tuple[float, float, float]
Floats = NDArray[np.float64]

_SOME = 512  # planes that are compared together with all points
_MANY = 2048  # points, of which to find the extreme ones costs less than all distances


def convex_volumes(hulls: Hulls, spacing: Spacing = (1.0, 1.0, 1.0)) -> tuple[Ints, Floats]:
    """Return how many voxels each region's convex image has, and its Feret diameter.

    Parameters
    ----------
    hulls
        Whole, of a volume. A region may span up to 2**18 voxels.
    spacing
        Size of a voxel along z, y and x.

    Returns
    -------
    numpy.ndarray, numpy.ndarray
        As ``area_convex`` (in voxels) and ``feret_diameter_max`` of
        :func:`skimage.measure.regionprops`, which has none for a region that is flat.

    Examples
    --------
    >>> from pspy_dask.kernels.hulls import find_hulls
    >>> cube = np.ones((2, 2, 2), np.int32)
    >>> areas, diameters = convex_volumes(find_hulls(cube, 1, (0, 0, 0)))
    >>> areas.tolist(), (diameters**2).round(9).tolist()
    ([8], [6.0])
    """
    volumes, diameters = np.zeros(len(hulls), np.int64), np.zeros(len(hulls))
    for r in range(len(hulls)):
        points = hulls.points[hulls.starts[r] : hulls.starts[r + 1]]
        if len(points):
            image = _convex_image(points - points.min(axis=0))
            volumes[r] = (image[:, 3] - image[:, 2] + 1).sum()
            diameters[r] = _diameter(image, np.array(spacing))
    return volumes, diameters


def _convex_image(points: Ints) -> Ints:
    """Return z, y, the first and the last x of the rows of the convex image of points."""
    tips, _ = _tips(points)
    hull = ConvexHull(tips)
    a, b, c = (tips[hull.simplices[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals = normals[normals.any(axis=1)]  # Qhull parts faces of many points, some to slivers
    normals //= np.gcd.reduce(normals, axis=1)[:, None]
    # Which side is outside does not matter: no plane around the tips cuts their hull.
    normals = np.unique(np.concatenate((normals, -normals)), axis=0)
    corners = tips[hull.vertices].T
    reach = [(normals[k : k + _SOME] @ corners).max(axis=1) for k in range(0, len(normals), _SOME)]
    return np.asarray(_rows_behind(normals, np.concatenate(reach), *(points.max(axis=0) + 1)))


def _tips(points: Ints) -> tuple[Ints, Ints]:
    """Return the tips of the octahedra around points, in halves of a voxel, and whose they are."""
    unit = np.eye(3, dtype=np.int64)
    offsets = np.concatenate((unit, -unit))
    z, y, x = (2 * points[:, None] + offsets).reshape(-1, 3).T
    _, which = np.unique((z << 40) + (y << 20) + x, return_index=True)
    return np.column_stack((z, y, x))[which], which // len(offsets)


def _diameter(image: Ints, spacing: Floats) -> float:
    """Return the diameter of the tips around the voxels of a convex image given by rows."""
    _, points = extreme_points(np.array([0, len(image)]), image)
    if len(points) > _MANY:
        tips, owners = _tips(points)
        points = points[np.unique(owners[ConvexHull(tips).vertices])]
    return float(_farthest(points, spacing))


@compiled
def _farthest(points: Any, spacing: Any) -> Any:
    """Return the greatest distance between tips: two that point apart along an axis have it."""
    most = 0.0
    steps, sizes = np.empty(3), np.empty(3)
    for i in range(points.shape[0]):
        for j in range(i + 1):
            for axis in range(3):
                steps[axis] = abs(points[i, axis] - points[j, axis])
                sizes[axis] = (steps[axis] * spacing[axis]) ** 2
            for axis in range(3):
                longer = ((steps[axis] + 1) * spacing[axis]) ** 2
                most = max(most, sizes[axis - 2] + sizes[axis - 1] + longer)
    return np.sqrt(most)


@compiled
def _rows_behind(normals: Any, reach: Any, planes: int, height: int, width: int) -> Any:
    """Return z, y, first and last x of the voxels behind all planes, in halves of a voxel."""
    rows = np.empty((planes * height, 4), np.int64)
    count = 0
    for z in range(planes):
        for y in range(height):
            first, last = 0, width - 1
            for k in range(reach.size):
                if first > last:
                    break
                rest = reach[k] - 2 * (normals[k, 0] * z + normals[k, 1] * y)
                step = 2 * normals[k, 2]
                if step > 0:
                    last = min(last, rest // step)
                elif step < 0:
                    first = max(first, -(rest // -step))
                elif rest < 0:
                    last = -1
            if first <= last:
                rows[count] = z, y, first, last
                count += 1
    return rows[:count].copy()
