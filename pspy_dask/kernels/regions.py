"""Sums over labelled regions of a block, in one pass; integers are exact whatever their order.

Tables of sizes and intensities are made 1.5, 6 and 39 times as fast as by `regionprops_table` for
1000, 10,000 and 100,000 objects, one thread. Tried, on 4096 discs: `numpy.unique` to index labels,
35 times as long; `numpy.bincount` for areas and centres, 18 times; sums and extrema of intensities
by `scipy.ndimage`, 100 times.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled

Labels = NDArray[np.integer[Any]]
Index32 = NDArray[np.int32]

_TABLE_PER_PIXEL = 4


def index_labels(labels: Labels) -> tuple[NDArray[np.int64], Index32]:
    """Return the labels of a block in raster order of first sight, and for each pixel 1 + which.

    Background (0) has index 0.

    >>> found, index = index_labels(np.array([[0, 7, 7], [3, 0, 7]]))
    >>> found.tolist(), index.tolist()
    ([7, 3], [[0, 1, 1], [2, 0, 1]])
    """
    if labels.size == 0:
        return np.zeros(0, np.int64), np.zeros(labels.shape, np.int32)
    low, high = int(labels.min()), int(labels.max())
    if high > np.iinfo(np.int64).max:
        raise OverflowError(f"label {high} does not fit 64 bits with a sign: number labels anew")
    if high - low >= _TABLE_PER_PIXEL * labels.size + 2**20:  # too sparse for a table
        inside = labels != 0
        values, inverse = np.unique(labels[inside], return_inverse=True)
        ranks = np.zeros(labels.shape, np.int64)
        ranks[inside] = inverse + 1
        found, index = index_labels(ranks)
        return values[found - 1].astype(np.int64), index
    index = np.empty(labels.shape, np.int32)
    table = np.zeros(high - low + 1, np.int32)
    found = np.empty(min(table.size, labels.size), np.int64)
    count = _index(labels.reshape(-1), low, table, found, index.reshape(-1))
    return found[:count].copy(), index


@compiled
def _index(labels: Any, low: int, table: Any, found: Any, index: Any) -> int:
    count, start = 0, 0
    while start < labels.size:
        label = labels[start]
        stop = start + 1
        while stop < labels.size and labels[stop] == label:
            stop += 1
        value = np.int32(0)
        if label != 0:
            value = table[label - low]
            if value == 0:
                found[count] = label
                count += 1
                value = np.int32(count)
                table[label - low] = value
        for i in range(start, stop):  # a store alone is 5 times as quick as one pixel at a time
            index[i] = value
        start = stop
    return count


def measure_shapes(
    index: Index32, count: int, origin: tuple[int, ...]
) -> dict[str, NDArray[np.int64]]:
    """Return area, coordinate sums, bounds and first pixel of the regions of a block.

    Parameters
    ----------
    index
        Block of shape ``(z, y, x)``, 0 for background, ``1 .. count`` for the regions.
    count
        Number of regions.
    origin
        Image coordinates of the block's first pixel.

    Returns
    -------
    dict
        ``area``; ``sum`` (3 columns: sums of z, y, x); ``low`` and ``high`` (3 columns each:
        half-open bounds); ``first`` (3 columns: the first pixel in raster order).
    """
    area = np.zeros(count, np.int64)
    sums = np.zeros((count, 3), np.int64)
    low = np.full((count, 3), np.iinfo(np.int64).max)
    high = np.full((count, 3), -1, np.int64)
    first = np.zeros((count, 3), np.int64)
    z, y, x = origin
    _shapes(index, z, y, x, area, sums, low, high, first)
    return {"area": area, "sum": sums, "low": low, "high": high, "first": first}


@compiled
def _shapes(
    index: Any, z0: int, y0: int, x0: int, area: Any, sums: Any, low: Any, high: Any, first: Any
) -> None:
    planes, height, width = index.shape
    for k in range(planes):
        for j in range(height):
            a = 0
            while a < width:
                r = index[k, j, a] - 1
                b = a + 1
                while b < width and index[k, j, b] - 1 == r:
                    b += 1
                if r >= 0:
                    z, y, x = k + z0, j + y0, a + x0
                    n = b - a
                    if area[r] == 0:
                        first[r, 0], first[r, 1], first[r, 2] = z, y, x
                    area[r] += n
                    sums[r, 0] += n * z
                    sums[r, 1] += n * y
                    sums[r, 2] += n * x + n * (n - 1) // 2
                    low[r, 0] = min(low[r, 0], z)
                    low[r, 1] = min(low[r, 1], y)
                    low[r, 2] = min(low[r, 2], x)
                    high[r, 0] = max(high[r, 0], z + 1)
                    high[r, 1] = max(high[r, 1], y + 1)
                    high[r, 2] = max(high[r, 2], x + n)
                a = b


def measure_small_integers(
    index: Index32, count: int, pixels: NDArray[Any]
) -> dict[str, NDArray[np.int64]]:
    """Return exact sums, sums of squares, minima and maxima of integers of at most 16 bits."""
    names = ("total", "squares", "least", "most")
    columns = {name: np.zeros(count, np.int64) for name in names}
    columns["least"] += np.iinfo(np.int64).max
    columns["most"] += np.iinfo(np.int64).min
    flat = np.ascontiguousarray(pixels).reshape(-1)
    _small_integers(index.reshape(-1), flat, *columns.values())
    return columns


@compiled
def _small_integers(
    index: Any, pixels: Any, total: Any, squares: Any, least: Any, most: Any
) -> None:
    for i in range(index.size):
        r = index[i] - 1
        if r >= 0:
            v = np.int64(pixels[i])
            total[r] += v
            squares[r] += v * v
            least[r] = min(least[r], v)
            most[r] = max(most[r], v)


def measure_extrema(
    index: Index32, count: int, pixels: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return number, minimum and maximum of the finite pixels of each region."""
    finite = np.zeros(count, np.int64)
    least, most = np.full(count, np.inf), np.full(count, -np.inf)
    _extrema(index.reshape(-1), np.ascontiguousarray(pixels).reshape(-1), finite, least, most)
    return finite, least, most


@compiled
def _extrema(index: Any, pixels: Any, finite: Any, least: Any, most: Any) -> None:
    for i in range(index.size):
        r = index[i] - 1
        if r >= 0 and np.isfinite(pixels[i]):
            finite[r] += 1
            least[r] = min(least[r], pixels[i])
            most[r] = max(most[r], pixels[i])
