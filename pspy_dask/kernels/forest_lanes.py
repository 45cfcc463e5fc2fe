"""The walk of many rows at once through a decision tree, in lanes, where there is AVX-512.

Four vectors of 16 rows walk down a tree together, so that each hides how long the others wait for
their next words. The upper levels of a tree are looked up in registers; below, each level is one
gather.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.forest_tables import BLOCK, CHILD, COLUMNS, ForestTables
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.simd import (
    bits_of,
    choose,
    fill,
    gather,
    load,
    look_up,
    smaller,
    store,
)
from pspy_dask.kernels.vectors import vector

Rows = NDArray[np.float32]
Ints = NDArray[np.int32]

_GROUP = 64  # rows that walk together
_PAIRS = COLUMNS // 2
_LOWER_HALF, _PAIR_BIT_0, _PAIR_BIT_1 = 1 << 13, 1 << 14, 1 << 15  # of a word's column
_SIGNED_LEAF = 0x7FFF0000

_I, _F = vector("i32", 16), vector("f32", 16)
load_i, fill_i = load(_I), fill(_I)
load_f = load(_F)


def signed(words: NDArray[np.uint32]) -> Ints:
    """Return words whose order as signed integers is that of the unsigned ones."""
    return (words ^ np.uint32(1 << 31)).view(np.int32)


@compiled
def encode_by_lanes(rows: Rows, start: int, count: int, tables: ForestTables, codes: Ints) -> None:
    """Write the codes of rows, those of two features in a word, one pair after the other."""
    features = rows.shape[1]
    length = tables.thresholds.size // features
    column = np.zeros(BLOCK, np.float32)
    for feature in range(features):
        for place in range(count):
            column[place] = rows[start + place, feature]
        known = tables.thresholds[feature * length : (feature + 1) * length]
        for place in range(0, count, 32):
            low, high = load_f(column, place), load_f(column, place + 16)
            every = low == low  # noqa: PLR0124 - no lane is nan
            below, under = fill_i(0), fill_i(0)
            for halving in range(tables.halvings[feature] - 1, -1, -1):
                last, step = fill_i((1 << halving) - 1), fill_i(1 << halving)
                one = gather(known, below + last, every, low)
                two = gather(known, under + last, every, high)
                below = choose(one < low, below + step, below)
                under = choose(two < high, under + step, under)
            _put_codes(codes, place, feature, below)
            _put_codes(codes, place + 16, feature, under)


@compiled
def _put_codes(codes: Ints, place: int, feature: int, code: Any) -> None:
    signed, base = code ^ fill_i(0x8000), (feature >> 1) * BLOCK
    if feature & 1:
        store(codes, base + place, load_i(codes, base + place) | (signed * fill_i(65536)))
    else:
        store(codes, base + place, signed)


@compiled
def copy_by_lanes(codes: Ints, source: int, copy: Ints, target: int) -> None:
    """Give a row the codes of another."""
    for pair in range(_PAIRS):
        copy[pair * BLOCK + target] = codes[pair * BLOCK + source]


@compiled
def code_by_lanes(codes: Ints, place: int, feature: int) -> int:
    """Return the code of one feature of a row."""
    pair = int(codes[(feature >> 1) * BLOCK + place])
    return ((pair >> (16 * (feature & 1))) & 0xFFFF) ^ 0x8000


@compiled
def walk_by_lanes(
    words: Ints, steps: NDArray[np.int64], codes: Ints, count: int, leaves: Ints
) -> None:
    """Find where within the words of a tree the leaf of each row lies; count goes up to 64s."""
    root, done, child = fill_i(words[0]), fill_i(_SIGNED_LEAF), fill_i(CHILD)
    for place in range(0, count, _GROUP):
        ca, cb = _codes_at(codes, place), _codes_at(codes, place + 16)
        cc, cd = _codes_at(codes, place + 32), _codes_at(codes, place + 48)
        a, b, c, d = root, root, root, root
        for _ in range(steps[0]):
            a, b = _down_32(words, a, ca), _down_32(words, b, cb)
            c, d = _down_32(words, c, cc), _down_32(words, d, cd)
        for _ in range(steps[1]):
            a, b = _down_64(words, a, ca), _down_64(words, b, cb)
            c, d = _down_64(words, c, cc), _down_64(words, d, cd)
        for _ in range(steps[2]):
            a, b = _down_128(words, a, ca), _down_128(words, b, cb)
            c, d = _down_128(words, c, cc), _down_128(words, d, cd)
        for _ in range(steps[3]):
            a, b = _down_256(words, a, ca), _down_256(words, b, cb)
            c, d = _down_256(words, c, cc), _down_256(words, d, cd)
        while bits_of(smaller(smaller(a, b), smaller(c, d)) < done) != 0:
            pa, pb, pc, pd = _next(a, ca), _next(b, cb), _next(c, cc), _next(d, cd)
            a, b = _word_at(words, pa, a), _word_at(words, pb, b)
            c, d = _word_at(words, pc, c), _word_at(words, pd, d)
        store(leaves, place, a & child)
        store(leaves, place + 16, b & child)
        store(leaves, place + 32, c & child)
        store(leaves, place + 48, d & child)


@compiled
def _codes_at(codes: Ints, place: int) -> Any:
    return (
        load_i(codes, place),
        load_i(codes, BLOCK + place),
        load_i(codes, 2 * BLOCK + place),
        load_i(codes, 3 * BLOCK + place),
    )


@compiled
def _next(word: Any, codes: Any) -> Any:
    """Return in the lower 13 bits of each lane where its next word lies."""
    zero = fill_i(0)
    even = (word & fill_i(_PAIR_BIT_0)) == zero
    front = (word & fill_i(_PAIR_BIT_1)) == zero
    pair = choose(front, choose(even, codes[0], codes[1]), choose(even, codes[2], codes[3]))
    upper = (word & fill_i(_LOWER_HALF)) == zero
    code = choose(upper, pair, pair * fill_i(65536)) | fill_i(0xFFFF)
    return choose(code >= word, word + fill_i(1), word)


@compiled
def _word_at(words: Ints, place: Any, word: Any) -> Any:
    """Gather the next words; lanes that have reached their leaves need none."""
    return gather(words, place & fill_i(CHILD), word < fill_i(_SIGNED_LEAF), word)


@compiled
def _down_32(words: Ints, word: Any, codes: Any) -> Any:
    """Go down one level among the first 32 words, in registers."""
    return _among(words, 0, _next(word, codes))


@compiled
def _down_64(words: Ints, word: Any, codes: Any) -> Any:
    return _among_64(words, 0, _next(word, codes))


@compiled
def _down_128(words: Ints, word: Any, codes: Any) -> Any:
    return _among_128(words, 0, _next(word, codes))


@compiled
def _down_256(words: Ints, word: Any, codes: Any) -> Any:
    place = _next(word, codes)
    front = (place & fill_i(128)) == fill_i(0)
    return choose(front, _among_128(words, 0, place), _among_128(words, 128, place))


@compiled
def _among_128(words: Ints, start: int, place: Any) -> Any:
    front = (place & fill_i(64)) == fill_i(0)
    return choose(front, _among_64(words, start, place), _among_64(words, start + 64, place))


@compiled
def _among_64(words: Ints, start: int, place: Any) -> Any:
    front = (place & fill_i(32)) == fill_i(0)
    return choose(front, _among(words, start, place), _among(words, start + 32, place))


@compiled
def _among(words: Ints, start: int, place: Any) -> Any:
    """Return, of 32 words, those that the five lower bits of the places name."""
    return look_up(load_i(words, start), place, load_i(words, start + 16))
