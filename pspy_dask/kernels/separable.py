"""Symmetric separable filters, equal to SciPy's to the last bit."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled

Border = Literal["nearest", "reflect", "mirror"]

#: How `numpy.pad` calls what SciPy calls nearest, reflect and mirror.
_PAD_MODE: dict[Border, Literal["edge", "symmetric", "reflect"]] = {
    "nearest": "edge",
    "reflect": "symmetric",
    "mirror": "reflect",
}

#: Dtypes that the compiled loop reads as they are; it turns each pixel into a double itself.
_DIRECT = {np.dtype(kind) for kind in ("u1", "u2", "f4", "f8")}

#: Columns filtered together: a tile of that many doubles stays in the cache nearest the core.
TILE = 64

#: Side of the squares in which a tile is transposed.
_SQUARE = 16


def symmetric_filter(
    image: NDArray[Any], weights: NDArray[np.float64], mode: Border, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Filter each axis with the same symmetric weights, as `scipy.ndimage.correlate1d` does.

    Sums are taken in double precision, the centre first and then pairs from the outside in; the
    result of each axis is rounded to `dtype`.

    Parameters
    ----------
    image
        Two or three axes, any real dtype.
    weights
        From the farthest pixel to the centre: one half of the kernel and its middle.
    mode
        What lies outside the image, in SciPy's words.
    dtype
        float32 or float64.

    Raises
    ------
    ValueError
        If the image has not two or three axes.

    Examples
    --------
    >>> import numpy as np
    >>> symmetric_filter(np.eye(3), np.ones(2), "nearest", np.dtype("f8"))
    array([[5., 3., 1.],
           [3., 3., 3.],
           [1., 3., 5.]])
    """
    if image.ndim not in (2, 3):
        raise ValueError(f"an image has 2 or 3 axes, not {image.ndim}.")
    pixels = image if image.dtype in _DIRECT else image.astype(dtype)
    result = np.empty(image.shape, dtype)
    if image.size == 0:
        return result
    radius = weights.size - 1
    table = [np.pad(np.arange(length), radius, _PAD_MODE[mode]) for length in image.shape]
    if image.ndim == 2:
        _filter_plane(pixels, weights, table[0], table[1], result)
        return result
    flat = result.reshape(image.shape[0], -1)
    _filter_columns(pixels.reshape(flat.shape), weights, table[0], flat)
    for plane in result:
        _filter_plane(plane, weights, table[1], table[2], plane)
    return result


@compiled
def _filter_plane(
    image: NDArray[Any],
    weights: NDArray[np.float64],
    row_table: NDArray[np.int64],
    column_table: NDArray[np.int64],
    result: NDArray[Any],
) -> None:
    """Filter a plane along both axes; `result` may be the image itself."""
    _filter_columns(image, weights, row_table, result)
    height, width = image.shape
    tile = np.empty((width, TILE), np.float64)
    total = np.empty(TILE, np.float64)
    filtered = np.empty((width, TILE), result.dtype)
    for start in range(0, height, TILE):
        rows = min(TILE, height - start)
        rows_to_tile(result, start, rows, tile)
        _filter_tile(tile, rows, weights, column_table, total, filtered)
        tile_to_rows(filtered, start, rows, result)


@compiled
def _filter_columns(
    image: NDArray[Any],
    weights: NDArray[np.float64],
    table: NDArray[np.int64],
    result: NDArray[Any],
) -> None:
    """Filter along the first axis; `result` may be the image, for each tile is copied first."""
    height, width = image.shape
    tile = np.empty((height, TILE), np.float64)
    total = np.empty(TILE, np.float64)
    filtered = np.empty((height, TILE), result.dtype)
    for start in range(0, width, TILE):
        columns = min(TILE, width - start)
        for row in range(height):
            for column in range(columns):
                tile[row, column] = image[row, start + column]
        _filter_tile(tile, columns, weights, table, total, filtered)
        for row in range(height):
            for column in range(columns):
                result[row, start + column] = filtered[row, column]


@compiled
def _filter_tile(
    tile: NDArray[np.float64],
    columns: int,
    weights: NDArray[np.float64],
    table: NDArray[np.int64],
    total: NDArray[np.float64],
    filtered: NDArray[Any],
) -> None:
    """Filter a tile along its first axis.

    Neighbouring columns share an instruction; four pairs of rows are added in one sweep, so that
    the totals are loaded and stored a quarter as often. The order of the sum stays SciPy's.
    """
    radius = weights.size - 1
    fours = radius // 4 * 4
    for row in range(tile.shape[0]):
        for c in range(columns):
            total[c] = tile[row, c] * weights[radius]
        for pair in range(0, fours, 4):
            w0, w1, w2, w3 = weights[pair], weights[pair + 1], weights[pair + 2], weights[pair + 3]
            up = row + pair
            down = row + 2 * radius - pair
            a0, a1, a2, a3 = table[up], table[up + 1], table[up + 2], table[up + 3]
            b0, b1, b2, b3 = table[down], table[down - 1], table[down - 2], table[down - 3]
            for c in range(columns):
                value = total[c] + (tile[a0, c] + tile[b0, c]) * w0
                value += (tile[a1, c] + tile[b1, c]) * w1
                value += (tile[a2, c] + tile[b2, c]) * w2
                total[c] = value + (tile[a3, c] + tile[b3, c]) * w3
        for pair in range(fours, radius):
            above, below = table[row + pair], table[row + 2 * radius - pair]
            for c in range(columns):
                total[c] += (tile[above, c] + tile[below, c]) * weights[pair]
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
