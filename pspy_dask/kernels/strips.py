"""Histograms of the windows of 32 rows of an image, side by side, sliding along the rows at once.

A strip is 32 rows of the image and what lies around them, transposed, so that the pixels which
enter 32 windows with one row of their footprint are neighbours. The count of a value in the window
of row `lane` is at ``histogram[value * 32 + lane]``. Increments of neighbouring lanes never meet
at one address, so none waits for another, as those of one sliding histogram do wherever the image
is smooth; and one load fetches a value's count in all 32 windows. Strips are cut from padded
images, so no code here knows of borders.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.disks import Ints
from pspy_dask.kernels.jit import compiled, inlined
from pspy_dask.kernels.simd import decrement_where, increment_where

LANES = 32

Words = NDArray[np.uint16]

#: A step of a histogram in lanes of a mask takes as long as so many increments of one lane: more
#: masked steps (1.5) cost a third more time at radius 64, a fifth at 31.
_MASKED_COST = 2.5


class Slide(NamedTuple):
    """How the histograms of a strip take a step to the right.

    Where many rows of a footprint reach equally far (all of a square, those near the middle of a
    disk), a pixel enters many of the 32 windows at once: counts of its value grow in the lanes of
    a mask. Elsewhere the 32 pixels that enter with one row of the footprint are counted one by one.

    Attributes
    ----------
    runs
        (half-width, first row of the strip, end of rows, place of the first row's mask).
    masks
        For each row of a run the lanes whose windows its pixel enters.
    rows
        (row of the strip that lane 0 sees, half-width) of the other rows of the footprint.
    """

    runs: NDArray[np.uint64]
    masks: NDArray[np.uint32]
    rows: NDArray[np.uint64]


def plan_slide(widths: Ints) -> Slide:
    """Return how histograms slide over a footprint given by the half-widths of its rows.

    Examples
    --------
    >>> slide = plan_slide(np.array([1, 1, 1]))
    >>> slide.runs.tolist(), [f"{mask:b}" for mask in slide.masks[:4]], len(slide.rows)
    ([[1, 0, 34, 0]], ['1', '11', '111', '1110'], 0)
    """
    runs: list[tuple[int, int, int, int]] = []
    rows: list[tuple[int, int]] = []
    masks: list[int] = []
    for width in np.unique(widths):
        alike = np.flatnonzero(widths == width)
        entered = np.zeros(LANES + widths.size - 1, np.uint32)
        for lane in range(LANES):
            entered[alike + lane] |= np.uint32(1 << lane)
        if np.count_nonzero(entered) * _MASKED_COST >= alike.size * LANES:
            rows += [(int(row), int(width)) for row in alike]
            continue
        edges = np.flatnonzero(np.diff(np.r_[False, entered != 0, False].astype(np.int8)))
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            runs.append((int(width), int(first), int(end), len(masks)))
            masks += entered[first:end].tolist()
    return Slide(
        np.array(runs, np.uint64).reshape(-1, 4),
        np.array(masks, np.uint32),
        np.array(rows, np.uint64).reshape(-1, 2),
    )


@compiled
def new_histograms(values: int) -> Words:
    """Return counts of so many values in 32 lanes, all 0; those of a value share a cache line."""
    room = np.zeros((values + 1) * LANES, np.uint16)
    behind = -room.ctypes.data % 64 // 2
    return room[behind : behind + values * LANES]


@compiled
def load_strip(padded: Words, top: int, fresh: bool, strip: Words) -> None:
    """Transpose the rows from `top` on into the strip; those of the strip above are moved up."""
    width = padded.shape[1]
    height = strip.size // width
    shared = 0
    if not fresh:
        shared = height - LANES
        for column in range(width):
            at = column * height
            for row in range(shared):
                strip[at + row] = strip[at + row + LANES]
    for first in range(shared, height, 16):
        stop = min(first + 16, height)
        for column in range(width):
            for row in range(first, stop):
                strip[column * height + row] = padded[top + row, column]


@compiled
def count_first(strip: Words, height: int, widths: Ints, histogram: Words) -> None:
    """Count the windows of the first column."""
    radius = (widths.size - 1) // 2
    histogram[:] = 0
    for row in range(widths.size):
        for column in range(radius - widths[row], radius + widths[row] + 1):
            at = column * height + row
            for lane in range(LANES):
                histogram[np.int64(strip[at + lane]) * LANES + lane] += np.uint16(1)


@inlined
def step_lanes(strip: Words, entering: np.uint64, leaving: np.uint64, histogram: Words) -> None:
    """Count a row of the footprint: its 32 pixels that enter on the right, and leave behind."""
    for lane in range(np.uint64(LANES)):
        value = np.uint64(strip[entering + lane])
        histogram[(value << np.uint64(5)) + lane] += np.uint16(1)
    for lane in range(np.uint64(LANES)):
        value = np.uint64(strip[leaving + lane])
        histogram[(value << np.uint64(5)) + lane] -= np.uint16(1)


@inlined
def step(strip: Words, height: int, column: int, slide: Slide, histogram: Words) -> None:
    """Slide the histograms from the column before to `column` (of the padded image).

    Indices have no sign, or Numba would look at each whether it counts from the end.
    """
    tall = np.uint64(height)
    for run in range(slide.runs.shape[0]):
        width, first = slide.runs[run, 0], slide.runs[run, 1]
        entering = (np.uint64(column) + width) * tall + first
        leaving = (np.uint64(column) - np.uint64(1) - width) * tall + first
        for row in range(slide.runs[run, 2] - first):
            mask = slide.masks[slide.runs[run, 3] + row]
            increment_where(histogram, np.uint64(strip[entering + row]) << np.uint64(5), mask)
            decrement_where(histogram, np.uint64(strip[leaving + row]) << np.uint64(5), mask)
    for row in range(slide.rows.shape[0]):
        first, width = slide.rows[row, 0], slide.rows[row, 1]
        entering = (np.uint64(column) + width) * tall + first
        leaving = (np.uint64(column) - np.uint64(1) - width) * tall + first
        step_lanes(strip, entering, leaving, histogram)


@compiled
def lanes_to_rows(found: NDArray[Any], rows: int, top: int, result: NDArray[Any]) -> None:
    """Transpose what has been found in the lanes of each column into rows of the result.

    It is gathered first, for the pixels of 32 rows lie far apart, and where the width is a power
    of two they share few places of the cache.
    """
    width = result.shape[1]
    for left in range(0, width, 64):
        for row in range(rows):
            for column in range(left, min(left + 64, width)):
                result[top + row, column] = found[column * LANES + row]
