"""Whole components split into objects: distances, markers, flood, size and border.

What is done to a component depends on the component alone, so it may be done wherever all of it
is known. Components are painted one by one into a small raster of their bounding box; where boxes
lie inside one another many times over, into one raster together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.distance import squared_distances
from pspy_dask.kernels.flood import flood, rank_values
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.maxima import join_markers, mark_maxima
from pspy_dask.kernels.pieces import collect, keep
from pspy_dask.kernels.rasters import (
    bounds,
    distance_to_outside,
    frame,
    grouped,
    neighbours,
    paint_members,
)

Ints = NDArray[np.int64]

_NESTED = 4  # boxes that fill their common box so many times share its raster


class ImageRuns(NamedTuple):
    """Runs in image coordinates, sorted by row, then x; row ``z * height + y``."""

    row: Ints
    first: Ints
    stop: Ints


class Pieces(NamedTuple):
    """Runs of objects, and each object's first pixel; objects in raster order of it."""

    row: Ints
    first: Ints
    stop: Ints
    owner: Ints
    first_row: Ints
    first_x: Ints


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
    """

    separation: int
    erosion: float
    min_size: int
    clear_border: bool
    steps: tuple[float, float, float]


def split_components(
    runs: ImageRuns,
    component: Ints,
    chosen: Ints,
    shape: tuple[int, ...],
    rule: SplitRule,
) -> Pieces:
    """Return the objects of some components.

    Parameters
    ----------
    runs, component
        Runs and the component of each, numbered from 0.
    chosen
        Components that are whole and to be split, ascending.
    shape
        Of the image, ``(z, y, x)``.
    rule
        What to do.
    """
    count = int(component.max()) + 1 if component.size else 0
    low, high = np.full((count, 3), np.iinfo(np.int64).max), np.zeros((count, 3), np.int64)
    bounds(*runs, component, shape[1], low, high)
    starts, order = grouped(component, count)
    groups = _groups(low[chosen], high[chosen])
    whole = all(step == 1 for step in rule.steps)
    size = _largest_raster(low[chosen], high[chosen], groups, shape)
    scratch = np.empty(size, np.int32 if whole else np.float64)
    columns = _split(
        *runs,
        starts,
        order,
        chosen,
        groups,
        low,
        high,
        np.array(shape),
        rule.separation,
        float(rule.erosion),
        rule.min_size,
        rule.clear_border,
        np.array(rule.steps, np.float64),
        scratch,
    )
    return _in_raster_order(Pieces(*columns))


def _in_raster_order(pieces: Pieces) -> Pieces:
    order = np.lexsort((pieces.first_x, pieces.first_row))
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    return pieces._replace(
        owner=place[pieces.owner],
        first_row=pieces.first_row[order],
        first_x=pieces.first_x[order],
    )


def _groups(low: Ints, high: Ints) -> Ints:
    """Return where the groups of components that share a raster begin, and the end."""
    count = len(low)
    if (
        count
        and (high - low + 2).prod(axis=1).sum()
        > _NESTED * (high.max(axis=0) - low.min(axis=0) + 2).prod()
    ):
        return np.array([0, count])
    return np.arange(count + 1)


def _largest_raster(low: Ints, high: Ints, groups: Ints, shape: tuple[int, ...]) -> int:
    """Return the number of pixels of the largest raster of a group, border included."""
    if groups.size < 2:
        return 0
    start = np.minimum.reduceat(low, groups[:-1], axis=0)
    stop = np.maximum.reduceat(high, groups[:-1], axis=0)
    margin = np.array([4 if shape[0] > 1 else 0, 4, 4])
    return int((stop - start + margin).prod(axis=1).max())


@compiled
def _split(
    row: Any,
    first: Any,
    stop: Any,
    starts: Any,
    order: Any,
    chosen: Any,
    groups: Any,
    low: Any,
    high: Any,
    shape: Any,
    separation: int,
    erosion: float,
    min_size: int,
    clear_border: bool,
    steps: Any,
    squared: Any,
) -> Any:
    component = np.zeros(squared.size, np.int32)
    label = np.zeros(squared.size, np.int32)
    room = np.empty(squared.size, np.int32)
    rank = np.empty(squared.size, np.int32)
    heads, tails = np.full(1024, -1, np.int32), np.full(1024, -1, np.int32)
    runs = np.empty((4, 1024), np.int64)
    firsts = np.empty((2, 256), np.int64)
    count, objects = 0, 0
    origin, size = np.empty(3, np.int64), np.empty(3, np.int64)
    for g in range(groups.size - 1):
        members = chosen[groups[g] : groups[g + 1]]
        frame(members, low, high, shape, origin, size)
        planes, height, width = int(size[0]), int(size[1]), int(size[2])
        faces, around = neighbours(planes, height, width)
        pixels = (width + 2) * (height + 2) * (planes + 2 if planes > 1 else 1)
        component[:pixels] = 0
        label[:pixels] = 0
        paint_members(row, first, stop, starts, order, members, shape, origin, size, component)
        if not squared_distances(component, planes, height, width, steps, squared):
            distance_to_outside(planes, height, width, steps, squared)
        if erosion > 0:
            for at in range(pixels):
                rank[at] = component[at] != 0 and squared[at] > erosion * erosion
            squared_distances(rank, planes, height, width, steps, squared)
            for at in range(pixels):
                squared[at] = squared[at] if rank[at] else 0
        mark_maxima(component, squared, planes, height, width, separation, label)
        _mark_markerless(component, label, pixels, members.size)
        markers = join_markers(label, planes, height, width, around, room)
        if markers == 1 and members.size == 1:
            for at in range(pixels):
                label[at] = component[at]
        else:
            ranks = _ranks(component, squared, pixels, rank)
            if ranks > heads.size:
                heads, tails = np.full(2 * ranks, -1, np.int32), np.full(2 * ranks, -1, np.int32)
            flood(component, rank, ranks, label, 0, pixels, faces, around, room, heads, tails)
        kept, firsts, objects = keep(
            label, markers, origin, size, shape, min_size, clear_border, firsts, objects
        )
        runs, count = collect(label, kept, origin, size, shape, runs, count)
    return (
        runs[0, :count].copy(),
        runs[1, :count].copy(),
        runs[2, :count].copy(),
        runs[3, :count].copy(),
        firsts[0, :objects].copy(),
        firsts[1, :objects].copy(),
    )


@compiled
def _mark_markerless(component: Any, label: Any, pixels: int, members: int) -> None:
    """Make all of a component without a marker its marker, so that it stays one object."""
    has = np.zeros(members + 1, np.bool_)
    for at in range(pixels):
        if label[at] != 0:
            has[component[at]] = True
    if has[1:].all():
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
