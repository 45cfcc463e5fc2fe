"""Flooding of a component from its markers, innermost pixels first.

Rasters are padded as in :mod:`pspy_dask.kernels.rasters`. The rule that decides who gets a pixel
is written so that nothing but the component itself enters it:

1. Of the pixels at the front the one farthest in comes first, but none sooner than the pixel that
   it was reached from.
2. Among equals the one that came to the front first; markers come to it in raster order. In which
   order the neighbours of a pixel come makes no difference: they have one label, and nothing
   comes between them.
3. The flood goes by faces. What it cannot reach so, because it hangs on by corners alone and has
   no marker, joins afterwards by full connectivity, the nearest (in steps) first.

A queue for each rank makes this about 10 times as fast as `skimage.segmentation.watershed`, one
thread. Tried: an exact copy of scikit-image's heap, a tenth slower than it; SimpleITK, mahotas and
DIPlib are no faster than scikit-image, and none gives its labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pspy_dask.kernels.jit import compiled


@compiled
def flood(
    component: Any,
    rank: Any,
    ranks: int,
    label: Any,
    low: int,
    high: int,
    faces: Any,
    around: Any,
    follower: Any,
    heads: Any,
    tails: Any,
) -> None:
    """Give every pixel of the components the label of a marker.

    Parameters
    ----------
    component
        0 outside.
    rank
        How late a pixel's turn comes: 0 for those farthest in, below ``ranks``.
    label
        Markers; the other pixels are filled in.
    low, high
        Part of the raster that holds the components.
    faces, around
        Offsets to the neighbours by faces, and to all, in raster order.
    follower
        Room for as many integers as the raster has pixels.
    heads, tails
        Room for ``ranks`` integers, all -1; they are left so.
    """
    current = ranks
    for at in range(low, high):
        if label[at] > 0:
            _append(rank[at], at, follower, heads, tails)
            current = min(current, rank[at])
    while current < ranks:
        at = heads[current]
        if at < 0:
            current += 1
            continue
        heads[current] = follower[at]
        for offset in faces:
            near = at + offset
            if component[near] != 0 and label[near] == 0:
                label[near] = label[at]
                _append(max(rank[near], current), near, follower, heads, tails)
    _reach_corners(component, label, low, high, around, follower)


@compiled
def _append(rank: Any, at: Any, follower: Any, heads: Any, tails: Any) -> None:
    follower[at] = -1
    if heads[rank] < 0:
        heads[rank] = at
    else:
        follower[tails[rank]] = at
    tails[rank] = at


@compiled
def _reach_corners(
    component: Any, label: Any, low: int, high: int, around: Any, queue: Any
) -> None:
    """Spread labels by full connectivity to what is left."""
    last = 0
    for at in range(low, high):
        if component[at] != 0 and label[at] == 0:
            last += 1
    if last == 0:
        return
    left, last = last, 0
    for at in range(low, high):
        if label[at] <= 0:
            continue
        for offset in around:
            if component[at + offset] != 0 and label[at + offset] == 0:
                queue[last] = at
                last += 1
                break
    first = 0
    while left > 0 and first < last:
        at = queue[first]
        first += 1
        for offset in around:
            near = at + offset
            if component[near] != 0 and label[near] == 0:
                label[near] = label[at]
                queue[last] = near
                last += 1
                left -= 1


@compiled
def rank_values(component: Any, squared: Any, low: int, high: int, rank: Any) -> int:
    """Fill in the rank of every pixel, 0 for the largest value; return the number of ranks."""
    count = 0
    for at in range(low, high):
        if component[at] != 0:
            count += 1
    values = np.empty(count, squared.dtype)
    count = 0
    for at in range(low, high):
        if component[at] != 0:
            values[count] = squared[at]
            count += 1
    values = _sorted(values, np.empty(count, values.dtype))
    distinct = 0
    for i in range(count):
        if i == 0 or values[i] != values[i - 1]:
            values[distinct] = values[i]
            distinct += 1
    for at in range(low, high):
        if component[at] != 0:
            rank[at] = distinct - 1 - _place(values, distinct, squared[at])
    return distinct


@compiled
def _sorted(values: Any, room: Any) -> Any:
    """Return the values, merged in order, in either array; NumPy's sort takes longer to compile."""
    length, count = 1, values.size
    while length < count:
        for first in range(0, count, 2 * length):
            middle, end = min(first + length, count), min(first + 2 * length, count)
            one, other = first, middle
            for at in range(first, end):
                if one < middle and (other == end or values[one] <= values[other]):
                    room[at] = values[one]
                    one += 1
                else:
                    room[at] = values[other]
                    other += 1
        values, room = room, values
        length *= 2
    return values


@compiled
def _place(values: Any, count: int, value: Any) -> int:
    """Return where a value is among increasing ones; NumPy's search takes longer to compile."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low
