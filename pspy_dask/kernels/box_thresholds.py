"""Thresholds from the mean and deviation of a square or cube around each pixel.

Sums of integers are exact, so they slide over the image: sums of columns go down a plane, and along
each row they are differences of running sums. Sums of floats are taken anew for each pixel, in a
fixed order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.floats import float_type
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.separable import symmetric_filter
from pspy_dask.kernels.taps import Border, border_table

Line = NDArray[Any]
Sums = NDArray[np.int64]

#: What is made of the sums.
_MEAN, _NIBLACK, _SAUVOLA = 0, 1, 2


def box_threshold(image: NDArray[Any], size: int, k: float, spread: float) -> NDArray[np.float64]:
    """Return Sauvola's threshold, or Niblack's where the spread is zero."""
    pixels = _numbers(image)
    result = np.empty(image.shape, np.float64)
    kind = _SAUVOLA if spread else _NIBLACK
    if image.size == 0:
        return result
    if _sums_are_exact(pixels.dtype, size**image.ndim, 2):
        _slide(pixels, size, "mirror", (kind, k, spread), result)
        return result
    values = pixels.astype(np.float64, copy=False)
    total = _sums(values, size, "mirror")
    squares = _sums(values * values, size, "mirror")
    none = np.zeros(image.shape[-1])
    for places in np.ndindex(image.shape[:-1]):
        lines = (none, total[places], none, squares[places])
        _from_sums(*lines, size**image.ndim, kind, k, spread, result[places])
    return result


def box_mean(image: NDArray[Any], size: int) -> NDArray[Any]:
    """Return the mean of a square or cube; float32 of float16 and float32, float64 of others."""
    pixels = _numbers(image)
    result = np.empty(image.shape, float_type(image.dtype))
    if image.size == 0:
        return result
    if _sums_are_exact(pixels.dtype, size**image.ndim, 1):
        _slide(pixels, size, "reflect", (_MEAN, 0.0, 0.0), result)
        return result
    total = _sums(pixels, size, "reflect")
    np.divide(total, size**image.ndim, out=result, casting="same_kind")
    return result


def _sums(image: NDArray[Any], size: int, border: Border) -> NDArray[np.float64]:
    """Return sums of doubles in an order that does not depend on where the image starts."""
    return symmetric_filter(image, np.ones(size // 2 + 1), border, np.dtype(np.float64))


def _numbers(image: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels as numbers, in the machine's order."""
    pixels = image.view(np.uint8) if image.dtype == np.bool_ else image
    return np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))


def _sums_are_exact(dtype: np.dtype[Any], count: int, power: int) -> bool:
    """Say whether sums of powers fit a double; by the dtype alone, as windows must agree."""
    if dtype.kind not in "iu":
        return False
    largest = max(-int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    return bool(count * largest**power < 2**53)


def _slide(
    image: NDArray[Any],
    size: int,
    border: Border,
    rule: tuple[int, float, float],
    result: NDArray[Any],
) -> None:
    """Slide integer sums over the image: they are exact, so where they start does not matter."""
    tables = [border_table(length, size // 2, border) for length in image.shape]
    count = size**image.ndim
    if image.ndim == 2:
        _slide_plane(image, image, True, tables[0], tables[1], count, *rule, result)
        return
    planes = image.reshape(image.shape[0], -1)
    none = np.zeros_like(planes[0])
    totals, squares = np.zeros(image.shape[1:], np.int64), np.zeros(image.shape[1:], np.int64)
    sums = totals.reshape(-1), squares.reshape(-1)
    for plane in tables[0][: size - 1]:
        _exchange(planes[plane], none, *sums)
    for depth, surface in enumerate(result):
        leaving = planes[tables[0][depth - 1]] if depth else none
        _exchange(planes[tables[0][depth + size - 1]], leaving, *sums)
        _slide_plane(totals, squares, False, tables[1], tables[2], count, *rule, surface)


@compiled
def _slide_plane(
    values: NDArray[Any],
    squares: NDArray[Any],
    pixels: bool,
    row_table: NDArray[np.int64],
    column_table: NDArray[np.int64],
    count: int,
    kind: int,
    k: float,
    spread: float,
    result: NDArray[Any],
) -> None:
    """Slide over a plane of pixels, or of sums over planes; of pixels `squares` is not used."""
    height, width = values.shape
    size = row_table.size - height + 1
    column, column_squares = np.zeros(width, np.int64), np.zeros(width, np.int64)
    running, running_squares = np.zeros(width + size, np.int64), np.zeros(width + size, np.int64)
    none, no_squares = np.zeros_like(values[0]), np.zeros_like(squares[0])
    for step in range(1 - size, height):
        new = row_table[step + size - 1]
        old = row_table[max(step - 1, 0)]
        leaving, leaving_squares = none, no_squares
        if step > 0:
            leaving, leaving_squares = values[old], squares[old]
        if pixels:
            _exchange(values[new], leaving, column, column_squares)
        else:
            _exchange_sums(values[new], leaving, column)
            _exchange_sums(squares[new], leaving_squares, column_squares)
        if step >= 0:
            _run(column, column_squares, column_table, running, running_squares)
            high, high_squares = running[size:], running_squares[size:]
            lines = (running, high, running_squares, high_squares)
            _from_sums(*lines, count, kind, k, spread, result[step])


@compiled
def _exchange(entering: Line, leaving: Line, totals: Sums, squares: Sums) -> None:
    for i in range(totals.size):
        new, old = np.int64(entering[i]), np.int64(leaving[i])
        totals[i] += new - old
        squares[i] += new * new - old * old


@compiled
def _exchange_sums(entering: Line, leaving: Line, totals: Sums) -> None:
    for i in range(totals.size):
        totals[i] += entering[i] - leaving[i]


@compiled
def _run(
    first: Sums, second: Sums, table: NDArray[np.int64], first_run: Sums, second_run: Sums
) -> None:
    """Write running sums of two lines, borders included; the two do not wait for each other.

    Past 64 bits they wrap around, and so do their differences, back to what they are.
    """
    border = (table.size - first.size) // 2
    a, b = np.int64(0), np.int64(0)
    for i in range(border):
        a += first[table[i]]
        b += second[table[i]]
        first_run[i + 1], second_run[i + 1] = a, b
    inside, inside_second = first_run[border + 1 :], second_run[border + 1 :]
    for i in range(first.size):
        a += first[i]
        b += second[i]
        inside[i], inside_second[i] = a, b
    for i in range(border + first.size, table.size):
        a += first[table[i]]
        b += second[table[i]]
        first_run[i + 1], second_run[i + 1] = a, b


@compiled
def _from_sums(
    low: Line,
    high: Line,
    low_squares: Line,
    high_squares: Line,
    count: int,
    kind: int,
    k: float,
    spread: float,
    result: Line,
) -> None:
    """Turn differences of running sums into thresholds, each step as scikit-image rounds it."""
    if kind == _MEAN:
        for i in range(result.size):
            result[i] = np.float64(high[i] - low[i]) / count
    elif kind == _NIBLACK:
        for i in range(result.size):
            mean = np.float64(high[i] - low[i]) / count
            variance = np.float64(high_squares[i] - low_squares[i]) / count - mean * mean
            result[i] = mean - k * np.sqrt(max(variance, 0.0))
    else:
        for i in range(result.size):
            mean = np.float64(high[i] - low[i]) / count
            variance = np.float64(high_squares[i] - low_squares[i]) / count - mean * mean
            result[i] = mean * (1 + k * ((np.sqrt(max(variance, 0.0)) / spread) - 1))
