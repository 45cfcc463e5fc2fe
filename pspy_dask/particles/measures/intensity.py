"""Intensities of objects: exact sums of their finite pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.exact_sums import SUM_UNIT, grouped_sums
from pspy_dask.kernels.regions import measure_extrema, measure_small_integers
from pspy_dask.particles.form import Column, TableForm
from pspy_dask.particles.measures.family import Property, View
from pspy_dask.particles.rows import Columns, Groups, Rows

_EXACT = 2**53  # integers up to here are floats


def is_small(dtype: np.dtype[Any]) -> bool:
    """Whether pixels of this type add up in int64; those of other types count as float64."""
    return dtype.kind in "biu" and dtype.itemsize <= 2


def unit_of(dtype: np.dtype[Any]) -> int:
    """Return n where sums of pixels of this type count units of 2**-n."""
    return 0 if is_small(dtype) else SUM_UNIT


@dataclass(frozen=True)
class Intensity:
    """Number, exact sum, exact sum of squares and extremes of the finite pixels."""

    halo: int = 0

    def measure(self, view: View) -> Columns:
        """Return the sums of the chunk's pixels."""
        return measure_intensities(view.numbers, view.shapes["area"], view.pixels)

    def merge(self, groups: Groups) -> Columns:
        """Return merged sums."""
        return groups.fold(
            {
                "finite": np.add,
                "total": np.add,
                "squares": np.add,
                "least": np.minimum,
                "most": np.maximum,
            }
        )

    def settle(self, rows: Rows) -> Rows:
        """Return the rows as they are."""
        return rows

    def nothing(self) -> Columns:
        """Return the columns of no objects, settled."""
        names = ("finite", "total", "squares", "least", "most")
        return dict.fromkeys(names, np.zeros(0, np.int64))


def measure_intensities(
    index: NDArray[np.int32], area: NDArray[np.int64], pixels: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """Return the exact sums of the finite pixels of each region.

    Integers of at most 16 bits add in int64. All others count as float64, whose sums are kept as
    Python integers in units of 2**-1074, their squares in units of 2**-2148.
    """
    if is_small(pixels.dtype):
        return {"finite": area, **measure_small_integers(index, area.size, pixels)}
    wide = pixels.astype(np.float64, copy=False)
    finite, least, most = measure_extrema(index, area.size, wide)
    total, squares = grouped_sums(index, wide, area.size)
    return {
        "finite": finite,
        "total": python_objects(total),
        "squares": python_objects(squares),
        "least": least,
        "most": most,
    }


def python_objects(values: Sequence[Any]) -> NDArray[Any]:
    """Return a column of Python objects."""
    column = np.empty(len(values), object)
    column[:] = values
    return column


def mean(total: NDArray[Any], count: NDArray[np.int64], unit: int) -> NDArray[np.float64]:
    """Return correctly rounded means of exact sums; nan where there is nothing to average."""
    if total.dtype != object and np.all(np.abs(total) < _EXACT):
        return np.asarray(np.where(count == 0, np.nan, total / count))
    pairs = zip(total.tolist(), count.tolist(), strict=True)
    # The quotient of two Python integers is rounded once, however long they are.
    return np.array([t / (n << unit) if n else np.nan for t, n in pairs], np.float64)


def deviation(rows: Rows, unit: int) -> NDArray[np.float64]:
    """Return standard deviations of exact sums; the difference cancels without loss."""
    count, total, squares = rows["finite"], rows["total"], rows["squares"]
    result = np.full(len(rows), np.nan)
    slow = count > 0
    if total.dtype != object:
        # Up to 2**21 pixels of 16 bits the products fit; small ones are floats as they are.
        quick = (count > 0) & (count < 2**15)
        spread = np.where(quick, count * squares - total * total, _EXACT)
        quick &= spread < _EXACT
        result[quick] = np.sqrt(spread[quick] / (count[quick] * count[quick]))
        slow &= ~quick
    for k in np.flatnonzero(slow):
        n, t, s = int(count[k]), int(total[k]), int(squares[k])
        result[k] = sqrt(quotient(n * s - t * t, (n * n) << (2 * unit)))
    return result


def _unit(form: TableForm) -> int:
    assert form.intensity is not None
    return unit_of(form.intensity)


def _sum(rows: Rows, form: TableForm) -> list[Column]:
    return [Column("intensity_sum", "", sums(rows["total"], _unit(form)))]


def sums(total: NDArray[Any], unit: int) -> NDArray[np.float64]:
    """Return exact sums, correctly rounded."""
    if total.dtype != object:
        return total.astype(np.float64)
    return np.array([quotient(t, 1 << unit) for t in total.tolist()], np.float64)


def quotient(dividend: int, divisor: int) -> float:
    """Return the quotient of integers, correctly rounded; infinite beyond the floats."""
    try:
        return dividend / divisor
    except OverflowError:
        return np.inf if (dividend < 0) == (divisor < 0) else -np.inf


def _mean(rows: Rows, form: TableForm) -> list[Column]:
    return [Column("intensity_mean", "", mean(rows["total"], rows["finite"], _unit(form)))]


def _least(rows: Rows, _form: TableForm) -> list[Column]:
    return [Column("intensity_min", "", _or_nan(rows, "least"))]


def _most(rows: Rows, _form: TableForm) -> list[Column]:
    return [Column("intensity_max", "", _or_nan(rows, "most"))]


def _or_nan(rows: Rows, name: str) -> NDArray[np.float64]:
    return np.where(rows["finite"] == 0, np.nan, rows[name].astype(np.float64))


def _deviation(rows: Rows, form: TableForm) -> list[Column]:
    return [Column("intensity_std", "", deviation(rows, _unit(form)))]


PROPERTIES: tuple[Property, ...] = (
    Property("intensity_sum", ("intensity",), _sum, image=True),
    Property("intensity_mean", ("intensity",), _mean, image=True),
    Property("intensity_min", ("intensity",), _least, image=True),
    Property("intensity_max", ("intensity",), _most, image=True),
    Property("intensity_std", ("intensity",), _deviation, image=True),
)
