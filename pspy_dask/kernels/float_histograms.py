"""Mergeable statistics of float images: the range of values, then counts in equal bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.selection import Mask, native, selected


@dataclass(frozen=True)
class ValueRange:
    """Smallest and largest finite value, as scalars of the image's dtype; `low` > `high` if none.

    NumPy chooses the precision of its bins by the dtype of these scalars, so it is kept.
    """

    low: np.floating[Any]
    high: np.floating[Any]

    @classmethod
    def empty(cls, dtype: np.dtype[Any] | type[Any]) -> ValueRange:
        """Return the range of no values."""
        kind = np.dtype(dtype).type
        return cls(kind(np.inf), kind(-np.inf))

    @property
    def is_empty(self) -> bool:
        """Whether there is no finite value."""
        return bool(self.low > self.high)

    def merge(self, other: ValueRange) -> ValueRange:
        """Return the range of both sets of values, whatever the order of merging.

        Examples
        --------
        >>> one = value_range(np.array([1.0, 2.0], np.float32))
        >>> one.merge(value_range(np.array([np.nan, -3.0], np.float32)))
        ValueRange(low=np.float32(-3.0), high=np.float32(2.0))
        """
        return ValueRange(min(self.low, other.low), max(self.high, other.high))


def value_range(values: NDArray[np.floating[Any]], mask: Mask = None) -> ValueRange:
    """Return the smallest and the largest finite value.

    Parameters
    ----------
    values
        Any shape, float32 or float64. Pixels that are not finite do not count.
    mask
        Which pixels count; all, where it is None.

    Examples
    --------
    >>> value_range(np.array([0.5, np.inf, np.nan]))
    ValueRange(low=np.float64(0.5), high=np.float64(0.5))
    """
    pixels = selected(values, mask)
    if pixels.size == 0:
        return ValueRange.empty(values.dtype)
    low, high = pixels.min(), pixels.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        return (
            value_range(pixels, np.isfinite(pixels))
            if np.isfinite(pixels).any()
            else (ValueRange.empty(values.dtype))
        )
    # Adding zero makes -0 and 0 one value, so that the order of merging leaves no trace.
    kind = values.dtype.type
    return ValueRange(kind(low + kind(0)), kind(high + kind(0)))


def float_edges(
    dtype: np.dtype[Any], low: float | np.floating[Any], high: float | np.floating[Any], bins: int
) -> NDArray[np.floating[Any]]:
    """Return the edges that `numpy.histogram` takes for an image of that dtype and this range.

    Raises
    ------
    ValueError
        If the range is too narrow for so many bins.

    Examples
    --------
    >>> float_edges(np.dtype("f4"), 0.0, 1.0, 2)
    array([0. , 0.5, 1. ], dtype=float32)
    """
    try:
        edges: NDArray[np.floating[Any]] = np.histogram_bin_edges(
            np.empty(0, dtype),
            bins,
            range=(low, high),  # type: ignore[arg-type]
        )
    except ValueError as error:
        raise ValueError(
            f"the range from {low} to {high} cannot be cut into {bins} bins: "
            "subtract an offset from the image first."
        ) from error
    return edges


def float_centers(
    dtype: np.dtype[Any], low: float | np.floating[Any], high: float | np.floating[Any], bins: int
) -> NDArray[np.floating[Any]]:
    """Return the middles of the bins, rounded as `skimage.exposure.histogram` rounds them.

    Examples
    --------
    >>> float_centers(np.dtype("f8"), 0.0, 1.0, 2)
    array([0.25, 0.75])
    """
    edges = float_edges(dtype, low, high, bins)
    return (edges[:-1] + edges[1:]) / 2.0


def float_histogram(
    values: NDArray[np.floating[Any]],
    low: float | np.floating[Any],
    high: float | np.floating[Any],
    bins: int,
    mask: Mask = None,
) -> NDArray[np.int64]:
    """Count values in equal bins, bit for bit as ``np.histogram(values, bins, (low, high))[0]``.

    Also where NumPy's result depends on whether `low` and `high` are Python floats or scalars of
    the image's dtype. Values outside the range and nan do not count.

    Parameters
    ----------
    values
        Any shape, float32 or float64.
    low, high
        Range; the last bin includes `high`. If they are equal, half a unit is added each side.
    bins
        Number of bins.
    mask
        Which pixels count; all, where it is None.

    Raises
    ------
    ValueError
        If the range is not finite, not increasing, or too narrow for so many bins.

    Examples
    --------
    >>> float_histogram(np.array([0.0, 0.4, 0.5, 1.0, np.nan]), 0.0, 1.0, 2)
    array([2, 2])
    """
    pixels = native(selected(values, mask))
    edges = float_edges(pixels.dtype, low, high, bins)
    counts = np.zeros(bins, np.int64)
    if low == high:
        low, high = low - 0.5, high + 0.5
    # A Python float takes the dtype of the array that it meets, a NumPy scalar keeps its own.
    seen = [end if isinstance(end, np.generic) else pixels.dtype.type(end) for end in (low, high)]
    step = np.result_type(edges[:1], low)
    span = np.subtract(high, low, dtype=np.result_type(high, low))
    ratio = np.result_type(np.empty(0, step), span)
    # In bins: how far rounding may move an edge, or the place of a value between two.
    coarsest = max(np.finfo(d).eps for d in (pixels.dtype, edges.dtype, ratio))
    doubt = 16 * coarsest * bins * (1 + max(abs(float(low)), abs(float(high))) / float(span))
    ends = seen[0], seen[1], step.type(low), span, ratio.type(bins)
    _count_bins(pixels, *ends, edges, ratio.type(min(doubt, 1.0)), counts)
    return counts


@dataclass(frozen=True)
class FloatBins:
    """Equal bins over the range of a float image.

    Attributes
    ----------
    offset
        What is taken off every pixel first.
    low, high
        Ends of the range that is left, scalars of the type in which bins are reckoned.
    number
        How many bins there are.
    """

    offset: np.float64
    low: np.floating[Any]
    high: np.floating[Any]
    number: int

    @classmethod
    def over(
        cls, low: np.floating[Any], high: np.floating[Any], number: int, *, relative: bool = False
    ) -> FloatBins:
        """Return NumPy's bins for this range, or bins for the heights of pixels above its low end.

        NumPy refuses a range that holds fewer numbers than bins, which float32 soon does far from
        zero. Its bins are then those of the image in float64; ``relative`` ones are always.

        Examples
        --------
        >>> FloatBins.over(np.float32(65000), np.float32(65000.5), 256).low
        np.float64(65000.0)
        """
        zero, wide_low, wide_high = np.float64(0), np.float64(low), np.float64(high)
        if relative:
            return cls(wide_low, zero, wide_high - wide_low, number)
        try:
            float_edges(low.dtype, low, high, number)
        except ValueError:
            return cls(zero, wide_low, wide_high, number)
        return cls(zero, low, high, number)

    def count(self, values: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Return how many values fall into each bin."""
        if self.low.dtype != values.dtype or self.offset:
            values = values.astype(self.low.dtype) - self.offset
        return float_histogram(values, self.low, self.high, self.number)

    def centers(self) -> NDArray[np.floating[Any]]:
        """Return the middles of the bins, the offset taken off."""
        return float_centers(self.low.dtype, self.low, self.high, self.number)


@compiled
def _count_bins(
    values: NDArray[Any],
    low: Any,
    high: Any,
    first: Any,
    span: Any,
    bins: Any,
    edges: NDArray[Any],
    doubt: Any,
    counts: NDArray[np.int64],
) -> None:
    """Take each value's bin from its place in the range, and ask the edges where that is close.

    The place is rounded as NumPy rounds it: the dtypes of `first`, `span` and `bins` say how. A
    division, a comparison and an integer to a value, and no look at the edges but for the few
    values near one: 4 times as fast as NumPy's rule for every value.
    """
    outside, close, skipped = 0, 1, 2
    size = 1024
    slots = np.empty(size, np.int32)
    tables = np.zeros((2, counts.size + skipped + 1), np.int64)  # neighbours are often equal
    most = 1 - doubt
    for start in range(0, values.size, size):
        length = min(size, values.size - start)
        doubtful = 0
        for at in range(length):
            value = values[start + at]
            inside = low <= value <= high
            place = (value - first) / span * bins if inside else bins * 0
            guess = np.int32(place)
            near = not doubt < place - guess < most
            slots[at] = (close if near else guess + skipped) if inside else outside
            doubtful += near
        for at in range(0, length - 1, 2):
            tables[0, slots[at]] += 1
            tables[1, slots[at + 1]] += 1
        if length % 2:
            tables[0, slots[length - 1]] += 1
        if doubtful:
            for at in range(length):
                if slots[at] == close:
                    counts[_bin_of(values[start + at], first, span, bins, edges)] += 1
    counts += tables[0, skipped:-1] + tables[1, skipped:-1]


@compiled
def _bin_of(value: Any, first: Any, span: Any, bins: Any, edges: NDArray[Any]) -> Any:
    """Return the bin of a value in the range: guessed, then set right by the edges."""
    last = edges.size - 2
    guess: Any = min(np.int64((value - first) / span * bins), last)
    guess -= value < edges[guess]
    guess += guess != last and value >= edges[guess + 1]
    return guess
