"""Minima and maxima over sliding windows, at a cost that hardly grows with the window.

Along a line, the extremes of 2, 4, 8, ... neighbours are built from one another, and any window is
the union of two of those: plain loops over a line that stays in the cache, which the compiler
turns into vector instructions. Across lines that come one after another it is the method of van
Herk and of Gil and Werman [1]_: blocks as long as the window, in which extremes are kept from
each line to the end of its block; with the running extreme of the block that is coming in, they
cover any window. That takes three comparisons a pixel, whatever the window.

References
----------
.. [1] M. van Herk, Pattern Recognition Letters 13 (1992) 517-521; J. Gil and M. Werman, IEEE
   Transactions on Pattern Analysis and Machine Intelligence 15 (1993) 504-507.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled

Line = NDArray[Any]


@compiled
def slide_along(line: Line, other: Line, size: int, largest: bool, result: Line) -> None:
    """Set ``result[i]`` to the extreme of ``line[i : i + size]``; both lines are used up.

    >>> line, result = np.array([4, 3, 5, 9, 8]), np.zeros(3, int)
    >>> slide_along(line, np.zeros(5, int), 3, False, result)
    >>> result
    array([3, 3, 5])
    """
    span = 1
    while 2 * span < size:
        _join(line[: line.size - 2 * span + 1], line[span:], largest, other)
        line, other = other, line
        span *= 2
    _join(line[: result.size], line[size - span :], largest, result)


@compiled
def _join(line: Line, ahead: Line, largest: bool, result: Line) -> None:
    """Write the extreme of two lines to a third.

    Of two slices that start at 0 Numba knows that no index is negative, and of three lines LLVM
    can see that they do not overlap: both are needed for vector instructions (5 times as fast).
    """
    if largest:
        for i in range(line.size):
            result[i] = max(line[i], ahead[i])
    else:
        for i in range(line.size):
            result[i] = min(line[i], ahead[i])


@compiled
def window_of_lines(size: int, width: int, neutral: Line) -> NDArray[Any]:
    """Return the memory of a window over `size` lines; before the first, all are neutral.

    Its rows are a block of lines, one that is always neutral, and the running extreme.
    """
    lines = np.empty((size + 2, width), neutral.dtype)
    lines[:] = neutral[0]
    return lines


@compiled
def slide_across(
    lines: NDArray[Any], step: int, neutral: Line, largest: bool, result: Line
) -> None:
    """Take in the line put in row ``step % size``; write the extreme of the last `size` lines.

    Steps are 0, 1, 2, ...; `neutral` holds one element that changes no extreme.

    >>> none = np.array([9])
    >>> lines, result = window_of_lines(2, 1, none), np.zeros(1, int)
    >>> for step, value in enumerate([4, 6, 7]):
    ...     lines[step % 2] = value
    ...     slide_across(lines, step, none, False, result)
    ...     print(result)
    [4]
    [4]
    [6]
    """
    size = lines.shape[0] - 2
    place = step % size
    line, later, running = lines[place], lines[place + 1], lines[size + 1]
    if place == 0:
        running[:] = neutral[0]
    if largest:
        for i in range(result.size):
            running[i] = max(running[i], line[i])
            result[i] = max(running[i], later[i])
    else:
        for i in range(result.size):
            running[i] = min(running[i], line[i])
            result[i] = min(running[i], later[i])
    if place == size - 1:
        for row in range(size - 2, -1, -1):
            _take_in(lines[row], lines[row + 1], largest)


@compiled
def _take_in(line: Line, later: Line, largest: bool) -> None:
    """Do as `_join` does into its first line; as a third it would seem to overlap."""
    if largest:
        for i in range(line.size):
            line[i] = max(line[i], later[i])
    else:
        for i in range(line.size):
            line[i] = min(line[i], later[i])
