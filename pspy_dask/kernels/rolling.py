"""Rows of an image that are made when they are asked for, and kept as long as they are needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.separable import PlaneFilter

#: Returns the rows of an image from one on until before another.
Rows = Callable[[int, int], NDArray[Any]]


class RollingRows:
    """Rows made by a function, which bands that move down an image ask for.

    A step of several filters so takes memory for the rows in reach of a band, not for the image.
    What it returns is overwritten when it is called again.

    Parameters
    ----------
    width, dtype
        Of the rows.
    make
        Fills an array with the rows from a given one on.
    """

    def __init__(
        self, width: int, dtype: np.dtype[Any], make: Callable[[int, NDArray[Any]], None]
    ) -> None:
        self._make = make
        self._buffer = np.empty((0, width), dtype)
        self._first = self._stop = 0

    def __call__(self, first: int, stop: int) -> NDArray[Any]:
        """Return rows, of which those that are there already are not made again."""
        kept = self._buffer[:0]
        if self._first <= first < self._stop:
            kept = self._buffer[first - self._first : self._stop - self._first]
        old, count = self._buffer, max(stop - first, kept.shape[0])
        if count > old.shape[0]:
            self._buffer = np.empty((count, old.shape[1]), old.dtype)
        self._buffer[: kept.shape[0]] = kept
        if kept.shape[0] < count:
            self._make(first + kept.shape[0], self._buffer[kept.shape[0] : count])
        self._first, self._stop = first, first + count
        return self._buffer[: stop - first]


def fill_filtered(source: Rows, filtering: PlaneFilter, top: int, result: NDArray[Any]) -> None:
    """Fill `result` with the filtered rows from `top` on."""
    first, stop = filtering.sources(top, top + result.shape[0])
    filtering.apply_to_band(source(first, stop), first, top, result)


def rolling_filter(
    source: Rows, filtering: PlaneFilter, width: int, dtype: np.dtype[Any]
) -> RollingRows:
    """Return the rows of a filtered image."""

    def make(top: int, result: NDArray[Any]) -> None:
        fill_filtered(source, filtering, top, result)

    return RollingRows(width, dtype, make)
