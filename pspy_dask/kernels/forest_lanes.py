"""The walk of many rows at once through a forest of decision trees, as `forest` defines it.

Four vectors of 16 rows walk down a tree together, so that each hides how long the others wait for
their next word. The upper levels of a tree are looked up in registers where AVX-512 can; below,
and on other processors, each level is one gather. A lane that has reached its leaf stays there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.forest_tables import (
    CHILDREN,
    MOST_FEATURES,
    PAIRS_BIT_0,
    PAIRS_BIT_1,
    UPPER_HALF,
    Tables,
)
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.simd import (
    bits_of,
    choose,
    fill,
    gather,
    load,
    look_up,
    processor_features,
    shift_right,
    store,
    vector,
)

Rows = NDArray[np.float32]
Ints = NDArray[np.int32]

BLOCK = 2048  # rows that go through one tree before the next: tree and rows stay cached
_GROUP = 64  # rows that walk together
_EVERY = 5  # trees between two looks at which rows are settled
_PAIRS = MOST_FEATURES // 2

_I, _F = vector("i32", 16), vector("f32", 16)
load_i, fill_i = load(_I), fill(_I)
load_f, fill_f = load(_F), fill(_F)
number_of = shift_right(1)


def labels_by_lanes(rows: Rows, tables: Tables) -> Ints:
    """Return the number of each row's class, or -1 where rounded sums leave it open."""
    labels = np.full(rows.shape[0], -1, np.int32)
    _label_rows(rows, tables, labels)
    return labels


def shares_by_lanes(rows: Rows, tables: Tables, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the shares of each class, in double precision in the order of the trees."""
    sums = np.zeros((rows.shape[0], value.shape[1]))
    _add_shares(rows, tables, value, sums)
    return sums


@compiled
def _label_rows(rows: Rows, tables: Tables, labels: Ints) -> None:
    trees, others = tables.order.size, tables.shares.shape[0]
    codes, leaves = np.zeros(_PAIRS * BLOCK, np.int32), np.zeros(BLOCK, np.int32)
    sums, open_rows = np.zeros(others * BLOCK, np.int32), np.empty(BLOCK, np.int64)
    for start in range(0, rows.shape[0], BLOCK):
        count = min(BLOCK, rows.shape[0] - start)
        _encode(rows, start, count, tables, codes)
        sums[:] = 0
        for place in range(count):
            open_rows[place] = start + place
        for turn in range(trees):
            _walk(tables, tables.order[turn], codes, count, leaves)
            for other in range(others):
                _add_votes(tables.shares[other], leaves, count, sums, other * BLOCK)
            rest = trees - 1 - turn
            if rest == 0 or (rest <= turn + 1 and rest % _EVERY == 0):
                count = _settle(
                    sums, others, turn + 1, rest, tables.unit, open_rows, count, codes, labels
                )


@compiled
def _add_shares(
    rows: Rows, tables: Tables, value: NDArray[np.float64], sums: NDArray[np.float64]
) -> None:
    codes, leaves = np.zeros(_PAIRS * BLOCK, np.int32), np.zeros(BLOCK, np.int32)
    for start in range(0, rows.shape[0], BLOCK):
        count = min(BLOCK, rows.shape[0] - start)
        _encode(rows, start, count, tables, codes)
        for tree in range(tables.order.size):
            _walk(tables, tree, codes, count, leaves)
            for place in range(count):
                node = tables.leaf_nodes[leaves[place]]
                for number in range(value.shape[1]):
                    sums[start + place, number] += value[node, number]


@compiled
def _encode(rows: Rows, start: int, count: int, tables: Tables, codes: Ints) -> None:
    """Replace features by codes, two in a word: how many thresholds lie below, by halving."""
    features = rows.shape[1]
    length = tables.thresholds.size // features
    column = np.zeros(BLOCK, np.float32)
    for feature in range(features):
        for place in range(count):
            column[place] = rows[start + place, feature]
        known = tables.thresholds[feature * length : (feature + 1) * length]
        base = (feature >> 1) * BLOCK
        for place in range(0, count, 32):
            low, high = load_f(column, place), load_f(column, place + 16)
            every = low == low  # noqa: PLR0124 - no lane is nan
            below, under = fill_i(0), fill_i(0)
            for halving in range(tables.halvings[feature] - 1, -1, -1):
                step = 1 << halving
                one = gather(known, below + fill_i(step - 1), every, low)
                two = gather(known, under + fill_i(step - 1), every, high)
                below = choose(one < low, below + fill_i(step), below)
                under = choose(two < high, under + fill_i(step), under)
            _put_codes(codes, base + place, feature, below)
            _put_codes(codes, base + place + 16, feature, under)


@compiled
def _put_codes(codes: Ints, place: int, feature: int, code: Any) -> None:
    signed = code ^ fill_i(0x8000)
    if feature & 1:
        store(codes, place, load_i(codes, place) | (signed * fill_i(65536)))
    else:
        store(codes, place, signed)


@compiled
def _walk(tables: Tables, tree: int, codes: Ints, count: int, leaves: Ints) -> None:
    """Find each row's leaf in a tree."""
    words = tables.words[tables.starts[tree] : tables.starts[tree + 1]]
    steps = tables.steps[tree]
    root = fill_i(words[0])
    inner = fill_i(0)
    leaf = fill_i(1)
    for place in range(0, count, _GROUP):
        ca, cb = _codes_at(codes, place), _codes_at(codes, place + 16)
        cc, cd = _codes_at(codes, place + 32), _codes_at(codes, place + 48)
        a, b, c, d = root, root, root, root
        a, b, c, d = _from_the_top(words, steps, a, b, c, d, ca, cb, cc, cd)
        while bits_of((a & b & c & d & leaf) == inner) != 0:
            a, b = _down(words, a, ca), _down(words, b, cb)
            c, d = _down(words, c, cc), _down(words, d, cd)
        store(leaves, place, number_of(a))
        store(leaves, place + 16, number_of(b))
        store(leaves, place + 32, number_of(c))
        store(leaves, place + 48, number_of(d))


@compiled
def _codes_at(codes: Ints, place: int) -> Any:
    return (
        load_i(codes, place),
        load_i(codes, BLOCK + place),
        load_i(codes, 2 * BLOCK + place),
        load_i(codes, 3 * BLOCK + place),
    )


@compiled
def _child(word: Any, codes: Any) -> Any:
    """Return where the next word of each lane lies within its tree."""
    zero = fill_i(0)
    second = (word & fill_i(PAIRS_BIT_0)) == zero
    fourth = (word & fill_i(PAIRS_BIT_1)) == zero
    pair = choose(fourth, choose(second, codes[0], codes[1]), choose(second, codes[2], codes[3]))
    lower = (word & fill_i(UPPER_HALF)) == zero
    code = choose(lower, pair * fill_i(65536), pair) | fill_i(0xFFFF)
    left = word & fill_i(CHILDREN)
    return choose(code >= word, left + fill_i(1), left)


@compiled
def _down(words: Ints, word: Any, codes: Any) -> Any:
    """Go down one level by a gather."""
    return gather(words, _child(word, codes), (word & fill_i(1)) == fill_i(0), word)


@compiled
def _down_32(words: Ints, word: Any, codes: Any) -> Any:
    """Go down one level among the first 32 words, in registers."""
    child = _child(word, codes)
    below = look_up(load_i(words, 0), child, load_i(words, 16))
    return choose((word & fill_i(1)) == fill_i(0), below, word)


@compiled
def _down_64(words: Ints, word: Any, codes: Any) -> Any:
    child = _child(word, codes)
    below = choose(
        (child & fill_i(32)) == fill_i(0), _half(words, 0, child), _half(words, 32, child)
    )
    return choose((word & fill_i(1)) == fill_i(0), below, word)


@compiled
def _down_128(words: Ints, word: Any, codes: Any) -> Any:
    child = _child(word, codes)
    even = (child & fill_i(32)) == fill_i(0)
    low = choose(even, _half(words, 0, child), _half(words, 32, child))
    high = choose(even, _half(words, 64, child), _half(words, 96, child))
    below = choose((child & fill_i(64)) == fill_i(0), low, high)
    return choose((word & fill_i(1)) == fill_i(0), below, word)


@compiled
def _half(words: Ints, start: int, child: Any) -> Any:
    return look_up(load_i(words, start), child, load_i(words, start + 16))


@compiled
def _in_registers(
    words: Ints, steps: Any, a: Any, b: Any, c: Any, d: Any, ca: Any, cb: Any, cc: Any, cd: Any
) -> Any:
    """Go down as many levels as lie within the words that registers hold."""
    for _ in range(steps[0]):
        a, b = _down_32(words, a, ca), _down_32(words, b, cb)
        c, d = _down_32(words, c, cc), _down_32(words, d, cd)
    for _ in range(steps[1]):
        a, b = _down_64(words, a, ca), _down_64(words, b, cb)
        c, d = _down_64(words, c, cc), _down_64(words, d, cd)
    for _ in range(steps[2]):
        a, b = _down_128(words, a, ca), _down_128(words, b, cb)
        c, d = _down_128(words, c, cc), _down_128(words, d, cd)
    return a, b, c, d


@compiled
def _nowhere(
    words: Ints, steps: Any, a: Any, b: Any, c: Any, d: Any, ca: Any, cb: Any, cc: Any, cd: Any
) -> Any:
    return a, b, c, d


_from_the_top = _in_registers if "avx512f" in processor_features() else _nowhere


@compiled
def _add_votes(shares: Ints, leaves: Ints, count: int, sums: Ints, base: int) -> None:
    """Add the shares of one class in the leaves that rows have reached."""
    zero = fill_i(0)
    for place in range(0, count, 16):
        number = load_i(leaves, place)
        share = gather(shares, number, number >= zero, zero)
        store(sums, base + place, load_i(sums, base + place) + share)


@compiled
def _settle(
    sums: Ints,
    others: int,
    done: int,
    rest: int,
    unit: int,
    open_rows: NDArray[np.int64],
    count: int,
    codes: Ints,
    labels: Ints,
) -> int:
    """Label rows whose class the remaining trees cannot change; return how many are left.

    Shares are rounded to units, half a unit off at most in each tree for each class but the
    first, which has what the others leave.
    """
    margin = rest * unit + (done + rest) * (others + 2)
    kept = 0
    for place in range(count):
        first, second, label = np.int64(-1), np.int64(-1), 0
        left = np.int64(done) * unit
        for other in range(others):
            share = np.int64(sums[other * BLOCK + place])
            left -= share
            if share > first:
                first, second, label = share, first, other + 1
            elif share > second:
                second = share
        if left > first:
            first, second, label = left, first, 0
        elif left > second:
            second = left
        if first - second > margin:
            labels[open_rows[place]] = label
            continue
        for pair in range(_PAIRS):
            codes[pair * BLOCK + kept] = codes[pair * BLOCK + place]
        for other in range(others):
            sums[other * BLOCK + kept] = sums[other * BLOCK + place]
        open_rows[kept] = open_rows[place]
        kept += 1
    return kept
