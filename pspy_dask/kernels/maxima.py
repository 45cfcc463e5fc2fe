"""Markers of objects: pixels of a component that no pixel of it nearby exceeds, joined.

Rasters are padded as in :mod:`pspy_dask.kernels.rasters`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pspy_dask.kernels.jit import compiled

MARKER = -1
_LARGE = 64  # sides of footprints that are not searched pixel by pixel


@compiled
def mark_maxima(
    component: Any,
    members: int,
    squared: Any,
    planes: int,
    height: int,
    width: int,
    size: int,
    label: Any,
) -> None:
    """Set ``label`` to -1 where no pixel of the same component in the footprint is farther in.

    The footprint is a square or cube of side ``size``; an even one reaches one pixel farther
    towards the origin, as SciPy's filters do. Pixels of distance 0 are no maxima.

    Most pixels have a neighbour that exceeds them, and are out after a look at it. Of the others
    the whole footprint is searched; where it is large, only if running maxima, which take the
    same time at any size, do not decide.
    """
    row = width + 2
    plane = (height + 2) * row
    deep = planes > 1
    origin = row + 1 + (plane if deep else 0)
    back, ahead = size // 2, size - 1 - size // 2
    large = size > _LARGE
    highest = running_maxima(squared, planes, height, width, back, ahead) if large else squared
    for z in range(planes):
        for y in range(height):
            for x in range(width):
                at = origin + z * plane + y * row + x
                own = component[at]
                value = squared[at]
                if own == 0 or value == 0:
                    continue
                if large and (value == highest[at] or members == 1):
                    if value == highest[at]:
                        label[at] = MARKER
                    continue
                if back > 0 and (
                    (component[at - 1] == own and squared[at - 1] > value)
                    or (component[at - row] == own and squared[at - row] > value)
                    or (deep and component[at - plane] == own and squared[at - plane] > value)
                ):
                    continue
                if ahead > 0 and (
                    (component[at + 1] == own and squared[at + 1] > value)
                    or (component[at + row] == own and squared[at + row] > value)
                    or (deep and component[at + plane] == own and squared[at + plane] > value)
                ):
                    continue
                if not _exceeded(
                    component,
                    squared,
                    origin,
                    row,
                    plane,
                    own,
                    value,
                    (max(0, z - back), min(planes, z + ahead + 1)),
                    (max(0, y - back), min(height, y + ahead + 1)),
                    (max(0, x - back), min(width, x + ahead + 1)),
                ):
                    label[at] = MARKER


@compiled
def running_maxima(
    squared: Any, planes: int, height: int, width: int, back: int, ahead: int
) -> Any:
    """Return the highest value of any component in the footprint of each pixel."""
    row = width + 2
    plane = (height + 2) * row
    origin = row + 1 + (plane if planes > 1 else 0)
    highest = squared.copy()
    longest = max(planes, height, width)
    line, queue = np.empty(longest, squared.dtype), np.empty(longest, np.int64)
    for z in range(planes):
        for y in range(height):
            first = origin + z * plane + y * row
            _along_line(highest, first, 1, width, back, ahead, line, queue)
        for x in range(width):
            first = origin + z * plane + x
            _along_line(highest, first, row, height, back, ahead, line, queue)
    if planes > 1:
        for y in range(height):
            for x in range(width):
                first = origin + y * row + x
                _along_line(highest, first, plane, planes, back, ahead, line, queue)
    return highest


@compiled
def _along_line(
    values: Any, first: int, stride: int, length: int, back: int, ahead: int, line: Any, queue: Any
) -> None:
    """Replace each value by the highest from ``back`` before it to ``ahead`` beyond it.

    The queue holds the places that may still be the highest of a window, highest first.
    """
    for i in range(length):
        line[i] = values[first + i * stride]
    head, tail = 0, 0
    ahead = min(ahead, length)
    for i in range(length + ahead):
        if i < length:
            while tail > head and line[queue[tail - 1]] <= line[i]:
                tail -= 1
            queue[tail] = i
            tail += 1
        at = i - ahead
        if 0 <= at < length:
            while queue[head] < at - back:
                head += 1
            values[first + at * stride] = line[queue[head]]


@compiled
def _exceeded(
    component: Any,
    squared: Any,
    origin: int,
    row: int,
    plane: int,
    own: Any,
    value: Any,
    deep: tuple[int, int],
    down: tuple[int, int],
    along: tuple[int, int],
) -> bool:
    for z in range(deep[0], deep[1]):
        for y in range(down[0], down[1]):
            line = origin + z * plane + y * row
            for x in range(line + along[0], line + along[1]):
                if squared[x] > value and component[x] == own:
                    return True
    return False


@compiled
def join_markers(
    label: Any, planes: int, height: int, width: int, around: Any, stack: Any, count: int
) -> int:
    """Give markers numbers in raster order, after ``count`` others; maxima that touch are one.

    Parameters
    ----------
    label
        -1 at maxima, 0 elsewhere.
    around
        Offsets to all neighbours in the raster, those at corners too.
    stack
        Room for as many integers as the raster has pixels.
    count
        Number of markers that there are already.

    Returns
    -------
    int
        Number of markers, these and the others.
    """
    row = width + 2
    plane = (height + 2) * row
    origin = row + 1 + (plane if planes > 1 else 0)
    for z in range(planes):
        for y in range(height):
            for x in range(width):
                at = origin + z * plane + y * row + x
                if label[at] != MARKER:
                    continue
                count += 1
                label[at] = count
                stack[0] = at
                top = 1
                while top > 0:
                    top -= 1
                    here = stack[top]
                    for offset in around:
                        if label[here + offset] == MARKER:
                            label[here + offset] = count
                            stack[top] = here + offset
                            top += 1
    return count
