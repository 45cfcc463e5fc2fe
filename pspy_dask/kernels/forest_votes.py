"""Votes of a forest on many rows at once: blocks of rows go through one tree after the other.

Small trees are asked first. Shares are summed as integers, whatever the order. A row is settled
once the trees that are left can no longer change its class; near a tie, where rounding might
decide, it stays open for the plain walk.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

from pspy_dask.kernels import forest_lanes, forest_steps
from pspy_dask.kernels.forest_tables import ForestTables
from pspy_dask.kernels.jit import compiled

Rows = NDArray[np.float32]
Ints = NDArray[np.int32]
Indices = NDArray[np.int64]

_EVERY = 5  # trees between two looks at which rows are settled


def _by_format(lanes: Any, steps: Any) -> Any:
    """Return a function for compiled code that is the one which the type of its tables asks for."""

    def either(*_: Any) -> Any:
        raise NotImplementedError("only compiled code calls this")

    def choose(tables: Any, *_: Any) -> Any:
        is_lanes = tables.instance_class is forest_lanes.LaneTables
        return (lanes if is_lanes else steps).py_func

    overload(either, strict=False)(choose)
    return either


_encode = _by_format(forest_lanes.encode_by_lanes, forest_steps.encode_by_steps)
_walk = _by_format(forest_lanes.walk_by_lanes, forest_steps.walk_by_steps)
_move = _by_format(forest_lanes.move_by_lanes, forest_steps.move_by_steps)


def settled_labels(rows: Rows, tables: ForestTables) -> Ints:
    """Return the number of each row's class, or -1 where rounded shares leave it open."""
    labels = np.full(rows.shape[0], -1, np.int32)
    _label_rows(rows, tables, tables.walk.room(), labels)
    return labels


def summed_shares(
    rows: Rows, tables: ForestTables, value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return sums of the shares of each class, in double precision in the order of the trees."""
    sums = np.zeros((rows.shape[0], value.shape[1]))
    _add_shares(rows, tables, tables.walk.room(), value, sums)
    return sums


@compiled
def _label_rows(rows: Rows, tables: ForestTables, room: Any, labels: Ints) -> None:
    trees, others, block = tables.order.size, tables.shares.shape[0], tables.walk.block
    leaves, sums = np.zeros(block, np.int32), np.zeros((others, block), np.int32)
    open_rows = np.empty(block, np.int64)
    for start in range(0, rows.shape[0], block):
        count = min(block, rows.shape[0] - start)
        _encode(tables.walk, rows, start, count, room, open_rows)
        sums[:, :count] = 0
        for turn in range(trees):
            tree = tables.order[turn]
            begin, stop = tables.starts[tree], tables.starts[tree + 1]
            _walk(tables.walk, tree, begin, stop, room, count, leaves)
            for other in range(others):
                shares = tables.shares[other, begin:stop]
                for place in range(count):
                    sums[other, place] += shares[leaves[place]]
            rest = trees - 1 - turn
            if rest == 0 or (rest <= turn + 1 and rest % _EVERY == 0):
                margin = rest * tables.unit + trees * (others + 2)
                total = (turn + 1) * tables.unit
                count = _settle(sums, total, margin, tables.walk, open_rows, count, room, labels)


@compiled
def _add_shares(
    rows: Rows,
    tables: ForestTables,
    room: Any,
    value: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    block = tables.walk.block
    leaves, taken = np.zeros(block, np.int32), np.empty(block, np.int64)
    for start in range(0, rows.shape[0], block):
        count = min(block, rows.shape[0] - start)
        _encode(tables.walk, rows, start, count, room, taken)
        for tree in range(tables.order.size):
            begin, stop = tables.starts[tree], tables.starts[tree + 1]
            _walk(tables.walk, tree, begin, stop, room, count, leaves)
            nodes = tables.nodes[begin:stop]
            for place in range(count):
                node, row = nodes[leaves[place]], taken[place]
                for number in range(value.shape[1]):
                    sums[row, number] += value[node, number]


@compiled
def _settle(
    sums: Ints,
    total: int,
    margin: int,
    tables: Any,
    open_rows: Indices,
    count: int,
    room: Any,
    labels: Ints,
) -> int:
    """Label rows whose class the remaining trees cannot change; return how many are left.

    Shares are rounded to units, half a unit off at most in each tree for each class but the
    first, which has what the others leave: between two classes (others + 1) / 2 units at most. The
    2 units or more beyond that are for shares whose sum is 1 but for 1e-7, half a unit.
    """
    kept = 0
    for place in range(count):
        label, lead = _leader(sums, place, total)
        if lead > margin:
            labels[open_rows[place]] = label
            continue
        _move(tables, room, place, kept)
        for other in range(sums.shape[0]):
            sums[other, kept] = sums[other, place]
        open_rows[kept] = open_rows[place]
        kept += 1
    return kept


@compiled
def _leader(sums: Ints, place: int, total: int) -> tuple[int, int]:
    """Return the class of a row that leads, and by how much; the first class has what is left."""
    first = second = -1
    label, left = 0, int(total)
    for other in range(sums.shape[0]):
        share = int(sums[other, place])
        left -= share
        if share > first:
            first, second, label = share, first, other + 1
        elif share > second:
            second = share
    if left > first:
        return 0, left - first
    return label, first - max(left, second)
