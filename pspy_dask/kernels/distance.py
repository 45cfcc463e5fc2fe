"""Squared Euclidean distance to what is outside a shape, exact, in a padded raster.

Rasters are padded as in :mod:`pspy_dask.kernels.rasters`; the border counts neither as inside nor
as outside. First along y by counting, then along x and z as the lower envelope of
parabolas [1]_, run of inside pixels by run: the nearest outside pixel of a row's pixels lies
nowhere else than in the columns of their run and the two beside it.

With steps of 1 all values are integers, and every comparison is exact; the envelope's division is
exact where two parabolas meet at a pixel, where alone it matters.

References
----------
.. [1] P. Felzenszwalb, D. Huttenlocher, "Distance transforms of sampled functions", Theory of
   Computing 8 (2012) 415-428.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pspy_dask.kernels.jit import compiled


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
    sites = np.empty(longest, np.int64)
    starts = np.empty(longest, np.float64)
    values = np.empty(longest, np.float64)
    far = planes * steps[0] + height * steps[1] + width * steps[2] + steps[0] + steps[1] + steps[2]
    found = False
    for z in range(planes):
        base = origin + z * plane
        found |= _along_columns(inside, base, row, height, width, steps[1], far, squared)
        for y in range(height):
            _along_line(squared, base + y * row, 1, width, steps[2], sites, starts, values)
    if planes > 1:
        for y in range(height):
            for x in range(width):
                first = origin + y * row + x
                _along_line(squared, first, plane, planes, steps[0], sites, starts, values)
    return found


@compiled
def _along_columns(
    inside: Any, base: int, row: int, height: int, width: int, step: float, far: float, squared: Any
) -> bool:
    """Square the distance to the nearest outside pixel of the same column, or of ``far``."""
    found = False
    counts = np.empty(width, np.int64)
    none = np.int64(far / step) + 1
    counts[:] = none
    for y in range(height):
        for x in range(width):
            at = base + y * row + x
            counts[x] = min(counts[x] + 1, none) if inside[at] else 0
            found |= not inside[at]
            squared[at] = counts[x]
    counts[:] = none
    for y in range(height - 1, -1, -1):
        for x in range(width):
            at = base + y * row + x
            counts[x] = min(counts[x] + 1, none) if inside[at] else 0
            count = min(np.int64(squared[at]), counts[x])
            squared[at] = (count * step) * (count * step)
    return found


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
