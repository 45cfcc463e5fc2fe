"""Markers of objects: pixels of a component that no pixel of it nearby exceeds, joined.

Rasters are padded as in :mod:`pspy_dask.kernels.rasters`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pspy_dask.kernels.jit import compiled

MARKER = -1
_LOOKS = 48  # for each pixel of a box: they take longer than running maxima of it


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
) -> int:
    """Set ``label`` to -1 where no pixel of the same component in the footprint is farther in.

    The footprint is a square or cube of side ``size``; an even one reaches one pixel farther
    towards the origin, as SciPy's filters do. Pixels of distance 0 are no maxima.

    Most pixels have a neighbour that exceeds them, and are out after a look at it. Of the others
    the footprint is searched. On plateaus these are many, each searched to the end. Once that has
    cost more than running maxima would, which take the same time whatever the footprint and the
    distances, no pixel as high as its component is searched and none beyond its component's box;
    and where the searches of a component cost that much, running maxima in its box decide.

    Returns
    -------
    int
        Pixels that were looked at in footprints: at most 49 for each pixel of the raster and, of
        several components, for each of their boxes.
    """
    row = width + 2
    plane = (height + 2) * row
    deep = planes > 1
    origin = row + 1 + (plane if deep else 0)
    back, ahead = size // 2, size - 1 - size // 2
    boxes, tops = np.zeros((members + 1, 6), np.int64), np.zeros(members + 1, squared.dtype)
    for box in boxes:
        box[1], box[3], box[5] = planes, height, width
    volumes = np.full(members + 1, planes * height * width)
    looks, total, most = np.zeros(members + 1, np.int64), 0, _LOOKS * planes * height * width
    measured = False
    for z in range(planes):
        for y in range(height):
            for x in range(width):
                at = origin + z * plane + y * row + x
                own = component[at]
                value = squared[at]
                if own == 0 or value == 0:
                    continue
                if (
                    back > 0
                    and (
                        (component[at - 1] == own and squared[at - 1] > value)
                        or (component[at - row] == own and squared[at - row] > value)
                        or (deep and component[at - plane] == own and squared[at - plane] > value)
                    )
                ) or (
                    ahead > 0
                    and (
                        (component[at + 1] == own and squared[at + 1] > value)
                        or (component[at + row] == own and squared[at + row] > value)
                        or (deep and component[at + plane] == own and squared[at + plane] > value)
                    )
                ):
                    continue
                box = boxes[own]
                if total > most:
                    if not measured:
                        _measure(component, squared, planes, height, width, boxes, tops, volumes)
                        measured = True
                    if value == tops[own] or looks[own] > _LOOKS * volumes[own]:
                        label[at] = MARKER if value == tops[own] else 0
                        continue
                exceeded, looked = _search(
                    component,
                    squared,
                    origin,
                    row,
                    plane,
                    own,
                    value,
                    (max(box[0], z - back), min(box[1], z + ahead + 1)),
                    (max(box[2], y - back), min(box[3], y + ahead + 1)),
                    (max(box[4], x - back), min(box[5], x + ahead + 1)),
                )
                looks[own] += looked
                total += looked
                if not exceeded:
                    label[at] = MARKER
    for own in range(1, members + 1):
        if measured and looks[own] > _LOOKS * volumes[own]:
            _mark_by_running_maxima(
                component, squared, origin, row, plane, own, boxes[own], back, ahead, label
            )
    return total


@compiled
def _measure(
    component: Any,
    squared: Any,
    planes: int,
    height: int,
    width: int,
    boxes: Any,
    tops: Any,
    volumes: Any,
) -> None:
    """Find every component's half-open bounds, of z, y and x, its highest value and its volume."""
    for box in boxes:
        box[0], box[2], box[4] = planes, height, width
        box[1], box[3], box[5] = 0, 0, 0
    at = width + 3 + ((height + 2) * (width + 2) if planes > 1 else 0)
    for z in range(planes):
        for y in range(height):
            first, top = 0, squared[at]
            for x in range(width):
                own = component[at + x]
                top = max(top, squared[at + x])
                if component[at + x + 1] == own:  # the run goes on
                    continue
                box = boxes[own]
                box[0], box[1] = min(box[0], z), z + 1
                box[2], box[3] = min(box[2], y), max(box[3], y + 1)
                box[4], box[5] = min(box[4], first), max(box[5], x + 1)
                tops[own] = max(tops[own], top)
                first, top = x + 1, squared[at + x + 1]
            at += width + 2
        at += 2 * (width + 2)
    for own in range(1, volumes.size):
        box = boxes[own]
        volumes[own] = (box[1] - box[0]) * (box[3] - box[2]) * (box[5] - box[4])


@compiled
def _search(
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
) -> tuple[bool, int]:
    """Return whether a pixel of the component exceeds the value, and how many were looked at."""
    lines = 0
    for z in range(deep[0], deep[1]):
        for y in range(down[0], down[1]):
            line = origin + z * plane + y * row
            lines += 1
            for x in range(line + along[0], line + along[1]):
                if squared[x] > value and component[x] == own:
                    return True, lines * (along[1] - along[0])
    return False, lines * (along[1] - along[0])


@compiled
def _mark_by_running_maxima(
    component: Any,
    squared: Any,
    origin: int,
    row: int,
    plane: int,
    own: int,
    box: Any,
    back: int,
    ahead: int,
    label: Any,
) -> None:
    """Mark the maxima of one component in its box."""
    planes, height, width = box[1] - box[0], box[3] - box[2], box[5] - box[4]
    first = origin + box[0] * plane + box[2] * row + box[4]
    highest = np.zeros(planes * height * width, squared.dtype)
    for line in range(planes * height):
        at = first + line // height * plane + line % height * row
        for x in range(width):
            if component[at + x] == own:
                highest[line * width + x] = squared[at + x]
    _running_maxima(highest, planes, height, width, back, ahead)
    for line in range(planes * height):
        at = first + line // height * plane + line % height * row
        for x in range(width):
            value = squared[at + x]
            if component[at + x] == own and value > 0 and value == highest[line * width + x]:
                label[at + x] = MARKER


@compiled
def _running_maxima(
    values: Any, planes: int, height: int, width: int, back: int, ahead: int
) -> None:
    """Replace each value by the highest in its footprint."""
    longest = max(planes, height, width)
    line, queue = np.empty(longest, values.dtype), np.empty(longest, np.int64)
    plane = height * width
    one: Any = np.int64(1)  # a literal would have what is along a line compiled twice
    for z in range(planes):
        for y in range(height):
            first = z * plane + y * width
            _along_line(values, first, one, width, back, ahead, line, queue)
        for x in range(width):
            _along_line(values, z * plane + x, width, height, back, ahead, line, queue)
    if planes > 1:
        for at in range(plane):
            _along_line(values, at, plane, planes, back, ahead, line, queue)


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
