"""Squared Euclidean distance to what is outside a shape, exact, in a padded raster.

Rasters are padded as in :mod:`pspy_dask.kernels.rasters`; the border counts neither as inside nor
as outside. Distances are found along y by counting, then along x, then along z:

- Where steps are 1 all values are integers. The pixels of a row are compared with those ever
  farther to both sides, many at once, until none nearer can come: a few steps in most particles.
- Rows with a pixel that is far from everything, rows where steps are not 1, and z get the lower
  envelope of parabolas [1]_, run of inside pixels by run: the nearest outside pixel of a row's
  pixels lies nowhere else than in the columns of their run and the two beside it.

Both are exact for integers; the envelope's division is exact where two parabolas meet at a pixel,
where alone it matters. The time of ``scipy.ndimage.distance_transform_edt`` in ours, square root
included, on particles of some 20 pixels: 8.2 by envelopes alone, 14 as it is.

References
----------
.. [1] P. Felzenszwalb, D. Huttenlocher, "Distance transforms of sampled functions", Theory of
   Computing 8 (2012) 415-428.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pspy_dask.kernels.jit import compiled

#: Pixels of a row that are worked on together, and how far to both sides.
_BLOCK, _REACH = 32, 64
#: Put beyond the ends of a row: more than any value that is kept, which `_REACH` bounds.
_BEYOND = 2**30


@compiled
def squared_distances(
    inside: Any, planes: int, height: int, width: int, steps: Any, squared: Any
) -> bool:
    """Fill ``squared`` with the squared distance of inside pixels, 0 outside.

    Parameters
    ----------
    inside
        Flat padded raster; what is not 0 is inside.
    planes, height, width
        Size without the border; one plane is a plane, not a volume.
    steps
        Distances between pixels along z, y, x.
    squared
        Flat padded raster of int32 (all steps 1) or float64.

    Returns
    -------
    bool
        Whether there is an outside pixel at all; if not, values mean nothing.
    """
    row = width + 2
    plane = (height + 2) * row
    origin = row + 1 + (plane if planes > 1 else 0)
    longest = max(planes, height, width) + 2
    far = planes * steps[0] + height * steps[1] + width * steps[2] + steps[0] + steps[1] + steps[2]
    none: Any = np.int64(far / steps[1]) + 1
    line = np.full(_REACH + width + _REACH + _BLOCK, _BEYOND, squared.dtype)
    rows = (np.empty(width, squared.dtype), line, np.empty(_BLOCK, squared.dtype))
    rooms = (np.empty(longest, np.int64), np.empty(longest), np.empty(longest))
    found = False
    for z in range(planes):
        base = origin + z * plane
        found |= _in_plane(inside, base, height, width, steps, none, squared, rows, rooms)
    if planes > 1:
        for y in range(height):
            for x in range(width):
                first = origin + y * row + x
                _along_line(squared, first, plane, planes, steps[0], *rooms)
    return found


@compiled
def _in_plane(
    inside: Any,
    base: int,
    height: int,
    width: int,
    steps: Any,
    none: int,
    squared: Any,
    rows: Any,
    rooms: Any,
) -> bool:
    """Do what there is to do in a plane; say whether it has an outside pixel."""
    row = width + 2
    counts, line, nearest = rows
    found = _down(inside, base, row, height, width, none, counts, squared)
    counts[:] = none
    for y in range(height - 1, -1, -1):
        first = base + y * row
        among, result = inside[first : first + width], squared[first : first + width]
        _up(among, none, steps[1], counts, result, line[_REACH : _REACH + width])
        if squared.itemsize > 4 or not _along_near(line, nearest, result):
            for x in range(width):  # a second and a half quicker to compile than a slice
                result[x] = line[_REACH + x]
            _along_line(squared, first, 1, width, steps[2], *rooms)
    return bool(found)


@compiled
def _down(
    inside: Any,
    base: int,
    row: int,
    height: int,
    width: int,
    none: int,
    counts: Any,
    squared: Any,
) -> bool:
    """Count pixels up to the nearest outside pixel, or ``none``; say if there is any at all."""
    counts[:] = none
    for y in range(height):
        first = base + y * row
        among, above = inside[first : first + width], squared[first : first + width]
        for x in range(width):
            counts[x] = min(counts[x] + 1, none) if among[x] else 0
            above[x] = counts[x]
    found = False
    for x in range(width):
        found |= counts[x] < none  # it is more than the height
    return found


@compiled
def _up(among: Any, none: int, step: float, counts: Any, above: Any, line: Any) -> None:
    """Square the distance to the nearest outside pixel of the column, above or below a row."""
    for x in range(among.size):
        counts[x] = min(counts[x] + 1, none) if among[x] else 0
        count = min(counts[x], above[x])
        line[x] = (count * step) * (count * step)


@compiled
def _along_near(line: Any, nearest: Any, distances: Any) -> bool:
    """Fill a row with the least of all values plus the squared way; say if that was all near."""
    for x in range(0, distances.size, _BLOCK):
        most = line[0] * 0
        here = line[_REACH + x : _REACH + x + _BLOCK]
        for i in range(_BLOCK):
            nearest[i] = here[i]
            most = max(most, here[i])
        way = 1
        while way * way < most:
            if way > _REACH:
                return False
            left = line[_REACH + x - way : _REACH + x - way + _BLOCK]
            right = line[_REACH + x + way : _REACH + x + way + _BLOCK]
            most = line[0] * 0
            for i in range(_BLOCK):
                nearest[i] = min(nearest[i], min(left[i], right[i]) + way * way)
                most = max(most, nearest[i])
            way += 1
        for i in range(min(_BLOCK, distances.size - x)):
            distances[x + i] = nearest[i]
    return True


@compiled
def _along_line(
    squared: Any,
    first: int,
    stride: int,
    length: int,
    step: float,
    sites: Any,
    starts: Any,
    values: Any,
) -> None:
    """Replace each value of a line by the least of all others plus the squared way to them."""
    begin = 0
    while begin < length:
        if squared[first + begin * stride] == 0:
            begin += 1
            continue
        end = begin
        while end < length and squared[first + end * stride] != 0:
            end += 1
        low, high = max(begin - 1, 0), min(end, length - 1)
        for u in range(low, high + 1):
            values[u - low] = squared[first + u * stride]
        _envelope(values, high - low + 1, step * step, sites, starts)
        k = 0
        for u in range(high - low + 1):
            while starts[k + 1] < u:
                k += 1
            if begin <= u + low < end:
                way = (u - sites[k]) * step
                squared[first + (u + low) * stride] = way * way + values[sites[k]]
        begin = end


@compiled
def _envelope(values: Any, length: int, weight: float, sites: Any, starts: Any) -> None:
    """Find the parabolas that are lowest somewhere; ``starts[k]`` is where the k-th begins."""
    count = 0
    sites[0] = 0
    starts[0] = -np.inf
    starts[1] = np.inf
    for u in range(1, length):
        lift = values[u] + weight * u * u
        while True:
            s = sites[count]
            meet = (lift - (values[s] + weight * s * s)) / (2 * weight * (u - s))
            if meet > starts[count]:  # always so of the first, which begins at -inf
                break
            count -= 1
        count += 1
        sites[count] = u
        starts[count] = meet
        starts[count + 1] = np.inf
