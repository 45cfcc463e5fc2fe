"""White top-hat: what is left of an image without its wide, bright background."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.separable import TILE, rows_to_tile, tile_to_rows


def tophat_halo(size: int) -> int:
    """Return how far the top-hat looks: an erosion and a dilation, together `size` - 1 pixels.

    Examples
    --------
    >>> tophat_halo(5), tophat_halo(4)
    (4, 3)
    """
    return size - 1


def white_tophat(image: NDArray[Any], size: int) -> NDArray[Any]:
    """Subtract from an image its opening by a cube of `size` pixels a side.

    The result is that of ``skimage.morphology.white_tophat(image, np.ones((size,) * image.ndim))``
    for odd and even sizes. A minimum over a box is taken axis by axis, so the time grows with the
    logarithm of the size.

    Parameters
    ----------
    image
        Two or three axes, any real dtype; bool is read as uint8.
    size
        Side of the footprint in pixels, at least 1.

    Returns
    -------
    ndarray
        As the image; uint8 for a bool image.

    Raises
    ------
    ValueError
        If the size is less than 1, or the image has not two or three axes.

    References
    ----------
    Soille, P., Morphological Image Analysis, 2nd ed., Springer 2004, section 4.5.

    Examples
    --------
    >>> import numpy as np
    >>> white_tophat(np.array([[2, 2, 9, 2, 2, 8, 8, 8]], np.uint8), 3)[0]
    array([0, 0, 7, 0, 0, 0, 0, 0], dtype=uint8)
    """
    if size < 1:
        raise ValueError(f"the size of a top-hat must be at least 1, not {size}.")
    pixels = image.view(np.uint8) if image.dtype == np.bool_ else image
    if image.ndim not in (2, 3):
        raise ValueError(f"an image has 2 or 3 axes, not {image.ndim}.")
    if not pixels.dtype.isnative:
        pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    opened = np.empty(image.shape, pixels.dtype)
    if image.size:
        _open(pixels, size, opened)
    result: NDArray[Any] = np.subtract(pixels, opened, out=opened)
    return result


def _open(image: NDArray[Any], size: int, result: NDArray[Any]) -> None:
    """Take the minimum over the box around each pixel, and of that the maximum.

    Minima along different axes commute, and so do maxima: the axes are nested, the last inmost,
    so that its minimum and its maximum are taken in one go.
    """
    # An even footprint has no middle: the erosion reaches one pixel farther ahead and the
    # dilation one farther back, so that the opening stays where it is.
    reach = ((size - 1) // 2, size // 2)
    eroding = [np.pad(np.arange(length), reach, "symmetric") for length in image.shape]
    dilating = [np.pad(np.arange(length), reach[::-1], "symmetric") for length in image.shape]
    if image.ndim == 2:
        _open_plane(image, eroding[0], dilating[0], eroding[1], dilating[1], result)
        return
    flat = result.reshape(image.shape[0], -1)
    _slide_columns(image.reshape(flat.shape), eroding[0], False, flat)
    for plane in result:
        _open_plane(plane, eroding[1], dilating[1], eroding[2], dilating[2], plane)
    _slide_columns(flat, dilating[0], True, flat)


@compiled
def _open_plane(
    image: NDArray[Any],
    row_eroding: NDArray[np.int64],
    row_dilating: NDArray[np.int64],
    column_eroding: NDArray[np.int64],
    column_dilating: NDArray[np.int64],
    result: NDArray[Any],
) -> None:
    """Open a plane; `result` may be the image itself."""
    _slide_columns(image, row_eroding, False, result)
    height, width = image.shape
    tile = np.empty((width, TILE), result.dtype)
    buffer = np.empty((column_eroding.size, TILE), result.dtype)
    for start in range(0, height, TILE):
        rows = min(TILE, height - start)
        rows_to_tile(result, start, rows, tile)
        _slide_tile(tile, rows, column_eroding, False, buffer)
        _slide_tile(tile, rows, column_dilating, True, buffer)
        tile_to_rows(tile, start, rows, result)
    _slide_columns(result, row_dilating, True, result)


@compiled
def _slide_columns(
    image: NDArray[Any], table: NDArray[np.int64], largest: bool, result: NDArray[Any]
) -> None:
    """Take each pixel's extreme along the first axis; `result` may be the image."""
    height, width = image.shape
    tile = np.empty((height, TILE), result.dtype)
    buffer = np.empty((table.size, TILE), result.dtype)
    for start in range(0, width, TILE):
        columns = min(TILE, width - start)
        for row in range(height):
            for column in range(columns):
                tile[row, column] = image[row, start + column]
        _slide_tile(tile, columns, table, largest, buffer)
        for row in range(height):
            for column in range(columns):
                result[row, start + column] = tile[row, column]


@compiled
def _slide_tile(
    tile: NDArray[Any],
    columns: int,
    table: NDArray[np.int64],
    largest: bool,
    buffer: NDArray[Any],
) -> None:
    """Replace a tile by its extremes along the first axis.

    `table` says which row stands at each place, borders included. Extremes of 2, 4, 8, ... rows
    are built from one another; any window is the union of two of the largest that fit.
    """
    for place in range(table.size):
        for column in range(columns):
            buffer[place, column] = tile[table[place], column]
    size = table.size - tile.shape[0] + 1
    width = 1
    while 2 * width <= size:
        _join(buffer, table.size - width, columns, width, largest)
        width *= 2
    _join(buffer, tile.shape[0], columns, size - width, largest)
    for row in range(tile.shape[0]):
        for column in range(columns):
            tile[row, column] = buffer[row, column]


@compiled
def _join(buffer: NDArray[Any], rows: int, columns: int, distance: int, largest: bool) -> None:
    """Replace each row by the extreme of it and of the row at a distance below, from the top."""
    for row in range(rows):
        other = row + distance
        if largest:
            for column in range(columns):
                buffer[row, column] = max(buffer[row, column], buffer[other, column])
        else:
            for column in range(columns):
                buffer[row, column] = min(buffer[row, column], buffer[other, column])
