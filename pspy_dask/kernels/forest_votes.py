"""Votes of a forest on many rows at once: blocks of rows go through one tree after the other.

Rows are sorted by the feature that tells most, so that those which walk together take about as
many steps; small trees are asked first. Shares are summed as integers, whatever the order. A row
is settled once the trees that are left can no longer change its class; near a tie, where rounding
might decide, it stays open for the plain walk.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels import forest_lanes, forest_steps
from pspy_dask.kernels.forest_tables import BLOCK, COLUMNS, ForestTables
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.simd import processor_features

Rows = NDArray[np.float32]
Ints = NDArray[np.int32]
Words = NDArray[Any]
Indices = NDArray[np.int64]

_EVERY = 5  # trees between two looks at which rows are settled
_BUCKETS = 1024

#: Whether lanes walk: only where registers can be looked up are they faster than steps.
BY_LANES = "avx512f" in processor_features()
_walk: Any = forest_lanes.walk_by_lanes if BY_LANES else forest_steps.walk_by_steps
_encode: Any = forest_lanes.encode_by_lanes if BY_LANES else forest_steps.encode_by_steps
_copy: Any = forest_lanes.copy_by_lanes if BY_LANES else forest_steps.copy_by_steps
_code: Any = forest_lanes.code_by_lanes if BY_LANES else forest_steps.code_by_steps


def settled_labels(rows: Rows, tables: ForestTables) -> Ints:
    """Return the number of each row's class, or -1 where rounded shares leave it open."""
    labels = np.full(rows.shape[0], -1, np.int32)
    _label_rows(rows, tables, _words(tables), labels)
    return labels


def summed_shares(
    rows: Rows, tables: ForestTables, value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return sums of the shares of each class, in double precision in the order of the trees."""
    sums = np.zeros((rows.shape[0], value.shape[1]))
    _add_shares(rows, tables, _words(tables), value, sums)
    return sums


def _words(tables: ForestTables) -> Words:
    return forest_lanes.signed(tables.words) if BY_LANES else tables.words


@compiled
def _label_rows(rows: Rows, tables: ForestTables, words: Words, labels: Ints) -> None:
    trees, others = tables.order.size, tables.shares.shape[0]
    codes, room = np.zeros(COLUMNS * BLOCK, words.dtype), np.zeros(COLUMNS * BLOCK, words.dtype)
    leaves, sums = np.zeros(BLOCK, np.int32), np.zeros(others * BLOCK, np.int32)
    open_rows, bucket = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    for start in range(0, rows.shape[0], BLOCK):
        count = min(BLOCK, rows.shape[0] - start)
        _encode(rows, start, count, tables, room)
        _sort(room, start, count, tables.telling, bucket, codes, open_rows)
        sums[:] = 0
        for turn in range(trees):
            tree = tables.order[turn]
            begin, stop = tables.starts[tree], tables.starts[tree + 1]
            _walk(words[begin:stop], tables.steps[tree], codes, count, leaves)
            for other in range(others):
                shares = tables.shares[other, begin:stop]
                for place in range(count):
                    sums[other * BLOCK + place] += shares[leaves[place]]
            rest = trees - 1 - turn
            if rest == 0 or (rest <= turn + 1 and rest % _EVERY == 0):
                unit = tables.unit
                count = _settle(sums, others, turn + 1, rest, unit, open_rows, count, codes, labels)


@compiled
def _add_shares(
    rows: Rows,
    tables: ForestTables,
    words: Words,
    value: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    codes, room = np.zeros(COLUMNS * BLOCK, words.dtype), np.zeros(COLUMNS * BLOCK, words.dtype)
    leaves, bucket = np.zeros(BLOCK, np.int32), np.empty(BLOCK, np.int64)
    sorted_rows = np.empty(BLOCK, np.int64)
    for start in range(0, rows.shape[0], BLOCK):
        count = min(BLOCK, rows.shape[0] - start)
        _encode(rows, start, count, tables, room)
        _sort(room, start, count, tables.telling, bucket, codes, sorted_rows)
        for tree in range(tables.order.size):
            begin, stop = tables.starts[tree], tables.starts[tree + 1]
            _walk(words[begin:stop], tables.steps[tree], codes, count, leaves)
            nodes = tables.nodes[begin:stop]
            for place in range(count):
                node, row = nodes[leaves[place]], sorted_rows[place]
                for number in range(value.shape[1]):
                    sums[row, number] += value[node, number]


@compiled
def _sort(
    codes: Words,
    start: int,
    count: int,
    feature: int,
    bucket: Indices,
    sorted_codes: Words,
    sorted_rows: Indices,
) -> None:
    """Sort rows by one of their codes, roughly, from the first row of the block at `start` on."""
    ends = np.zeros(_BUCKETS + 1, np.int64)
    beyond = 1
    for place in range(count):
        bucket[place] = _code(codes, place, feature)
        beyond = max(beyond, bucket[place] + 1)
    for place in range(count):
        bucket[place] = bucket[place] * _BUCKETS // beyond
        ends[bucket[place] + 1] += 1
    for number in range(_BUCKETS):
        ends[number + 1] += ends[number]
    for place in range(count):
        target = ends[bucket[place]]
        ends[bucket[place]] += 1
        _copy(codes, place, sorted_codes, target)
        sorted_rows[target] = start + place


@compiled
def _settle(
    sums: Ints,
    others: int,
    done: int,
    rest: int,
    unit: int,
    open_rows: Indices,
    count: int,
    codes: Words,
    labels: Ints,
) -> int:
    """Label rows whose class the remaining trees cannot change; return how many are left.

    Shares are rounded to units, half a unit off at most in each tree for each class but the
    first, which has what the others leave: between two classes (others + 1) / 2 units at most. The
    2 units or more beyond that are for shares whose sum is 1 but for 1e-7, half a unit.
    """
    margin = rest * unit + (done + rest) * (others + 2)
    kept = 0
    for place in range(count):
        label, lead = _leader(sums, others, place, done * unit)
        if lead > margin:
            labels[open_rows[place]] = label
            continue
        _copy(codes, place, codes, kept)
        for other in range(others):
            sums[other * BLOCK + kept] = sums[other * BLOCK + place]
        open_rows[kept] = open_rows[place]
        kept += 1
    return kept


@compiled
def _leader(sums: Ints, others: int, place: int, total: int) -> tuple[int, int]:
    """Return the class of a row that leads, and by how much; the first class has what is left."""
    first = second = -1
    label, left = 0, int(total)
    for other in range(others):
        share = int(sums[other * BLOCK + place])
        left -= share
        if share > first:
            first, second, label = share, first, other + 1
        elif share > second:
            second = share
    if left > first:
        return 0, left - first
    return label, first - max(left, second)
