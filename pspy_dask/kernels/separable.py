"""Separable filters, equal to SciPy's to the last bit.

Sums are taken in double precision in SciPy's order, the centre first and then pairs of pixels
from the outside in; between axes values are rounded to the type of the result. No sum is carried
from pixel to pixel, so a pixel does not depend on where its window starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.separable_lanes import filter_plane_by_lanes, lanes_take
from pspy_dask.kernels.separable_plain import filter_plane_by_loops
from pspy_dask.kernels.simd import lanes_pay
from pspy_dask.kernels.taps import OUTSIDE, Border, Taps, border_table, check_border

#: Dtypes that compiled code reads as they are; it turns each pixel into a double itself.
_DIRECT = {np.dtype(kind) for kind in ("u1", "u2", "f4", "f8")}

_UNCHANGED = Taps(np.ones(1))


@dataclass(frozen=True)
class PlaneFilter:
    """A filter of planes of one shape, which makes any band of rows of the result alone.

    Attributes
    ----------
    rows, columns
        Weights down the columns, across rows, and those along each row.
    row_table, column_table
        Which row (column) of the plane stands at each place, borders included.
    """

    rows: Taps
    columns: Taps
    row_table: NDArray[np.int64]
    column_table: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Taps, columns: Taps, shape: Sequence[int], mode: Border) -> PlaneFilter:
        """Return the filter of planes of a shape, with a border as SciPy calls it."""
        row_table = border_table(shape[0], rows.radius, mode)
        return cls(rows, columns, row_table, border_table(shape[1], columns.radius, mode))

    def sources(self, top: int, bottom: int) -> tuple[int, int]:
        """Return which rows of the plane a band of rows of the result is made from."""
        places = self.row_table[top : bottom + 2 * self.rows.radius]
        inside = places[places != OUTSIDE]
        return int(inside.min()), int(inside.max()) + 1

    def apply(self, plane: NDArray[Any], result: NDArray[Any]) -> None:
        """Filter a whole plane, which must not share memory with the result."""
        self.apply_to_band(plane, 0, 0, result)

    def apply_to_band(
        self, plane: NDArray[Any], first: int, top: int, result: NDArray[Any]
    ) -> None:
        """Fill `result` with the rows from `top` on; `plane` holds its rows from `first` on."""
        table = self.row_table[top : top + result.shape[0] + 2 * self.rows.radius]
        if first:
            table = np.where(table == OUTSIDE, OUTSIDE, table - first)
        if lanes_pay() and lanes_take(self.rows, self.columns, result.shape[1]):
            filter_plane_by_lanes(plane, self.rows, self.columns, table, self.column_table, result)
            return
        filter_plane_by_loops(
            plane,
            self.rows.half,
            self.rows.symmetric,
            self.columns.half,
            self.columns.symmetric,
            table,
            self.column_table,
            result,
        )


def separable_filter(
    image: NDArray[Any], taps: Sequence[Taps], mode: Border, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Filter each axis with its own weights, as `scipy.ndimage.correlate1d` does one by one.

    Parameters
    ----------
    image
        Two or three axes, any real dtype; it is read as `dtype`.
    taps
        Weights for each axis.
    mode
        What lies outside the image, in SciPy's words; "constant" is zero.
    dtype
        float32 or float64, of the result and between axes.

    Raises
    ------
    ValueError
        If the image has not two or three axes, or `mode` or `dtype` is another.

    Examples
    --------
    >>> import numpy as np
    >>> slope, blur = Taps(np.array([-0.5, 0.0]), symmetric=False), Taps(np.ones(2))
    >>> ramp = np.arange(12.0).reshape(3, 4)
    >>> separable_filter(ramp, (slope, blur), "nearest", np.dtype("f8"))
    array([[ 6.,  6.,  6.,  6.],
           [12., 12., 12., 12.],
           [ 6.,  6.,  6.,  6.]])
    """
    if image.ndim not in (2, 3):
        raise ValueError(f"image must have 2 or 3 axes, not {image.ndim}.")
    check_border(mode)
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"dtype must be float32 or float64, not {dtype}.")
    pixels = image if _readable(image.dtype, dtype) else image.astype(dtype)
    result = np.empty(image.shape, dtype)
    if image.size == 0:
        return result
    if image.ndim == 2:
        PlaneFilter.of(taps[0], taps[1], image.shape, mode).apply(pixels, result)
        return result
    flat = result.reshape(image.shape[0], -1)
    down = PlaneFilter.of(taps[0], _UNCHANGED, flat.shape, mode)
    down.apply(pixels.reshape(flat.shape), flat)
    across = PlaneFilter.of(taps[1], taps[2], image.shape[1:], mode)
    source = np.empty(image.shape[1:], dtype)
    for plane in result:
        source[...] = plane
        across.apply(source, plane)
    return result


def _readable(source: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
    """Say whether compiled code that reads pixels as they are finds what a cast would give."""
    return source in _DIRECT and np.can_cast(source, dtype)


def symmetric_filter(
    image: NDArray[Any], weights: NDArray[np.float64], mode: Border, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Filter each axis with the same symmetric weights, as `scipy.ndimage.correlate1d` does.

    Parameters
    ----------
    image, mode, dtype
        As `separable_filter` takes them.
    weights
        From the farthest pixel to the centre: one half of the kernel and its middle.

    Raises
    ------
    ValueError
        As `separable_filter` does.

    Examples
    --------
    >>> import numpy as np
    >>> symmetric_filter(np.eye(3), np.ones(2), "nearest", np.dtype("f8"))
    array([[5., 3., 1.],
           [3., 3., 3.],
           [1., 3., 5.]])
    """
    return separable_filter(image, (Taps(weights),) * image.ndim, mode, dtype)
