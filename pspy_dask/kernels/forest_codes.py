"""Features of a block of rows as codes of 16 bits, those of two features in a word.

A code says how many of the forest's thresholds for the feature lie below the number. Rows are
sorted by the feature that tells most, so that those which walk together go similar ways.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.simd import choose, fill, gather, load, store
from pspy_dask.kernels.trees import Nodes
from pspy_dask.kernels.vectors import vector

Rows = NDArray[np.float32]
Ints = NDArray[np.int32]
Indices = NDArray[np.int64]

BLOCK = 4096  # rows
COLUMN = BLOCK + 64  # room of a column of words: a block, and what stores write beyond it

_MOST_CODES = 65534
_SORTED = 6  # upper bits of a code that rows are sorted by

_I, _F = vector("i32", 16), vector("f32", 16)
_load_i, _fill_i, _load_f = load(_I), fill(_I), load(_F)


class Codes(NamedTuple):
    """What codes are found with."""

    thresholds: NDArray[np.float32]  # of each feature in turn, ascending, then infinity
    halvings: Indices  # how often the thresholds of each feature are to be halved
    telling: int  # the feature that most trees ask first


def codes_of(nodes: Nodes, features: int) -> tuple[Codes, Ints] | None:
    """Return what finds codes, and the least code that goes right at each node.

    Or None where a feature has more than 65534 different thresholds.
    """
    inner = nodes.left >= 0
    asks = [np.flatnonzero(inner & (nodes.feature == feature)) for feature in range(features)]
    least = np.zeros(nodes.left.size, np.int32)
    known = []
    for places in asks:
        different, rank = np.unique(nodes.threshold[places], return_inverse=True)
        least[places] = rank + 1
        known.append(different)
    if max(map(len, known)) > _MOST_CODES:
        return None
    halvings = np.array([len(one).bit_length() for one in known], np.int64)
    table = np.full((features, 1 << int(halvings.max())), np.inf, np.float32)
    for row, one in zip(table, known, strict=True):
        row[: len(one)] = one
    telling = int(np.bincount(nodes.feature[nodes.roots]).argmax())
    return Codes(table.reshape(-1), halvings, telling), least


@compiled
def encode(rows: Rows, start: int, count: int, codes: Codes, columns: Ints) -> None:
    """Write the codes of rows, a column of words for each pair of features."""
    features = rows.shape[1]
    length = codes.thresholds.size // features
    column = np.zeros(BLOCK, np.float32)
    for feature in range(features):
        for place in range(count):
            column[place] = rows[start + place, feature]
        known = codes.thresholds[feature * length : (feature + 1) * length]
        for place in range(0, count, 32):
            low, high = _load_f(column, place), _load_f(column, place + 16)
            every = low == low  # noqa: PLR0124 - no lane is nan
            below, under = _fill_i(0), _fill_i(0)
            for halving in range(codes.halvings[feature] - 1, -1, -1):
                last, step = _fill_i((1 << halving) - 1), _fill_i(1 << halving)
                one = gather(known, below + last, every, low)
                two = gather(known, under + last, every, high)
                below = choose(one < low, below + step, below)
                under = choose(two < high, under + step, under)
            _put_codes(columns, place, feature, below)
            _put_codes(columns, place + 16, feature, under)


@compiled
def _put_codes(columns: Ints, place: int, feature: int, code: Any) -> None:
    signed, at = code ^ _fill_i(0x8000), (feature >> 1) * COLUMN + place
    if feature & 1:
        store(columns, at, _load_i(columns, at) | (signed * _fill_i(65536)))
    else:
        store(columns, at, signed)


@compiled
def sort_by_code(
    columns: Ints, pairs: int, codes: Codes, start: int, count: int, result: Ints, taken: Indices
) -> None:
    """Sort rows by their telling code, roughly, from the first row of the block at `start` on."""
    feature, ends = codes.telling, np.zeros((1 << _SORTED) + 1, np.int64)
    lower = max(codes.halvings[feature] - _SORTED, 0)
    for place in range(count):
        ends[(_code(columns, place, feature) >> lower) + 1] += 1
    for number in range(1 << _SORTED):
        ends[number + 1] += ends[number]
    for place in range(count):
        bucket = _code(columns, place, feature) >> lower
        move(columns, pairs, place, result, ends[bucket])
        taken[ends[bucket]] = start + place
        ends[bucket] += 1


@compiled
def move(columns: Ints, pairs: int, source: int, result: Ints, target: int) -> None:
    """Give a row the codes of another."""
    for first in range(0, pairs * COLUMN, COLUMN):
        result[first + target] = columns[first + source]


@compiled
def _code(columns: Ints, place: int, feature: int) -> int:
    pair = int(columns[(feature >> 1) * COLUMN + place])
    return ((pair >> (16 * (feature & 1))) & 0xFFFF) ^ 0x8000
