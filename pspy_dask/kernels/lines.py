"""Lines through a pixel in 30 directions, and how 30 numbers are put in order: tables only."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Pixels of a line's square; how far it reaches; directions; degrees between them.
SIDE, RADIUS, COUNT, STEP = 19, 9, 30, 6

#: A place in the square (row, column), and what it counts in each sum: {direction: weight}.
Tap = tuple[int, int, dict[int, float]]

#: Two places to be put in order, and whether the smaller and the larger value are wanted.
Exchange = tuple[int, int, bool, bool]


def line_kernels() -> NDArray[np.float64]:
    """Return the kernels, (directions, rows, columns): the middle column, 6 degrees on each time.

    >>> line_kernels().shape, int((line_kernels() > 1e-15).sum())
    ((30, 19, 19), 1167)
    """
    from skimage.transform import rotate  # noqa: PLC0415 - importing it takes 0.2 s

    upright = np.zeros((SIDE, SIDE))
    upright[:, RADIUS] = 1
    turn: Any = rotate
    return np.stack([turn(upright, STEP * direction) for direction in range(COUNT)])


@cache
def line_taps() -> list[Tap]:
    """Return where the turned-over kernels are not zero, row by row: `scipy.ndimage`'s order.

    SciPy leaves out weights up to the rounding error of 1; five that only rounding made count.
    Made when first asked for: compiled code that is found in its cache holds them already.
    """
    turned = line_kernels()[:, ::-1, ::-1]
    counts = np.abs(turned) > np.finfo(float).eps
    return [
        (row, column, {int(d): float(turned[d, row, column]) for d in np.flatnonzero(directions)})
        for row in range(SIDE)
        for column in range(SIDE)
        if (directions := counts[:, row, column]).any()
    ]


def ordering(count: int, wanted: set[int]) -> list[Exchange]:
    """Return exchanges that bring the wanted ranks of so many values to their places.

    Batcher's odd-even merge sort, less the exchanges on which no wanted rank depends.

    >>> ordering(3, {2})
    [(0, 1, True, True), (0, 2, False, True), (1, 2, False, True)]
    """
    needed, kept = set(wanted), []
    for low, high in reversed(_merge_sort(count)):
        if low in needed or high in needed:
            kept.append((low, high, low in needed, high in needed))
            needed |= {low, high}
    return kept[::-1]


def _merge_sort(count: int) -> list[tuple[int, int]]:
    exchanges = []
    size = 1
    while size < count:
        gap = size
        while gap >= 1:
            for start in range(gap % size, count - gap, 2 * gap):
                for low in range(start, min(start + gap, count - gap)):
                    if low // (2 * size) == (low + gap) // (2 * size):
                        exchanges.append((low, low + gap))
            gap //= 2
        size *= 2
    return exchanges


NETWORK = ordering(COUNT, {0, COUNT // 2 - 1, COUNT // 2, COUNT - 1})
