"""Components painted into small padded rasters of their bounding boxes.

A raster is a flat array of ``(planes, height, width)`` pixels with a border of one pixel around
each plane, and a plane before and behind a volume: so kernels look at all neighbours of a pixel
without asking whether there are any. Its box is that of the components and one pixel more, for
what is outside them, clipped at the edges of the image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled


def scratch(boxes: NDArray[np.int64], steps: tuple[float, float, float]) -> NDArray[Any]:
    """Return room for the squared distances in any of some boxes: integers where all fit.

    >>> scratch(np.array([[1, 8, 9], [1, 3, 30]]), (1.0, 1.0, 1.0)).shape
    (160,)
    >>> scratch(np.array([[1, 8, 60_000]]), (1.0, 1.0, 1.0)).dtype
    dtype('float64')
    """
    if not len(boxes):
        return np.empty(0, np.int32)
    margins = np.where(boxes > 1, 2, [0, 2, 2])
    farthest = int(boxes.sum(axis=1).max()) + 4  # longer than any distance
    whole = all(step == 1 for step in steps) and farthest**2 < 2**31
    return np.empty((boxes + margins).prod(axis=1).max(), np.int32 if whole else np.float64)


@compiled
def bounds(
    row: Any, first: Any, stop: Any, component: Any, height: int, low: Any, high: Any
) -> None:
    """Find the half-open bounds (z, y, x) of every component in the image."""
    for i in range(row.size):
        c = component[i]
        z = row[i] // height
        y = row[i] - z * height
        low[c, 0] = min(low[c, 0], z)
        low[c, 1] = min(low[c, 1], y)
        low[c, 2] = min(low[c, 2], first[i])
        high[c, 0] = max(high[c, 0], z + 1)
        high[c, 1] = max(high[c, 1], y + 1)
        high[c, 2] = max(high[c, 2], stop[i])


@compiled
def grouped(component: Any, count: int) -> Any:
    """Return the runs of each component, as places in ``order`` that ``starts`` bounds."""
    starts = np.zeros(count + 1, np.int64)
    for i in range(component.size):
        starts[component[i] + 1] += 1
    for c in range(count):
        starts[c + 1] += starts[c]
    place = starts.copy()
    order = np.empty(component.size, np.int64)
    for i in range(component.size):
        order[place[component[i]]] = i
        place[component[i]] += 1
    return starts, order


@compiled
def frame(members: Any, low: Any, high: Any, shape: Any, origin: Any, size: Any, end: Any) -> None:
    """Find the box of the components and one pixel more, inside the image."""
    for axis in range(3):
        first, last = shape[axis], 0
        for c in members:
            first = min(first, low[c, axis])
            last = max(last, high[c, axis])
        origin[axis], end[axis] = max(0, first - 1), min(shape[axis], last + 1)
        size[axis] = end[axis] - origin[axis]


@compiled
def neighbours(planes: int, height: int, width: int) -> Any:
    """Return the offsets to neighbours by faces, and to all, in raster order."""
    row = width + 2
    plane = (height + 2) * row
    deep = 1 if planes > 1 else 0
    faces, around = np.empty(4 + 2 * deep, np.int64), np.empty(26 if deep else 8, np.int64)
    f = a = 0
    for dz in range(-deep, deep + 1):
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                away = abs(dz) + abs(dy) + abs(dx)
                offset = dz * plane + dy * row + dx
                if away > 0:
                    around[a] = offset
                    a += 1
                if away == 1:
                    faces[f] = offset
                    f += 1
    return faces, around


@compiled
def paint_members(
    row: Any,
    first: Any,
    stop: Any,
    starts: Any,
    order: Any,
    members: Any,
    shape: Any,
    origin: Any,
    size: Any,
    component: Any,
) -> None:
    """Set the raster to 1, 2, ... in the first, second, ... of the components."""
    line = size[2] + 2
    deep = 1 if size[0] > 1 else 0
    for m in range(members.size):
        for k in range(starts[members[m]], starts[members[m] + 1]):
            i = order[k]
            z = row[i] // shape[1]
            y = row[i] - z * shape[1] - origin[1]
            at = ((z - origin[0] + deep) * (size[1] + 2) + y + 1) * line + 1 - origin[2]
            for x in range(first[i], stop[i]):
                component[at + x] = m + 1


@compiled
def distance_to_outside(planes: int, height: int, width: int, steps: Any, squared: Any) -> None:
    """Measure to the outside of the image, where all of it is one component."""
    row = width + 2
    for z in range(planes):
        for y in range(height):
            for x in range(width):
                way = min(min(y + 1, height - y) * steps[1], min(x + 1, width - x) * steps[2])
                if planes > 1:
                    way = min(way, min(z + 1, planes - z) * steps[0])
                deep = z + 1 if planes > 1 else 0
                squared[(deep * (height + 2) + y + 1) * row + x + 1] = way * way
