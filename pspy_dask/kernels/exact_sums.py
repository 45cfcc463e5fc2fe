"""Exact sums of floats: integers, so that they merge by `+` and no order leaves a trace.

A finite double is an integer of 53 bits times a power of two, at least 2**-1074. Sums are kept in
that unit, squares in its square. Per group of pixels the sum is held in limbs, the digits of base
2**32 of that integer, of which only those in use are stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.limbs import DIGIT, RADIX_BITS, Limbs, limbs_to_ints

#: Sums count units of 2**-SUM_UNIT, sums of squares units of 2**-SQUARE_UNIT.
SUM_UNIT = 1074
SQUARE_UNIT = 2148

_FRACTION = (1 << 52) - 1
_NOT_FINITE = 2047


def exact_sum(values: NDArray[Any]) -> int:
    """Return the exact sum of the finite values, in units of 2**-1074.

    Parameters
    ----------
    values
        Any shape; float32, float64, or integers of at most 32 bits, fewer than 2**31. Values
        that are not finite do not count.

    Examples
    --------
    >>> to_float(exact_sum(np.array([1e16, 1.0, -1e16])), 1)
    1.0
    """
    high, low = _sum_by_exponent(as_floats(values).reshape(-1))
    total = 0
    for exponent in np.flatnonzero(high | low):
        mantissas = (int(high[exponent]) << RADIX_BITS) + int(low[exponent])
        total += mantissas << max(int(exponent) - 1, 0)
    return total


def to_float(total: int, count: int, unit: int = SUM_UNIT) -> float:
    """Return `total` / `count` in units of 2**-unit, correctly rounded; nan if there are none.

    Examples
    --------
    >>> to_float(exact_sum(np.array([0.1, 0.2, 0.3])), 3)
    0.2
    """
    # The quotient of two Python integers is rounded once, however long they are.
    return total / (count << unit) if count else float("nan")


def grouped_limbs(
    index: NDArray[np.integer[Any]], values: NDArray[Any], n: int, *, squares: bool = False
) -> Limbs:
    """Sum the finite values of each group exactly, or their squares.

    Parameters
    ----------
    index
        Group of each value, 1 to n; 0 for none.
    values
        As `exact_sum` takes them, of the shape of `index`; fewer than 2**28 of them.
    n
        Number of groups.
    squares
        Sum squares, in units of 2**-2148, instead of values, in units of 2**-1074.

    Returns
    -------
    Limbs
        Row g - 1 holds group g.

    Examples
    --------
    >>> limbs = grouped_limbs(np.array([1, 2, 1]), np.array([0.5, 3.0, 0.25]), 2)
    >>> [to_float(total, 1) for total in limbs_to_ints(limbs)]
    [0.75, 3.0]
    """
    groups, numbers = index.reshape(-1), as_floats(values).reshape(-1)
    least, most = used_exponents(groups, numbers)
    if least > most:
        return Limbs(np.zeros((n, 1), np.int64), 0)
    factor = 2 if squares else 1
    lowest = factor * least // RADIX_BITS
    highest = factor * (most + 53) // RADIX_BITS
    digits = np.zeros((n, highest - lowest + 5), np.int64)
    kernel = _add_squares if squares else _add_values
    kernel(groups, numbers, lowest, digits)
    return Limbs(digits, lowest).carried()


def grouped_sums(
    index: NDArray[np.integer[Any]], values: NDArray[Any], n: int
) -> tuple[list[int], list[int]]:
    """Return each group's exact sum (units of 2**-1074) and sum of squares (of 2**-2148).

    Parameters are those of `grouped_limbs`.

    Examples
    --------
    >>> sums, squares = grouped_sums(np.array([1, 1]), np.array([1.5, 2.0]), 1)
    >>> to_float(sums[0], 1), to_float(squares[0], 1, SQUARE_UNIT)
    (3.5, 6.25)
    """
    return (
        limbs_to_ints(grouped_limbs(index, values, n)),
        limbs_to_ints(grouped_limbs(index, values, n, squares=True)),
    )


def as_floats(values: NDArray[Any]) -> NDArray[Any]:
    """Return float32 or float64 values in native order; narrow integers fit a double exactly."""
    if values.dtype in (np.float32, np.float64) and values.dtype.isnative:
        return values
    if values.dtype.kind in "biuf" and (values.dtype.kind == "f" or values.dtype.itemsize <= 4):
        return values.astype(np.float32 if values.dtype.itemsize == 2 else np.float64)
    raise TypeError(f"exact sums take floats or integers of at most 32 bits, not {values.dtype}.")


@compiled
def split(value: float) -> tuple[Any, Any]:
    """Return a double's mantissa without sign, and its exponent's field."""
    bits = np.float64(value).view(np.int64)
    field = (bits >> 52) & 2047
    fraction = bits & _FRACTION
    return (fraction | (1 << 52) if field else fraction), field


@compiled
def _sum_by_exponent(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum the mantissas of each exponent, in halves that 2**31 values cannot overflow."""
    high, low = np.zeros(2048, np.int64), np.zeros(2048, np.int64)
    for value in values:
        mantissa, field = split(value)
        if value < 0:
            mantissa = -mantissa
        high[field] += mantissa >> 32
        low[field] += mantissa & 0xFFFFFFFF
    high[_NOT_FINITE] = 0
    low[_NOT_FINITE] = 0
    return high, low


@compiled
def used_exponents(groups: NDArray[Any], values: NDArray[Any]) -> tuple[int, int]:
    """Return the least and the largest shift of the finite, non-zero values of all groups."""
    least, most = 4096, -1
    for place in range(groups.size):
        mantissa, field = split(values[place])
        if groups[place] > 0 and mantissa != 0 and field != _NOT_FINITE:
            least = min(least, max(field - 1, 0))
            most = max(most, field - 1, 0)
    return least, most


@compiled
def add_at(
    digits: NDArray[np.int64], place: int, number: np.uint64, offset: int, sign: int
) -> None:
    """Add a number of at most 64 bits, shifted left by 0 to 31, to the digits from a place on."""
    low = (number & np.uint64(DIGIT)) << np.uint64(offset)
    high = (number >> np.uint64(32)) << np.uint64(offset)
    digits[place] += sign * np.int64(low & np.uint64(DIGIT))
    digits[place + 1] += sign * np.int64((low >> np.uint64(32)) + (high & np.uint64(DIGIT)))
    digits[place + 2] += sign * np.int64(high >> np.uint64(32))


@compiled
def _add_values(
    groups: NDArray[Any], values: NDArray[Any], lowest: int, digits: NDArray[np.int64]
) -> None:
    for place in range(groups.size):
        group = groups[place]
        mantissa, field = split(values[place])
        if group <= 0 or mantissa == 0 or field == _NOT_FINITE:
            continue
        shift = max(field - 1, 0)
        sign = -1 if values[place] < 0 else 1
        add_at(digits[group - 1], (shift >> 5) - lowest, np.uint64(mantissa), shift & 31, sign)


@compiled
def _add_squares(
    groups: NDArray[Any], values: NDArray[Any], lowest: int, digits: NDArray[np.int64]
) -> None:
    """Square mantissas as integers, so that nothing is rounded and nothing underflows."""
    for place in range(groups.size):
        group = groups[place]
        mantissa, field = split(values[place])
        if group <= 0 or mantissa == 0 or field == _NOT_FINITE:
            continue
        shift = 2 * max(field - 1, 0)
        high, low = np.uint64(mantissa >> 32), np.uint64(mantissa & 0xFFFFFFFF)
        row, start, offset = digits[group - 1], (shift >> 5) - lowest, shift & 31
        add_at(row, start, low * low, offset, 1)
        add_at(row, start + 1, np.uint64(2) * high * low, offset, 1)
        add_at(row, start + 2, high * high, offset, 1)
