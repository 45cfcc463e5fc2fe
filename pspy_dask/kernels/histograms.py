"""Mergeable histograms of integer images: one of each chunk, then their sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.float_histograms import (
    ValueRange,
    float_centers,
    float_edges,
    float_histogram,
    value_range,
)
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.selection import Mask, native, selected

__all__ = [
    "MOST_LEVELS",
    "Histogram",
    "ValueRange",
    "float_centers",
    "float_edges",
    "float_histogram",
    "integer_histogram",
    "value_range",
]

#: More grey levels than this are not counted one by one.
MOST_LEVELS = 2**24


@dataclass(frozen=True, eq=False)
class Histogram:
    """Exact counts of grey levels: `counts[i]` pixels have the value `start` + i.

    Both end bins are occupied; the histogram of no pixels has no bins.
    """

    start: int
    counts: NDArray[np.int64]

    @classmethod
    def empty(cls) -> Histogram:
        """Return the histogram of no pixels, which changes nothing when merged."""
        return cls(0, np.zeros(0, np.int64))

    @property
    def total(self) -> int:
        """Number of pixels."""
        return int(self.counts.sum())

    @property
    def centers(self) -> NDArray[np.int64]:
        """Grey level of each bin."""
        return np.arange(self.start, self.start + self.counts.size, dtype=np.int64)

    def merge(self, other: Histogram) -> Histogram:
        """Return the histogram of both sets of pixels, whatever the order of merging.

        Raises
        ------
        ValueError
            If they span more than 2**24 grey levels together.

        Examples
        --------
        >>> merged = Histogram(3, np.array([1])).merge(Histogram(5, np.array([2])))
        >>> merged.start, merged.counts
        (3, array([1, 0, 2]))
        """
        if not self.counts.size or not other.counts.size:
            return other if not self.counts.size else self
        start = min(self.start, other.start)
        end = max(self.start + self.counts.size, other.start + other.counts.size)
        counts = np.zeros(_levels(start, end - 1), np.int64)
        for part in (self, other):
            counts[part.start - start : part.start - start + part.counts.size] += part.counts
        return Histogram(start, counts)


def integer_histogram(values: NDArray[Any], mask: Mask = None) -> Histogram:
    """Count each grey level of an integer image, exactly.

    Parameters
    ----------
    values
        Any shape, any integer dtype; bool is read as uint8.
    mask
        Which pixels count; all, where it is None.

    Raises
    ------
    ValueError
        If the image spans more than 2**24 grey levels.
    TypeError
        If the values are not integers.

    Examples
    --------
    >>> histogram = integer_histogram(np.array([-1, 2, 2], np.int8))
    >>> histogram.start, histogram.counts
    (-1, array([1, 0, 0, 2]))
    """
    pixels = selected(values, mask)
    if pixels.dtype == np.bool_:
        pixels = pixels.view(np.uint8)
    if pixels.dtype.kind not in "iu":
        raise TypeError(f"grey levels are counted on integers, not on {pixels.dtype}.")
    if pixels.size == 0:
        return Histogram.empty()
    low = pixels.min()
    counts = np.zeros(_levels(int(low), int(pixels.max())), np.int64)
    _count_levels(native(pixels), native(pixels).dtype.type(low), counts)
    return Histogram(int(low), counts)


def _levels(low: int, high: int) -> int:
    levels = high - low + 1
    if levels > MOST_LEVELS:
        raise ValueError(
            f"the image spans {levels} grey levels, more than 2**24: convert it to float32 first."
        )
    return levels


@compiled
def _count_levels(values: NDArray[Any], low: Any, counts: NDArray[np.int64]) -> None:
    for value in values:
        counts[value - low] += 1
