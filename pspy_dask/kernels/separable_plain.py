"""Separable filters as plain loops: the readable reference, which runs where lanes do not pay."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled

#: Columns filtered together: a tile of that many doubles stays in the cache nearest the core.
TILE = 64

#: Side of the squares in which a tile is transposed.
_SQUARE = 16


@compiled
def joined(a: Any, b: Any, symmetric: bool) -> Any:
    """Return what two pixels as far from the centre add, before it is weighted."""
    return a + b if symmetric else a - b


@compiled
def filter_plane_by_loops(
    image: NDArray[Any],
    rows: NDArray[np.float64],
    rows_symmetric: bool,
    columns: NDArray[np.float64],
    columns_symmetric: bool,
    row_table: NDArray[np.int64],
    column_table: NDArray[np.int64],
    result: NDArray[Any],
) -> None:
    """Filter a plane along its columns with `rows`, then along its rows with `columns`.

    Weights run from the farthest pixel to the centre; the others mirror them, with their sign
    turned where they are not symmetric. Row ``i`` of the result is made from the rows
    ``row_table[i : i + 2 * radius + 1]`` of the image, where -1 stands for zeros. `result` must
    not share memory with the image.
    """
    _filter_columns(image, rows, rows_symmetric, row_table, result)
    height, width = result.shape
    tile = np.zeros((width + 1, TILE), np.float64)
    total = np.empty(TILE, np.float64)
    filtered = np.empty((width, TILE), result.dtype)
    for start in range(0, height, TILE):
        count = min(TILE, height - start)
        rows_to_tile(result, start, count, tile)
        _filter_tile(tile, count, columns, columns_symmetric, column_table, total, filtered)
        tile_to_rows(filtered, start, count, result)


@compiled
def _filter_columns(
    image: NDArray[Any],
    weights: NDArray[np.float64],
    symmetric: bool,
    table: NDArray[np.int64],
    result: NDArray[Any],
) -> None:
    """Filter along the first axis."""
    height, width = result.shape
    tile = np.zeros((image.shape[0] + 1, TILE), np.float64)
    total = np.empty(TILE, np.float64)
    filtered = np.empty((height, TILE), result.dtype)
    for start in range(0, width, TILE):
        columns = min(TILE, width - start)
        for row in range(image.shape[0]):
            for column in range(columns):
                tile[row, column] = image[row, start + column]
        _filter_tile(tile, columns, weights, symmetric, table, total, filtered)
        for row in range(height):
            for column in range(columns):
                result[row, start + column] = filtered[row, column]


@compiled
def _filter_tile(
    tile: NDArray[np.float64],
    columns: int,
    weights: NDArray[np.float64],
    symmetric: bool,
    table: NDArray[np.int64],
    total: NDArray[np.float64],
    filtered: NDArray[Any],
) -> None:
    """Filter a tile along its first axis; its last row is of zeros, for places outside.

    Neighbouring columns share an instruction; four pairs of rows are added in one sweep, so that
    the totals are loaded and stored a quarter as often. The order of the sum stays SciPy's.
    """
    radius = weights.size - 1
    fours = radius // 4 * 4
    for row in range(filtered.shape[0]):
        for c in range(columns):
            total[c] = tile[table[row + radius], c] * weights[radius]
        for pair in range(0, fours, 4):
            w0, w1, w2, w3 = weights[pair], weights[pair + 1], weights[pair + 2], weights[pair + 3]
            up = row + pair
            down = row + 2 * radius - pair
            a0, a1, a2, a3 = table[up], table[up + 1], table[up + 2], table[up + 3]
            b0, b1, b2, b3 = table[down], table[down - 1], table[down - 2], table[down - 3]
            for c in range(columns):
                value = total[c] + joined(tile[a0, c], tile[b0, c], symmetric) * w0
                value += joined(tile[a1, c], tile[b1, c], symmetric) * w1
                value += joined(tile[a2, c], tile[b2, c], symmetric) * w2
                total[c] = value + joined(tile[a3, c], tile[b3, c], symmetric) * w3
        for pair in range(fours, radius):
            above, below = table[row + pair], table[row + 2 * radius - pair]
            for c in range(columns):
                total[c] += joined(tile[above, c], tile[below, c], symmetric) * weights[pair]
        for c in range(columns):
            filtered[row, c] = total[c]


@compiled
def rows_to_tile(image: NDArray[Any], start: int, rows: int, tile: NDArray[Any]) -> None:
    """Transpose rows of an image into the first columns of a tile, by squares that stay cached.

    Whole arrays are passed, not slices of them: only of those does Numba know that neighbours
    lie side by side.
    """
    width = image.shape[1]
    for top in range(0, rows, _SQUARE):
        for left in range(0, width, _SQUARE):
            for column in range(left, min(width, left + _SQUARE)):
                for row in range(top, min(rows, top + _SQUARE)):
                    tile[column, row] = image[start + row, column]


@compiled
def tile_to_rows(tile: NDArray[Any], start: int, rows: int, image: NDArray[Any]) -> None:
    """Transpose the first columns of a tile back into rows of an image."""
    width = image.shape[1]
    for top in range(0, rows, _SQUARE):
        for left in range(0, width, _SQUARE):
            for row in range(top, min(rows, top + _SQUARE)):
                for column in range(left, min(width, left + _SQUARE)):
                    image[start + row, column] = tile[column, row]
