"""Thresholds from the mean and deviation of a square or cube around each pixel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.separable import symmetric_filter


def box_threshold(image: NDArray[Any], size: int, k: float, spread: float) -> NDArray[np.float64]:
    """Return Sauvola's threshold, or Niblack's where the spread is zero."""
    if image.ndim not in (2, 3):
        raise ValueError(f"an image has 2 or 3 axes, not {image.ndim}.")
    pixels = image.view(np.uint8) if image.dtype == np.bool_ else image
    result = np.empty(image.shape, np.float64)
    if image.size == 0:
        return result
    if _sums_are_exact(pixels.dtype, size**image.ndim):
        _exact_thresholds(pixels, size, k, spread, result)
        return result
    ones = np.ones(size // 2 + 1)
    values = pixels.astype(np.float64, copy=False)
    total = symmetric_filter(values, ones, "mirror", result.dtype)
    squares = symmetric_filter(values * values, ones, "mirror", result.dtype)
    flat = result.reshape(-1)
    _from_sums(total.reshape(-1), squares.reshape(-1), size**image.ndim, k, spread, flat)
    return result


def _sums_are_exact(dtype: np.dtype[Any], count: int) -> bool:
    """Say whether sums of squares fit a double; by the dtype alone, as windows must agree."""
    if dtype.kind not in "iu" or not dtype.isnative:
        return False
    largest = max(-int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    return bool(count * largest**2 < 2**53)


def _exact_thresholds(
    image: NDArray[Any], size: int, k: float, spread: float, result: NDArray[np.float64]
) -> None:
    """Slide integer sums over the image: they are exact, so where they start does not matter."""
    tables = [np.pad(np.arange(length), size // 2, "reflect") for length in image.shape]
    count = math.prod([size] * image.ndim)
    if image.ndim == 2:
        _slide_plane(image, image, True, size, tables[0], tables[1], count, k, spread, result)
        return
    total = np.zeros(image.shape[1:], np.int64)
    squares = np.zeros(image.shape[1:], np.int64)
    for plane in tables[0][: size - 1]:
        _add_plane(image[plane], 1, total, squares)
    for depth, surface in enumerate(result):
        _add_plane(image[tables[0][depth + size - 1]], 1, total, squares)
        _slide_plane(total, squares, False, size, tables[1], tables[2], count, k, spread, surface)
        _add_plane(image[tables[0][depth]], -1, total, squares)


@compiled
def _add_plane(
    plane: NDArray[Any], sign: int, total: NDArray[np.int64], squares: NDArray[np.int64]
) -> None:
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            value = np.int64(plane[row, column])
            total[row, column] += sign * value
            squares[row, column] += sign * value * value


@compiled
def _slide_plane(
    values: NDArray[Any],
    others: NDArray[Any],
    squared: bool,
    size: int,
    row_table: NDArray[np.int64],
    column_table: NDArray[np.int64],
    count: int,
    k: float,
    spread: float,
    result: NDArray[np.float64],
) -> None:
    """Slide sums of columns down the plane, and along each row a sum of those.

    `others` holds the squares, or, where `squared` is set, the values once more.
    """
    height, width = values.shape
    totals = np.zeros(width, np.int64)
    squares = np.zeros(width, np.int64)
    row_total = np.empty(width, np.float64)
    row_squares = np.empty(width, np.float64)
    for place in range(size - 1):
        row = row_table[place]
        _add_row(values[row], others[row], squared, 1, totals, squares)
    for place in range(height):
        row = row_table[place + size - 1]
        _add_row(values[row], others[row], squared, 1, totals, squares)
        _slide_row(totals, column_table, size, row_total)
        _slide_row(squares, column_table, size, row_squares)
        _from_sums(row_total, row_squares, count, k, spread, result[place])
        row = row_table[place]
        _add_row(values[row], others[row], squared, -1, totals, squares)


@compiled
def _add_row(
    values: NDArray[Any],
    others: NDArray[Any],
    squared: bool,
    sign: int,
    totals: NDArray[np.int64],
    squares: NDArray[np.int64],
) -> None:
    if squared:
        for column in range(values.size):
            value = np.int64(values[column])
            totals[column] += sign * value
            squares[column] += sign * value * value
    else:
        for column in range(values.size):
            totals[column] += sign * values[column]
            squares[column] += sign * others[column]


@compiled
def _slide_row(
    sums: NDArray[np.int64], table: NDArray[np.int64], size: int, result: NDArray[np.float64]
) -> None:
    running = np.int64(0)
    for place in range(size - 1):
        running += sums[table[place]]
    for column in range(sums.size):
        running += sums[table[column + size - 1]]
        result[column] = running
        running -= sums[table[column]]


@compiled
def _from_sums(
    total: NDArray[np.float64],
    squares: NDArray[np.float64],
    count: int,
    k: float,
    spread: float,
    result: NDArray[np.float64],
) -> None:
    """Turn sums into thresholds, each operation as scikit-image rounds it."""
    if spread == 0.0:
        for place in range(result.size):
            mean = total[place] / count
            variance = squares[place] / count - mean * mean
            result[place] = mean - k * np.sqrt(max(variance, 0.0))
    else:
        for place in range(result.size):
            mean = total[place] / count
            variance = squares[place] / count - mean * mean
            result[place] = mean * (1 + k * ((np.sqrt(max(variance, 0.0)) / spread) - 1))
