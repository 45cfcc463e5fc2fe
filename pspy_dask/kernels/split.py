"""Whole components split into objects: distances, markers, flood, size and border.

What is done to a component depends on the component alone, so it may be done wherever all of it
is known. Components are painted one by one into a small raster of their bounding box; where boxes
lie inside one another many times over, into one raster together; those too large for a raster
window by window (:mod:`pspy_dask.kernels.windowed`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pspy_dask.kernels.grouping import Groups, group_boxes
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.parting import SplitRule, grow, mark, raster_size
from pspy_dask.kernels.pieces import (
    ImageRuns,
    Ints,
    Pieces,
    collect,
    in_raster_order,
    keep,
)
from pspy_dask.kernels.rasters import bounds, frame, grouped, neighbours, paint_members, scratch
from pspy_dask.kernels.windowed import Flooded, split_giants


def split_components(
    runs: ImageRuns,
    component: Ints,
    chosen: Ints,
    shape: tuple[int, ...],
    rule: SplitRule,
) -> tuple[Pieces, Flooded]:
    """Return the objects of some components, and how far those beyond the budget are in doubt.

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

    Raises
    ------
    ValueError
        A component is beyond the budget, and the rule asks for exactness.
    """
    count = int(component.max()) + 1 if component.size else 0
    low, high = np.full((count, 3), np.iinfo(np.int64).max), np.zeros((count, 3), np.int64)
    bounds(*runs, component, shape[1], low, high)
    starts, order = grouped(component, count)
    pixels = (high[chosen] - low[chosen]).prod(axis=1)
    giants, others = chosen[pixels > rule.budget], chosen[pixels <= rule.budget]
    if rule.exact and giants.size:
        raise ValueError(
            f"a component with a bounding box of {pixels.max():,} pixels passes the budget of "
            f"{rule.budget:,} pixels for an exact watershed: raise the budget, or part the "
            "particles by a higher threshold"
        )
    parts = [_split_boxes(runs, starts, order, others, low, high, shape, rule)]
    flooded = Flooded(0, 0, 0)
    if giants.size:
        member = np.zeros(count, np.int64)
        member[giants] = np.arange(1, giants.size + 1)
        theirs = member[component] > 0
        columns = ImageRuns(*(column[theirs] for column in runs))
        pieces, flooded = split_giants(columns, member[component[theirs]], giants.size, shape, rule)
        parts.append(pieces)
    return in_raster_order(_concatenated(parts)), flooded


def _concatenated(parts: list[Pieces]) -> Pieces:
    """Return the objects of all parts, numbered through."""
    if len(parts) == 1:
        return parts[0]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    before = np.cumsum([0, *(part.first_row.size for part in parts[:-1])])
    owner = np.concatenate([p.owner + n for p, n in zip(parts, before, strict=True)])
    return Pieces(*columns)._replace(owner=owner)


def _split_boxes(
    runs: ImageRuns,
    starts: Ints,
    order: Ints,
    chosen: Ints,
    low: Ints,
    high: Ints,
    shape: tuple[int, ...],
    rule: SplitRule,
) -> Pieces:
    """Split components, or groups of them, each in a raster of its own."""
    groups = group_boxes(low[chosen], high[chosen], rule.budget)
    members = chosen[groups.order]
    boxes = _boxes(low[members], high[members], groups, shape)
    painted, count, firsts, objects = _split(
        *runs,
        starts,
        order,
        members,
        groups.starts,
        low,
        high,
        np.array(shape),
        rule.separation,
        float(rule.erosion),
        rule.min_size,
        rule.clear_border,
        np.array(rule.steps, np.float64),
        scratch(boxes, rule.steps),
    )
    return Pieces(
        *(column[:count].copy() for column in painted),
        *(column[:objects].copy() for column in firsts),
    )


def _boxes(low: Ints, high: Ints, groups: Groups, shape: tuple[int, ...]) -> Ints:
    """Return the lengths of the box of each group, with a pixel on every side."""
    if groups.starts.size < 2:
        return np.zeros((0, 3), np.int64)
    start = np.minimum.reduceat(low, groups.starts[:-1], axis=0)
    stop = np.maximum.reduceat(high, groups.starts[:-1], axis=0)
    lengths: Ints = np.minimum(stop - start + 2, shape)
    return lengths


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
    count: Any = np.int64(0)  # a literal would have the functions that take it compiled twice
    objects: Any = np.int64(0)
    origin, size, end = np.empty(3, np.int64), np.empty(3, np.int64), np.empty(3, np.int64)
    for g in range(groups.size - 1):
        members = chosen[groups[g] : groups[g + 1]]
        frame(members, low, high, shape, origin, size, end)
        planes, height, width = int(size[0]), int(size[1]), int(size[2])
        faces, around = neighbours(planes, height, width)
        pixels = raster_size(planes, height, width)
        for at in range(pixels):
            component[at] = label[at] = 0
        paint_members(row, first, stop, starts, order, members, shape, origin, size, component)
        markers = mark(
            component,
            members.size,
            planes,
            height,
            width,
            around,
            separation,
            erosion,
            steps,
            squared,
            label,
            rank,
            room,
        )
        if markers == 1 and members.size == 1:
            for at in range(pixels):
                label[at] = component[at]
        else:
            heads, tails = grow(
                component, pixels, faces, around, squared, label, rank, room, heads, tails
            )
        kept, firsts, objects = keep(
            label, markers, origin, size, shape, min_size, clear_border, firsts, objects
        )
        runs, count = collect(label, kept, origin, size, shape, origin, end, runs, count)
    return runs, count, firsts, objects
