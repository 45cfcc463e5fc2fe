"""Compiled loops of the Hessian of a plane: differences, and eigenvalues of 2 x 2 matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled


@compiled
def second_differences(
    smooth: NDArray[Any],
    first: int,
    height: int,
    top: int,
    down_down: NDArray[Any],
    down_along: NDArray[Any],
    along_along: NDArray[Any],
) -> None:
    """Fill a band of rows with differences of differences, as `numpy.gradient` takes them.

    `smooth` holds rows of an image of that height from `first` on, two more than the band on
    either side if there are; the band starts at the image's row `top`. At the image's border
    differences are one-sided.
    """
    slopes = np.empty((3, smooth.shape[1]), smooth.dtype)  # down the columns, of three rows
    along = np.empty(smooth.shape[1], smooth.dtype)
    for y in range(max(0, top - 1), top + 1):
        _slope_down(smooth, first, height, y, slopes[y % 3])
    for row in range(down_down.shape[0]):
        y = top + row
        above, below = max(0, y - 1), min(height - 1, y + 1)
        _slope_down(smooth, first, height, below, slopes[below % 3])
        _difference(slopes[above % 3], slopes[below % 3], below - above, down_down[row])
        _slope_along(slopes[y % 3], down_along[row])
        _slope_along(smooth[y - first], along)
        _slope_along(along, along_along[row])


@compiled
def _slope_down(image: NDArray[Any], first: int, height: int, y: int, result: NDArray[Any]) -> None:
    above, below = max(0, y - 1), min(height - 1, y + 1)
    _difference(image[above - first], image[below - first], below - above, result)


@compiled
def _difference(
    above: NDArray[Any], below: NDArray[Any], distance: int, result: NDArray[Any]
) -> None:
    scale = above.dtype.type(1 / distance)  # 1 or a half, so that it is exact
    for x in range(result.size):
        result[x] = (below[x] - above[x]) * scale


@compiled
def _slope_along(line: NDArray[Any], result: NDArray[Any]) -> None:
    last = line.size - 1
    half = line.dtype.type(0.5)
    result[0] = line[1] - line[0]
    for x in range(1, last):
        result[x] = (line[x + 1] - line[x - 1]) * half
    result[last] = line[last] - line[last - 1]


@compiled
def eigenvalues_in_place(first: NDArray[Any], mixed: NDArray[Any], second: NDArray[Any]) -> None:
    """Replace the diagonals of 2 x 2 matrices by their larger and smaller eigenvalues."""
    half = first.dtype.type(0.5)
    for row in range(first.shape[0]):
        a, b, c = first[row], mixed[row], second[row]
        for x in range(a.size):
            mean, apart = (a[x] + c[x]) * half, (a[x] - c[x]) * half
            root = np.sqrt(b[x] * b[x] + apart * apart)
            a[x] = mean + root
            c[x] = mean - root
