"""The walk of eight rows at once through a decision tree, without a branch that may be mistaken.

A processor guesses which way a row goes, and half of its guesses are wrong. Here a step is a sum:
the place of the left child and one where the row goes right. Eight rows take each step together,
so that seven others go on while one waits for its next word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.forest_tables import BLOCK, CHILD, COLUMNS, LEAF, ForestTables
from pspy_dask.kernels.jit import compiled

Rows = NDArray[np.float32]
Words = NDArray[np.uint32]


@compiled
def encode_by_steps(rows: Rows, start: int, count: int, tables: ForestTables, codes: Words) -> None:
    """Write the codes of rows, in the upper half of a word each, one row after the other.

    All rows halve the thresholds together: what one waits for, the others need not.
    """
    length = tables.thresholds.size // rows.shape[1]
    below = np.zeros(BLOCK, np.int64)
    for feature in range(rows.shape[1]):
        below[:] = feature * length
        for halving in range(tables.halvings[feature] - 1, -1, -1):
            step = 1 << halving
            for place in range(count):
                known = tables.thresholds[below[place] + step - 1]
                below[place] += step * np.int64(known < rows[start + place, feature])
        for place in range(count):
            code = below[place] - feature * length
            codes[place * COLUMNS + (feature ^ 1)] = (code << 16) | 0xFFFF


@compiled
def copy_by_steps(codes: Words, source: int, copy: Words, target: int) -> None:
    """Give a row the codes of another."""
    for column in range(COLUMNS):
        copy[target * COLUMNS + column] = codes[source * COLUMNS + column]


@compiled
def code_by_steps(codes: Words, place: int, feature: int) -> int:
    """Return the code of one feature of a row."""
    return int(codes[place * COLUMNS + (feature ^ 1)]) >> 16


@compiled
def walk_by_steps(
    words: Words, steps: NDArray[np.int64], codes: Words, count: int, leaves: NDArray[np.int32]
) -> None:
    """Find where within the words of a tree the leaf of each row lies; count goes up to eights."""
    root = words[0]
    for place in range(0, count, 8):
        row = np.uint64(place * COLUMNS)
        a, b, c, d, e, f, g, h = root, root, root, root, root, root, root, root
        while a & b & c & d & e & f & g & h < LEAF:
            a, b = _next(words, codes, a, row, 0), _next(words, codes, b, row, 1)
            c, d = _next(words, codes, c, row, 2), _next(words, codes, d, row, 3)
            e, f = _next(words, codes, e, row, 4), _next(words, codes, f, row, 5)
            g, h = _next(words, codes, g, row, 6), _next(words, codes, h, row, 7)
        leaves[place], leaves[place + 1] = a & CHILD, b & CHILD
        leaves[place + 2], leaves[place + 3] = c & CHILD, d & CHILD
        leaves[place + 4], leaves[place + 5] = e & CHILD, f & CHILD
        leaves[place + 6], leaves[place + 7] = g & CHILD, h & CHILD


@compiled
def _next(words: Words, codes: Words, word: Any, row: Any, other: int) -> Any:
    """Go down one level; unsigned indices need no test whether they count from the end."""
    column = row + np.uint64(other * COLUMNS) + np.uint64((word >> 13) & 7)
    return words[np.uint64(word & CHILD) + np.uint64(codes[column] >= word)]
