"""The median of the disk around each pixel, 32 rows of an image at a time."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.disks import Ints, pixels_of
from pspy_dask.kernels.jit import compiled, inlined
from pspy_dask.kernels.simd import choose, fill, load, store
from pspy_dask.kernels.strips import (
    LANES,
    Slide,
    Words,
    count_first,
    lanes_to_rows,
    load_strip,
    new_histograms,
    plan_slide,
    step,
    step_lanes,
)
from pspy_dask.kernels.vectors import vector

#: Most values that there may be.
VALUES = 65536

#: With so many values at most, all counts are added up at each column: 3 instructions a value.
FEW = 256

#: Counts and medians are compared as signed numbers of 16 bits.
_MOST_PIXELS = 32767
_BIAS = 32768

_H = vector("i16", LANES)
load_h, fill_h = load(_H), fill(_H)


def lanes_take(widths: Ints) -> bool:
    """Whether a footprint, given by the half-widths of its rows, is small enough for lanes."""
    return pixels_of(widths) <= _MOST_PIXELS


def median_lanes(ranks: Words, widths: Ints, mode: Literal["edge", "symmetric"]) -> Words:
    """Return the median of a footprint around each pixel.

    Parameters
    ----------
    ranks
        Two axes.
    widths
        Half-widths of the footprint's rows, which `lanes_take`.
    mode
        The border, as `numpy.pad` calls it.
    """
    radius = widths.size // 2
    below = -ranks.shape[0] % LANES
    padded = np.pad(np.pad(ranks, radius, mode), ((0, below), (0, 0)))
    values = int(padded.max()) + 1
    result = np.empty(ranks.shape, np.uint16)
    if values <= FEW:
        _add_up_strips(padded, widths, plan_slide(widths), values, result)
    else:
        _walk_strips(padded, widths, values, result)
    return result


@compiled
def _add_up_strips(padded: Words, widths: Ints, slide: Slide, values: int, result: Words) -> None:
    """Find medians of few values: as many are below one as have no more than half below them."""
    height, width = result.shape
    radius = widths.size // 2
    tall = LANES + 2 * radius
    strip = np.empty(padded.shape[1] * tall, np.uint16)
    medians = np.empty(width * LANES, np.uint16)
    histogram = new_histograms(values)
    rank, one = fill_h(np.sum(2 * widths + 1) // 2), fill_h(1)
    for top in range(0, height, LANES):
        load_strip(padded, top, top == 0, strip)
        count_first(strip, tall, widths, histogram)
        for column in range(width):
            if column > 0:
                step(strip, tall, column + radius, slide, histogram)
            total, median = fill_h(0), fill_h(0)
            for value in range(values):
                total = total + load_h(histogram, value * LANES)
                median = choose(total <= rank, median + one, median)
            store(medians, column * LANES, median)
        lanes_to_rows(medians, min(LANES, height - top), top, result)


@compiled
def _walk_strips(padded: Words, widths: Ints, values: int, result: Words) -> None:
    """Find medians of many values: each lane walks from the median of the column before."""
    height, width = result.shape
    tall = LANES + 2 * (widths.size // 2)
    rank = np.sum(2 * widths + 1) // 2
    strip = np.empty(padded.shape[1] * tall, np.uint16)
    medians = np.empty(width * LANES, np.uint16)
    histogram = new_histograms(values)
    median, below = np.zeros(LANES, np.int16), np.zeros(LANES, np.int16)
    for top in range(0, height, LANES):
        load_strip(padded, top, top == 0, strip)
        count_first(strip, tall, widths, histogram)
        median[:] = -_BIAS
        below[:] = 0
        for column in range(width):
            if column > 0:
                _step_below(strip, tall, column, widths, histogram, median, below)
            for lane in range(LANES):
                start, before = np.int64(median[lane]) + _BIAS, np.int64(below[lane])
                value, less = _walk_lane(histogram, lane, start, before, rank)
                median[lane], below[lane] = value - _BIAS, less
                medians[column * LANES + lane] = value
        lanes_to_rows(medians, min(LANES, height - top), top, result)


@inlined
def _step_below(
    strip: Words,
    tall: int,
    column: int,
    widths: Ints,
    histogram: Words,
    median: NDArray[np.int16],
    below: NDArray[np.int16],
) -> None:
    """Slide the histograms, and how many pixels in each are below the median it had."""
    one, bias = fill_h(1), fill_h(-_BIAS)
    middle, less = load_h(median, 0), load_h(below, 0)
    radius = widths.size // 2
    for row in range(widths.size):
        entering = np.uint64((column + radius + widths[row]) * tall + row)
        leaving = np.uint64((column + radius - widths[row] - 1) * tall + row)
        less = choose((load_h(strip, entering) ^ bias) < middle, less + one, less)
        less = choose((load_h(strip, leaving) ^ bias) < middle, less - one, less)
        step_lanes(strip, entering, leaving, histogram)
    store(below, 0, less)


@inlined
def _walk_lane(histogram: Words, lane: int, value: Any, below: Any, rank: Any) -> tuple[int, int]:
    """Return the median of a lane and how many pixels are below it, from those of another value."""
    while below > rank:
        value -= 1
        below -= np.int64(histogram[value * LANES + lane])
    count = np.int64(histogram[value * LANES + lane])
    while below + count <= rank:
        below += count
        value += 1
        count = np.int64(histogram[value * LANES + lane])
    return value, below
