"""The walk of eight rows at once through a decision tree, without a branch that may be mistaken.

A processor guesses which way a row goes, and half of its guesses are wrong. Here a step is a sum:
the place of the left child and one where the row goes right. Eight rows take each step together,
so that seven others go on while one waits for its next word. A word has 64 bits:

====== ==========================================================================
bits   meaning
====== ==========================================================================
63..32 the least key that goes right: 1 + the threshold's
31..22 the feature
21..0  where the left child lies within the tree; the right one follows
====== ==========================================================================

A key is a float32 as an unsigned integer whose order is the same; 0 and -0 have the same one. At a
leaf the upper 32 bits are all set, which no key reaches, and the lower 22 name the leaf itself: a
walk that goes on stays where it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.forest_places import Places
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.trees import Nodes

Rows = NDArray[np.float32]
Words = NDArray[np.uint64]
Ints = NDArray[np.int32]

_BLOCK = 16384
_FEATURES, _PLACES = 1 << 10, 1 << 22
_FEATURE = np.uint64(_FEATURES - 1)
_CHILD = np.uint64(_PLACES - 1)
_LEAF = np.uint64(0xFFFFFFFF << 32)
_LEAST = -(1 << 31)


class StepTables(NamedTuple):
    """The words of all trees, one after the other."""

    words: Words
    features: int
    block: int  # rows that go through one tree before the next

    def room(self) -> Words:
        """Return room for the keys of a block of rows."""
        return np.zeros(self.block * self.features, np.uint64)


def step_tables(nodes: Nodes, features: int, places: Places) -> StepTables | None:
    """Return the words of a forest, or None where it has too many features or nodes."""
    if features > _FEATURES or places.largest > _PLACES:
        return None
    bits = np.ascontiguousarray(nodes.threshold).view(np.int32).astype(np.int64)
    keys = (np.where(bits < 0, _LEAST - bits, bits) - _LEAST + 1).astype(np.uint64)
    asks = (keys << np.uint64(32)) | (nodes.feature.astype(np.uint64) << np.uint64(22))
    inner = places.children >= 0
    words = _LEAF | places.within.astype(np.uint64)
    words[inner] = asks[places.nodes[inner]] | places.children[inner].astype(np.uint64)
    return StepTables(words, features, _BLOCK)


@compiled
def encode_by_steps(
    tables: StepTables, rows: Rows, start: int, count: int, keys: Words, taken: NDArray[np.int64]
) -> None:
    """Write the keys of rows, in the upper half of a word each; rows are taken as they come."""
    bits = rows[start : start + count].reshape(-1).view(np.int32)
    for place in range(bits.size):
        number = np.int64(bits[place])
        key = (_LEAST - number if number < 0 else number) - _LEAST
        keys[place] = (np.uint64(key) << np.uint64(32)) | np.uint64(0xFFFFFFFF)
    for place in range(count):
        taken[place] = start + place


@compiled
def move_by_steps(tables: StepTables, keys: Words, source: int, target: int) -> None:
    """Give a row the keys of another."""
    for feature in range(tables.features):
        keys[target * tables.features + feature] = keys[source * tables.features + feature]


@compiled
def walk_by_steps(
    tables: StepTables, tree: int, begin: int, stop: int, keys: Words, count: int, leaves: Ints
) -> None:
    """Find where within the words of a tree the leaf of each row lies; count goes up to eights."""
    words, wide = tables.words[begin:stop], np.uint64(tables.features)
    root = words[0]
    for place in range(0, count, 8):
        row = np.uint64(place) * wide
        a, b, c, d, e, f, g, h = root, root, root, root, root, root, root, root
        while a & b & c & d & e & f & g & h < _LEAF:
            a, b = _next(words, keys, a, row, wide, 0), _next(words, keys, b, row, wide, 1)
            c, d = _next(words, keys, c, row, wide, 2), _next(words, keys, d, row, wide, 3)
            e, f = _next(words, keys, e, row, wide, 4), _next(words, keys, f, row, wide, 5)
            g, h = _next(words, keys, g, row, wide, 6), _next(words, keys, h, row, wide, 7)
        leaves[place], leaves[place + 1] = a & _CHILD, b & _CHILD
        leaves[place + 2], leaves[place + 3] = c & _CHILD, d & _CHILD
        leaves[place + 4], leaves[place + 5] = e & _CHILD, f & _CHILD
        leaves[place + 6], leaves[place + 7] = g & _CHILD, h & _CHILD


@compiled
def _next(words: Words, keys: Words, word: Any, row: Any, wide: Any, other: int) -> Any:
    """Go down one level; unsigned indices need no test whether they count from the end."""
    column = row + np.uint64(other) * wide + ((word >> np.uint64(22)) & _FEATURE)
    return words[(word & _CHILD) + np.uint64(keys[column] >= word)]
