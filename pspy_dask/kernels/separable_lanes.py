"""Separable filters by explicit lanes: the same sums as in `separable`, several times as fast.

A strip of columns is swept from top to bottom. Each row of the image is turned into doubles once,
its borders filled in, and kept in a ring as long as it is needed. Four rows are filtered together,
for then a loaded row serves four sums; rounded as SciPy rounds between axes, they stay in the
cache nearest the core and are filtered along the row at once. Nothing is transposed, and nothing
of the image's size is allocated.

Tried: two passes over the image, tile by tile, as the plain loops make them (2.4 times as long);
strips so narrow that the ring fits the first cache (a quarter slower: more columns are filtered
twice); rows a multiple of 4096 bytes apart in the ring (half as fast, for they evict each other).
`gaussian` states the ratios.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.separable_plain import joined
from pspy_dask.kernels.simd import convert, fill, load, processor_features, store
from pspy_dask.kernels.taps import Taps
from pspy_dask.kernels.vectors import vector

#: Doubles in the widest register.
LANES = 8 if "avx512f" in processor_features() else 4

#: Rows filtered together, and vectors along a row.
_GROUP = 4
_BLOCK = _GROUP * LANES

#: Bytes of the ring of rows: it should stay in the second cache.
_RING = 2**19

#: Bytes of the ring from which on lanes do not pay, and how many times as wide as a strip what is
#: beside it may be: at 10 MiB they are 1.6 times as fast as the plain loops on wide images, at 24
#: hardly faster and at 40 slower; a row three times as wide as its strip takes as long as there.
_LARGEST_RING = 12 * 2**20
_WIDEST_BESIDE = 2

_DOUBLES, _SINGLES = vector("f64", LANES), vector("f32", LANES)
_load, _fill, _round, _widen = load(_DOUBLES), fill(_DOUBLES), convert(_SINGLES), convert(_DOUBLES)
_store: Any = store


def lanes_take(rows: Taps, columns: Taps, width: int) -> bool:
    """Say whether lanes pay for weights: a ring for wide ones leaves the caches, and costs memory.

    Examples
    --------
    >>> narrow, wide = Taps(np.ones(65)), Taps(np.ones(1025))
    >>> lanes_take(narrow, narrow, 256), lanes_take(wide, wide, 256)
    (True, False)
    """
    depth, strip, pitch = _ring(rows, columns, width)
    return 8 * depth * pitch <= _LARGEST_RING and 2 * columns.radius <= _WIDEST_BESIDE * strip


def filter_plane_by_lanes(
    image: NDArray[Any],
    rows: Taps,
    columns: Taps,
    row_table: NDArray[np.int64],
    column_table: NDArray[np.int64],
    result: NDArray[Any],
) -> None:
    """Filter a plane along its columns with `rows`, then along its rows with `columns`.

    Row ``i`` of the result is made from those that ``row_table[i : i + 2 * rows.radius + 1]``
    name, so that a band of an image can be filtered alone. `result` must not share memory with
    the image.
    """
    depth, strip, pitch = _ring(rows, columns, result.shape[1])
    pixels, stride = _flat_rows(image)
    _sweep(
        pixels,
        stride,
        rows.half,
        rows.symmetric,
        columns.half,
        columns.symmetric,
        row_table,
        column_table,
        strip,
        pitch,
        _aligned(depth * pitch),
        _aligned((_GROUP + 1) * pitch),
        result,
    )


def _ring(rows: Taps, columns: Taps, width: int) -> tuple[int, int, int]:
    """Return the rows of the ring, how many columns to sweep, and how far apart its rows start.

    Columns are as many as the cache allows, but not few against those beside.
    """
    depth, reach = 2 * rows.radius + _GROUP, columns.radius
    fitting = _RING // (8 * depth) - 2 * reach
    strip = max(fitting, 8 * reach, 4 * _BLOCK) // _BLOCK * _BLOCK
    strip = min(strip, -(-width // _BLOCK) * _BLOCK)
    # an odd number of the cache's lines, so that rows do not compete for the same places in it
    return depth, strip, ((strip + 2 * reach + 7) // 8 | 1) * 8


def _aligned(size: int) -> NDArray[np.float64]:
    """Return zeros that start where a line of the cache does."""
    zeros = np.zeros(size + 8)
    first = -zeros.ctypes.data % 64 // 8
    return zeros[first : first + size]


def _flat_rows(image: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Return one line of memory with all rows in it, and how far apart they start.

    A window cut from an image is not copied, and all images of a dtype have one type in compiled
    code, whether they may be written to or not.
    """
    size = image.itemsize
    along, down = image.strides[1] // size, image.strides[0] // size
    if along != 1 or down < image.shape[1] or image.strides[0] % size:
        image = np.ascontiguousarray(image)
        down = image.shape[1]
    length = (image.shape[0] - 1) * down + image.shape[1]
    line = np.lib.stride_tricks.as_strided(image, (length,), (size,), writeable=False)
    return line, down


@compiled
def _sweep(
    pixels: NDArray[Any],
    stride: int,
    rows: NDArray[np.float64],
    rows_symmetric: bool,
    columns: NDArray[np.float64],
    columns_symmetric: bool,
    row_table: NDArray[np.int64],
    column_table: NDArray[np.int64],
    strip: int,
    pitch: int,
    ring: NDArray[np.float64],
    lines: NDArray[np.float64],
    result: NDArray[Any],
) -> None:
    """Filter strip by strip, four rows at a time."""
    height, width = result.shape
    depth, reach = 2 * rows.size + _GROUP - 2, columns.size - 1
    places = np.empty(depth, np.int64)
    single = result.itemsize == 4
    for start in range(0, width, strip):
        count = min(strip, width - start)
        ready = 0
        for top in range(0, height, _GROUP):
            while ready < top + depth:
                row = row_table[min(ready, row_table.size - 1)]
                place = ready % depth * pitch
                stop = start + count
                _load_row(pixels, row, stride, column_table, start, stop, reach, width, ring, place)
                ready += 1
            for each in range(depth):
                places[each] = (top + each) % depth * pitch
            length = count + 2 * reach
            _across_rows(ring, places, rows, length, rows_symmetric, single, pitch, lines)
            if column_table[0] < 0:
                _clear_outside(column_table[start : start + length], pitch, lines)
            for each in range(min(_GROUP, height - top)):
                _along_row(lines, each * pitch, columns, count, columns_symmetric, _GROUP * pitch)
                for column in range(count):
                    result[top + each, start + column] = lines[_GROUP * pitch + column]


@compiled
def _load_row(
    pixels: NDArray[Any],
    row: int,
    stride: int,
    column_table: NDArray[np.int64],
    start: int,
    stop: int,
    reach: int,
    width: int,
    ring: NDArray[np.float64],
    place: int,
) -> None:
    """Put columns of a row into the ring, and as many beside them as are seen; or zeros."""
    length = stop - start + 2 * reach
    left, right = min(length, max(0, reach - start)), max(0, min(length, width - start + reach))
    right = max(left, right)
    if row < 0:
        ring[place : place + length] = 0.0
        return
    first = row * stride + start - reach
    for x in range(left, right):
        ring[place + x] = pixels[first + x]
    for x in range(left):
        column = column_table[start + x]
        ring[place + x] = pixels[row * stride + column] if column >= 0 else 0.0
    for x in range(right, length):
        column = column_table[start + x]
        ring[place + x] = pixels[row * stride + column] if column >= 0 else 0.0


@compiled
def _across_rows(
    ring: NDArray[np.float64],
    places: NDArray[np.int64],
    half: NDArray[np.float64],
    length: int,
    symmetric: bool,
    single: bool,
    pitch: int,
    lines: NDArray[np.float64],
) -> None:
    """Filter four rows from the rows around them; `places` says where each starts in the ring."""
    radius = half.size - 1
    centre = _fill(half[radius])
    for x in range(0, length, LANES):
        sum0 = _load(ring, places[radius] + x) * centre
        sum1 = _load(ring, places[radius + 1] + x) * centre
        sum2 = _load(ring, places[radius + 2] + x) * centre
        sum3 = _load(ring, places[radius + 3] + x) * centre
        up0, up1 = _load(ring, places[0] + x), _load(ring, places[1] + x)
        up2, down1 = _load(ring, places[2] + x), _load(ring, places[2 * radius + 1] + x)
        down2 = _load(ring, places[2 * radius + 2] + x)
        down3 = _load(ring, places[2 * radius + 3] + x)
        for tap in range(radius):
            weight = _fill(half[tap])
            up3 = _load(ring, places[tap + 3] + x)
            down0 = _load(ring, places[2 * radius - tap] + x)
            sum0 = sum0 + joined(up0, down0, symmetric) * weight
            sum1 = sum1 + joined(up1, down1, symmetric) * weight
            sum2 = sum2 + joined(up2, down2, symmetric) * weight
            sum3 = sum3 + joined(up3, down3, symmetric) * weight
            up0, up1, up2 = up1, up2, up3
            down3, down2, down1 = down2, down1, down0
        if single:
            sum0, sum1 = _widen(_round(sum0)), _widen(_round(sum1))
            sum2, sum3 = _widen(_round(sum2)), _widen(_round(sum3))
        _store(lines, x, sum0)
        _store(lines, x + pitch, sum1)
        _store(lines, x + 2 * pitch, sum2)
        _store(lines, x + 3 * pitch, sum3)


@compiled
def _clear_outside(column_table: NDArray[np.int64], pitch: int, lines: NDArray[np.float64]) -> None:
    """Take the sign from zeros outside the image, which weights below zero have turned."""
    for x in range(column_table.size):
        if column_table[x] < 0:
            for each in range(_GROUP):
                lines[each * pitch + x] = 0.0


@compiled
def _along_row(
    lines: NDArray[np.float64],
    place: int,
    half: NDArray[np.float64],
    count: int,
    symmetric: bool,
    target: int,
) -> None:
    """Filter a row that starts at `place` of `lines`, borders included; leave it at `target`."""
    radius = half.size - 1
    centre = _fill(half[radius])
    for x in range(0, count, _BLOCK):
        middle = place + radius + x
        sum0 = _load(lines, middle) * centre
        sum1 = _load(lines, middle + LANES) * centre
        sum2 = _load(lines, middle + 2 * LANES) * centre
        sum3 = _load(lines, middle + 3 * LANES) * centre
        for tap in range(radius):
            weight = _fill(half[tap])
            a, b = place + x + tap, middle + radius - tap
            sum0 = sum0 + joined(_load(lines, a), _load(lines, b), symmetric) * weight
            a, b = a + LANES, b + LANES
            sum1 = sum1 + joined(_load(lines, a), _load(lines, b), symmetric) * weight
            a, b = a + LANES, b + LANES
            sum2 = sum2 + joined(_load(lines, a), _load(lines, b), symmetric) * weight
            a, b = a + LANES, b + LANES
            sum3 = sum3 + joined(_load(lines, a), _load(lines, b), symmetric) * weight
        _store(lines, target + x, sum0)
        _store(lines, target + x + LANES, sum1)
        _store(lines, target + x + 2 * LANES, sum2)
        _store(lines, target + x + 3 * LANES, sum3)
