"""Components in a padded raster parted into objects: distances, markers, flood.

Rasters are padded as in :mod:`pspy_dask.kernels.rasters`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pspy_dask.kernels.distance import squared_distances
from pspy_dask.kernels.flood import flood, rank_values
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.maxima import join_markers, mark_maxima
from pspy_dask.kernels.rasters import distance_to_outside

BYTES_A_PIXEL = 24  # of the rasters and rooms that a component is worked on in


class SplitRule(NamedTuple):
    """How components are split and which objects are kept.

    Attributes
    ----------
    separation
        Side of the footprint in which a marker is not exceeded.
    erosion
        Distance from the outside below which (or at which) pixels are taken off first.
    min_size
        Objects of fewer pixels are dropped.
    clear_border
        Objects on an edge of the image are dropped.
    steps
        Distances between pixels along z, y, x.
    budget
        A component whose bounding box holds more pixels is flooded window by window.
    exact
        True refuses such a component instead.
    """

    separation: int
    erosion: float
    min_size: int
    clear_border: bool
    steps: tuple[float, float, float]
    budget: int
    exact: bool


@compiled
def mark(
    component: Any,
    members: int,
    planes: int,
    height: int,
    width: int,
    around: Any,
    separation: int,
    erosion: float,
    steps: Any,
    squared: Any,
    label: Any,
    rank: Any,
    room: Any,
) -> int:
    """Measure distances into ``squared`` and number the markers in ``label``; return how many.

    Parameters
    ----------
    component
        0 outside, 1 to ``members`` inside.
    around
        Offsets to all neighbours.
    label
        0 everywhere; afterwards 1, 2, ... at the markers in raster order.
    rank, room
        Rooms of the size of the raster.
    """
    pixels = raster_size(planes, height, width)
    if not squared_distances(component, planes, height, width, steps, squared):
        distance_to_outside(planes, height, width, steps, squared)
    if erosion > 0:
        for at in range(pixels):
            rank[at] = component[at] != 0 and squared[at] > erosion * erosion
        squared_distances(rank, planes, height, width, steps, squared)
        for at in range(pixels):
            squared[at] = squared[at] if rank[at] else 0
    mark_maxima(component, members, squared, planes, height, width, separation, label)
    _mark_markerless(component, label, pixels, members)
    return join_markers(label, planes, height, width, around, room, 0)


@compiled
def grow(
    component: Any,
    pixels: int,
    faces: Any,
    around: Any,
    squared: Any,
    label: Any,
    rank: Any,
    room: Any,
    heads: Any,
    tails: Any,
) -> Any:
    """Flood from the markers; return the heads and tails of queues, longer where that was needed.

    Parameters
    ----------
    component, squared, label, rank, room
        As :func:`mark` leaves them.
    pixels
        Of the raster, border included.
    faces, around
        Offsets to the neighbours by faces, and to all.
    heads, tails
        Rooms for the ends of queues, all -1.
    """
    ranks = _ranks(component, squared, pixels, rank)
    if ranks > heads.size:
        heads, tails = np.full(2 * ranks, -1, np.int32), np.full(2 * ranks, -1, np.int32)
    flood(component, rank, ranks, label, 0, pixels, faces, around, room, heads, tails)
    return heads, tails


@compiled
def raster_size(planes: int, height: int, width: int) -> int:
    """Return the pixels of a raster, border included."""
    return (width + 2) * (height + 2) * (planes + 2 if planes > 1 else 1)


@compiled
def _mark_markerless(component: Any, label: Any, pixels: int, members: int) -> None:
    """Make all of a component without a marker its marker, so that it stays one object."""
    has = np.zeros(members + 1, np.bool_)
    found = 0
    for at in range(pixels):
        if label[at] != 0:
            own = component[at]
            found += not has[own]
            has[own] = True
    if found == members:
        return
    for at in range(pixels):
        if component[at] != 0 and not has[component[at]]:
            label[at] = -1


@compiled
def _ranks(component: Any, squared: Any, pixels: int, rank: Any) -> int:
    """Fill in how late each pixel's turn comes; return the number of turns."""
    most = squared[0] * 0
    fractions = False
    for at in range(pixels):
        if component[at] != 0:
            most = max(most, squared[at])
            fractions |= squared[at] != np.int64(squared[at])
    if fractions or most > 2**20:
        return rank_values(component, squared, 0, pixels, rank)
    for at in range(pixels):
        if component[at] != 0:
            rank[at] = most - squared[at]
    return int(most) + 1
