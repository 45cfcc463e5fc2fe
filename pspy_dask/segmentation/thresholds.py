"""Global thresholds as lazy values, each the same whatever the chunks.

Integer images are counted grey level by grey level in one pass. Float images take a pass for
their range and one that counts pixels between NumPy's bin edges; means are exactly rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.images import has_frames
from pspy_dask.blocks.reduce import Reducer, reduce_windows
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.exact_sums import exact_sum, to_float
from pspy_dask.kernels.finite import finite_mask
from pspy_dask.kernels.float_histograms import (
    FloatBins,
    ValueRange,
    value_range,
)
from pspy_dask.kernels.global_thresholds import bins_for, global_threshold
from pspy_dask.kernels.histograms import Histogram, integer_histogram
from pspy_dask.segmentation.filters import Filters, eight_bit

_NO_VALUES: tuple[da.Array, ...] = ()


@dataclass(frozen=True)
class RangeReducer:
    """Lowest and highest finite filtered pixel; NaN where there is none."""

    filters: Filters

    def partial(self, pixels: NDArray[Any], window: Window) -> ValueRange:
        """Return the range of the chunk."""
        return value_range(counted_pixels(self.filters, pixels, window))

    def merge(self, a: ValueRange, b: ValueRange) -> ValueRange:
        """Return the range of both."""
        return a.merge(b)

    def finish(self, partial: ValueRange) -> NDArray[np.float64]:
        """Return (low, high)."""
        if partial.is_empty:
            return np.full(2, np.nan)
        return np.array([partial.low, partial.high], np.float64)


@dataclass(frozen=True)
class IntegerThreshold:
    """A threshold from the exact counts of grey levels, 0 to 255 where limits are given."""

    filters: Filters
    method: str

    def partial(
        self, pixels: NDArray[Any], window: Window, limits: NDArray[np.float64] | None = None
    ) -> Histogram:
        """Count the chunk."""
        values = counted_pixels(self.filters, pixels, window)
        return integer_histogram(values if limits is None else eight_bit(values, *limits))

    def merge(self, a: Histogram, b: Histogram) -> Histogram:
        """Add the counts."""
        return a.merge(b)

    def finish(self, partial: Histogram) -> NDArray[np.float64]:
        """Return the threshold."""
        level = global_threshold(self.method, partial.counts, partial.centers, integer=True)
        return np.array([level], np.float64)


@dataclass(frozen=True)
class FloatThreshold:
    """A threshold from the counts in equal bins over the range of the image."""

    filters: Filters
    method: str

    def partial(
        self, pixels: NDArray[Any], window: Window, limits: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Count the chunk; the second part is the range, for the bin centres at the end."""
        values = counted_pixels(self.filters, pixels, window)
        low, high = ends = limits.astype(values.dtype)
        counts = np.zeros(bins_for(self.method), np.int64)
        if values.size and low < high:
            counts = self._bins(low, high).count(values)
        return counts, ends

    def merge(self, a: Any, b: Any) -> Any:
        """Add the counts."""
        return a[0] + b[0], a[1]

    def finish(self, partial: Any) -> NDArray[np.float64]:
        """Return the threshold."""
        counts, (low, high) = partial
        if not low < high:  # one value everywhere, or none: NaN
            return np.array([low], np.float64)
        bins = self._bins(low, high)
        level = global_threshold(self.method, counts, bins.centers(), integer=False)
        return np.array([bins.offset + level])

    def _bins(self, low: np.floating[Any], high: np.floating[Any]) -> FloatBins:
        # scikit-image too takes the lowest pixel off before it looks for Li's threshold.
        return FloatBins.over(low, high, bins_for(self.method), relative=self.method == "li")


@dataclass(frozen=True)
class FloatMean:
    """The exactly rounded mean of float pixels."""

    filters: Filters

    def partial(self, pixels: NDArray[Any], window: Window) -> tuple[int, int]:
        """Return the exact sum and the number of pixels."""
        values = counted_pixels(self.filters, pixels, window)
        return exact_sum(values), values.size

    def merge(self, a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        """Add both."""
        return a[0] + b[0], a[1] + b[1]

    def finish(self, partial: tuple[int, int]) -> NDArray[np.float64]:
        """Return the mean."""
        total, count = partial
        return np.array([to_float(total, count) if count else np.nan])


def counted_pixels(filters: Filters, pixels: NDArray[Any], window: Window) -> NDArray[Any]:
    """Return the chunk's filtered pixels that count: those where the image itself is finite."""
    filtered = filters.apply(pixels)[window.crop]
    finite = finite_mask(pixels[window.crop])
    return filtered if finite is None else filtered[finite]


def lazy_range(image: xr.DataArray, filters: Filters, *, per_frame: bool) -> da.Array:
    """Return (low, high) of the filtered image or of each frame, lazily."""
    return _reduce(image, filters, RangeReducer(filters), 2, per_frame)


def lazy_threshold(
    image: xr.DataArray, filters: Filters, method: str, *, per_frame: bool
) -> da.Array:
    """Return the global threshold of the filtered image, or one for each frame.

    The shape is ``(1,)`` or ``(t, 1)``, the type float64; NaN where no pixel is finite.
    """
    if filters.dtype(image.dtype).kind != "f":
        return _reduce(image, filters, IntegerThreshold(filters, method), 1, per_frame)
    if method == "mean":
        return _reduce(image, filters, FloatMean(filters), 1, per_frame)
    limits = lazy_range(image, filters, per_frame=per_frame)
    return _reduce(image, filters, FloatThreshold(filters, method), 1, per_frame, (limits,))


def lazy_level(
    image: xr.DataArray, filters: Filters, limits: da.Array, *, per_frame: bool
) -> da.Array:
    """Return Otsu's threshold of the image in grey levels 0 to 255 between its limits."""
    return _reduce(image, filters, IntegerThreshold(filters, "otsu"), 1, per_frame, (limits,))


def _reduce(
    image: xr.DataArray,
    filters: Filters,
    reducer: Reducer,
    length: int,
    per_frame: bool,
    values: tuple[da.Array, ...] = _NO_VALUES,
) -> da.Array:
    frames = has_frames(image)
    return reduce_windows(
        image.data,
        reducer,
        halo=(filters.halo,) * (image.ndim - frames),
        length=length,
        dtype=np.float64,
        frames=frames,
        per_frame=per_frame,
        values=values,
    )
