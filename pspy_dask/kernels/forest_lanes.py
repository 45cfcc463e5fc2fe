"""The walk of many rows at once through a decision tree, in lanes, where there is AVX-512.

Four vectors of 16 rows walk down a tree together, so that each hides how long the others wait for
their next words. The upper levels of a tree are looked up in registers; below, each level is one
gather. Where most of the 64 rows have reached their leaves, the others wait for those of the next
64 that have not: so gathers fetch for lanes in use. A word has 32 bits, for 8, 16 or 32 features:

================= ====================================================================
bits              meaning
================= ====================================================================
31..16            the least code that goes right (see `forest_codes`)
15                whether that of the feature is in the upper half of its column
14..13, ..12, ..11 the column: of two features each
12.., 11.., 10..0 where the left child lies within the tree; the right one follows
================= ====================================================================

At a leaf the upper 16 bits are all set, which no code reaches, and the lower ones name the leaf
itself: a walk that goes on stays where it is. All are kept with the highest bit turned, so that
their order as signed integers is that of the unsigned ones.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.forest_codes import (
    BLOCK,
    COLUMN,
    Codes,
    codes_of,
    encode,
    move,
    sort_by_code,
)
from pspy_dask.kernels.forest_places import Places
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.simd import choose, count_of, fill, gather, load, look_up, store
from pspy_dask.kernels.trees import Nodes
from pspy_dask.kernels.unrolled import load_each, pick_below, store_where
from pspy_dask.kernels.vectors import vector

Rows = NDArray[np.float32]
Ints = NDArray[np.int32]

_GROUP = 64  # rows that walk together
_FEW: Any = np.int64(24)  # rows of a group that do not go on alone
_HALF = 15  # the bit that says in which half of its column a code is
_COLUMNS = (4, 8, 16)  # of two features each
_LEAF = 0xFFFF << 16
_SIGNED_LEAF = 0x7FFF0000
_NONE: Any = np.int64(0)  # a plain 0 would have functions compiled once more, for it alone

_I = vector("i32", 16)
_load, _fill, _load_each, _column_of = load(_I), fill(_I), load_each(_I), pick_below(_HALF)


class LaneRoom(NamedTuple):
    """Columns of words: those of each pair of features, then the numbers and words of rows."""

    rows: Ints  # of a block
    waiting: Ints  # those that have not reached their leaves; before, codes to be sorted


class LaneTables(NamedTuple):
    """What lanes read."""

    words: Ints  # of all trees, one after the other
    steps: NDArray[np.int64]  # see `forest_places.Places`
    codes: Codes
    columns: tuple[int, ...]  # where the columns of a room begin
    block: int  # rows that go through one tree before the next: tree and rows stay cached

    def room(self) -> LaneRoom:
        """Return room for the codes of a block of rows."""
        rows, waiting = np.zeros((2, len(self.columns) * COLUMN), np.int32)
        rows[self.columns[-2] :][:BLOCK] = np.arange(BLOCK)
        return LaneRoom(rows, waiting)


def lane_tables(nodes: Nodes, features: int, places: Places) -> LaneTables | None:
    """Return the words of a forest, or None where they do not hold it.

    8 features and trees of 8191 nodes do, 16 and 4095, or 32 and 2047, and 65534 different
    thresholds of each feature.
    """
    pairs = next((n for n in _COLUMNS if features <= 2 * n), 0)
    if not pairs or places.largest * pairs > 1 << _HALF:
        return None
    found = codes_of(nodes, features)
    if found is None:
        return None
    codes, least = found
    column = (nodes.feature & 1) << _HALF | (nodes.feature >> 1) * ((1 << _HALF) // pairs)
    asks = least.astype(np.uint32) << np.uint32(16) | column.astype(np.uint32)
    inner = places.children >= 0
    words = np.uint32(_LEAF) | places.within.astype(np.uint32)
    words[inner] = asks[places.nodes[inner]] | places.children[inner].astype(np.uint32)
    signed = (words ^ np.uint32(1 << 31)).view(np.int32)
    columns = tuple(COLUMN * n for n in range(pairs + 2))
    return LaneTables(signed, places.steps, codes, columns, BLOCK)


@compiled
def encode_by_lanes(
    tables: LaneTables,
    rows: Rows,
    start: int,
    count: int,
    room: LaneRoom,
    taken: NDArray[np.int64],
) -> None:
    """Write the codes of rows, and in which order they are taken."""
    encode(rows, start, count, tables.codes, room.waiting)
    pairs = len(tables.columns) - 2
    sort_by_code(room.waiting, pairs, tables.codes, start, count, room.rows, taken)


@compiled
def move_by_lanes(tables: LaneTables, room: LaneRoom, source: int, target: int) -> None:
    """Give a row the codes of another."""
    move(room.rows, len(tables.columns) - 2, source, room.rows, target)


@compiled
def walk_by_lanes(
    tables: LaneTables, tree: int, begin: int, stop: int, room: LaneRoom, count: int, leaves: Ints
) -> None:
    """Find where within the words of a tree the leaf of each row lies; count goes up to 64s."""
    words, columns, steps = tables.words[begin:stop], tables.columns, tables.steps[tree]
    root = _fill(words[0])
    waiting = _NONE
    for place in range(0, count, _GROUP):
        rows = _rows_at(room.rows, place, columns)
        reached = _upper_levels(words, steps, (root, root, root, root), rows)
        reached = _lower_levels(words, reached, rows, _FEW)
        _store_four(leaves, place, _names(reached, columns))
        waiting = _wait(reached, rows, room.waiting, waiting, columns)
    while waiting > 0:
        waiting = _walk_on(words, room.waiting, waiting, columns, leaves)


@compiled
def _walk_on(words: Ints, waiting: Ints, count: int, columns: Any, leaves: Ints) -> Any:
    """Let those that wait walk on, and return how many wait again."""
    kept = _NONE
    leaf = _fill(_SIGNED_LEAF)
    _store_four(waiting, columns[-1] + count, (leaf, leaf, leaf, leaf))  # nobody waits there
    for place in range(0, count, _GROUP):
        rows = _rows_at(waiting, place, columns)
        reached = rows[0][-1], rows[1][-1], rows[2][-1], rows[3][-1]
        reached = _lower_levels(words, reached, rows, _FEW if count > _GROUP else _NONE)
        _store_four(waiting, columns[-1] + place, _names(reached, columns))
        for row in range(place, min(place + _GROUP, count)):
            leaves[waiting[columns[-2] + row]] = waiting[columns[-1] + row]
        kept = _wait(reached, rows, waiting, kept, columns)
    return kept


@compiled
def _wait(reached: Any, rows: Any, waiting: Ints, kept: Any, columns: Any) -> Any:
    """Put rows that have not reached their leaves behind those that wait; return how many do."""
    kept = _wait_16(reached[0], rows[0], waiting, kept, columns)
    kept = _wait_16(reached[1], rows[1], waiting, kept, columns)
    kept = _wait_16(reached[2], rows[2], waiting, kept, columns)
    return _wait_16(reached[3], rows[3], waiting, kept, columns)


@compiled
def _wait_16(word: Any, row: Any, waiting: Ints, kept: Any, columns: Any) -> Any:
    under_way = word < _fill(_SIGNED_LEAF)
    store_where(waiting, kept, columns, (*row[:-1], word), under_way)
    return kept + count_of(under_way)


@compiled
def _rows_at(rows: Ints, place: int, columns: Any) -> Any:
    return (
        _load_each(rows, place, columns),
        _load_each(rows, place + 16, columns),
        _load_each(rows, place + 32, columns),
        _load_each(rows, place + 48, columns),
    )


@compiled
def _names(words: Any, columns: Any) -> Any:
    """Return the places that words name."""
    child = _fill((1 << _HALF) // (len(columns) - 2) - 1)
    return words[0] & child, words[1] & child, words[2] & child, words[3] & child


@compiled
def _store_four(array: Ints, place: int, four: Any) -> None:
    store(array, place, four[0])
    store(array, place + 16, four[1])
    store(array, place + 32, four[2])
    store(array, place + 48, four[3])


@compiled
def _upper_levels(words: Ints, steps: NDArray[np.int64], reached: Any, rows: Any) -> Any:
    """Go down as long as all next words are among the first 256."""
    a, b, c, d = reached
    for _ in range(steps[0]):
        a, b = _down_32(words, a, rows[0]), _down_32(words, b, rows[1])
        c, d = _down_32(words, c, rows[2]), _down_32(words, d, rows[3])
    for _ in range(steps[1]):
        a, b = _down_64(words, a, rows[0]), _down_64(words, b, rows[1])
        c, d = _down_64(words, c, rows[2]), _down_64(words, d, rows[3])
    for _ in range(steps[2]):
        a, b = _down_128(words, a, rows[0]), _down_128(words, b, rows[1])
        c, d = _down_128(words, c, rows[2]), _down_128(words, d, rows[3])
    for _ in range(steps[3]):
        a, b = _down_256(words, a, rows[0]), _down_256(words, b, rows[1])
        c, d = _down_256(words, c, rows[2]), _down_256(words, d, rows[3])
    return a, b, c, d


@compiled
def _lower_levels(words: Ints, reached: Any, rows: Any, few: int) -> Any:
    """Go down by gathers until at most few rows are under way."""
    a, b, c, d = reached
    while _under_way(a) + _under_way(b) + _under_way(c) + _under_way(d) > few:
        pa, pb = _next(a, rows[0]), _next(b, rows[1])
        pc, pd = _next(c, rows[2]), _next(d, rows[3])
        a, b = _word_at(words, pa, a, rows[0]), _word_at(words, pb, b, rows[1])
        c, d = _word_at(words, pc, c, rows[2]), _word_at(words, pd, d, rows[3])
    return a, b, c, d


@compiled
def _under_way(word: Any) -> Any:
    return count_of(word < _fill(_SIGNED_LEAF))


@compiled
def _next(word: Any, row: Any) -> Any:
    """Return in the lower bits of each lane where its next word lies."""
    pair = _column_of(row[:-2], word)
    lower = (word & _fill(1 << _HALF)) == _fill(0)
    code = choose(lower, pair * _fill(65536), pair) | _fill(0xFFFF)
    return choose(code >= word, word + _fill(1), word)


@compiled
def _word_at(words: Ints, place: Any, word: Any, row: Any) -> Any:
    """Gather the next words; lanes that have reached their leaves need none."""
    child = _fill((1 << _HALF) // len(row[:-2]) - 1)
    return gather(words, place & child, word < _fill(_SIGNED_LEAF), word)


@compiled
def _down_32(words: Ints, word: Any, row: Any) -> Any:
    """Go down one level among the first 32 words, in registers."""
    return _among(words, _NONE, _next(word, row))


@compiled
def _down_64(words: Ints, word: Any, row: Any) -> Any:
    return _among_64(words, _NONE, _next(word, row))


@compiled
def _down_128(words: Ints, word: Any, row: Any) -> Any:
    return _among_128(words, _NONE, _next(word, row))


@compiled
def _down_256(words: Ints, word: Any, row: Any) -> Any:
    place = _next(word, row)
    front = (place & _fill(128)) == _fill(0)
    return choose(front, _among_128(words, _NONE, place), _among_128(words, _NONE + 128, place))


@compiled
def _among_128(words: Ints, start: int, place: Any) -> Any:
    front = (place & _fill(64)) == _fill(0)
    return choose(front, _among_64(words, start, place), _among_64(words, start + 64, place))


@compiled
def _among_64(words: Ints, start: int, place: Any) -> Any:
    front = (place & _fill(32)) == _fill(0)
    return choose(front, _among(words, start, place), _among(words, start + 32, place))


@compiled
def _among(words: Ints, start: int, place: Any) -> Any:
    """Return, of 32 words, those that the five lower bits of the places name."""
    return look_up(_load(words, start), place, _load(words, start + 16))
