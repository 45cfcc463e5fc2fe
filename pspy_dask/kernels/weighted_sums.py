"""Exact sums of floats times powers of coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.exact_sums import add_at, as_floats, split, used_exponents
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.limbs import DIGIT, RADIX_BITS, Limbs, limbs_to_ints
from pspy_dask.kernels.moments import Powers, check_sides

_NOT_FINITE = 2047
_MASK = np.uint64(DIGIT)
_HALF = np.uint64(32)
_PRODUCT_BITS = 53 + 45 + 62  # of a mantissa, a power of x, a power of y times one of z


def measure_float_moments(
    index: NDArray[np.int32],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    powers: Powers,
    pixels: NDArray[Any],
) -> list[tuple[int, ...]]:
    """Return the moments of the regions of a block, each pixel weighing its finite value.

    Parameters are those of :func:`pspy_dask.kernels.moments.measure_moments`; the moments count
    units of 2**-1074. Integers of 64 bits count as the nearest floats.

    Examples
    --------
    >>> box = np.array([[0, 0, 0]]), np.array([[1, 1, 2]])
    >>> index, pixels = np.ones((1, 1, 2), np.int32), np.array([[[0.5, 0.25]]])
    >>> sums = measure_float_moments(index, *box, ((0, 0, 0), (0, 0, 1)), pixels)
    >>> [total / 2**1074 for total in sums[0]]
    [0.75, 0.25]
    """
    check_sides(high - low, powers)
    values = np.ascontiguousarray(as_floats(_nearest_floats(pixels)))
    least, most = used_exponents(index.reshape(-1), values.reshape(-1))
    if least > most:
        return [(0,) * len(powers)] * len(low)
    lowest = least // RADIX_BITS
    # Room for the product, for carries of 2**31 pixels, and for a shift within a digit.
    width = (most + _PRODUCT_BITS) // RADIX_BITS - lowest + 5
    digits = np.zeros((len(low), len(powers), width), np.int64)
    _add_regions(index, values, low, np.array(powers, np.int64), lowest, digits)
    moments = (limbs_to_ints(Limbs(digits[:, k], lowest).carried()) for k in range(len(powers)))
    return list(zip(*moments, strict=True))


def _nearest_floats(pixels: NDArray[Any]) -> NDArray[Any]:
    wide = pixels.dtype.kind in "iu" and pixels.dtype.itemsize > 4
    return pixels.astype(np.float64) if wide else pixels


@compiled
def _add_regions(index: Any, values: Any, low: Any, powers: Any, lowest: int, digits: Any) -> None:
    """Sum values times powers of x along each line of a region, then those times the others."""
    planes, height, width = index.shape
    most = 0
    for k in range(len(powers)):
        most = max(most, powers[k, 2])
    line = np.zeros((most + 1, digits.shape[2]), np.int64)
    signs = np.ones(most + 1, np.int64)
    for k in range(planes):
        for j in range(height):
            start = 0
            while start < width:
                r = index[k, j, start] - 1
                stop = start + 1
                while stop < width and index[k, j, stop] - 1 == r:
                    stop += 1
                if r >= 0:
                    x = np.int64(start - low[r, 2])
                    _add_line(values[k, j, start:stop], x, lowest, line)
                    _carry(line, signs)
                    _add_powers(line, signs, k - low[r, 0], j - low[r, 1], powers, digits[r])
                    line[:] = 0
                start = stop


@compiled
def _add_line(values: Any, x: Any, lowest: int, line: Any) -> None:
    for i in range(values.size):
        mantissa, field = split(values[i])
        if mantissa == 0 or field == _NOT_FINITE:
            continue
        shift = max(field - 1, 0)
        sign = -1 if values[i] < 0 else 1
        place, offset = (shift >> 5) - lowest, shift & 31
        m0, m1 = np.uint64(mantissa) & _MASK, np.uint64(mantissa) >> _HALF
        factor = np.uint64(1)
        for p in range(len(line)):
            b0, b1 = factor & _MASK, factor >> _HALF
            add_at(line[p], place, m0 * b0, offset, sign)
            add_at(line[p], place + 1, m1 * b0 + m0 * b1, offset, sign)
            if b1:
                add_at(line[p], place + 2, m1 * b1, offset, sign)
            factor *= np.uint64(x + i)


@compiled
def _carry(line: Any, signs: Any) -> None:
    """Turn sums into signs and magnitudes, whose digits are in [0, 2**32)."""
    for p in range(len(line)):
        signs[p] = 1
        _carry_digits(line[p])
        if line[p, -1] < 0:
            signs[p] = -1
            for place in range(line.shape[1]):
                line[p, place] = -line[p, place]
            _carry_digits(line[p])


@compiled
def _carry_digits(digits: Any) -> None:
    for place in range(digits.size - 1):
        digits[place + 1] += digits[place] >> RADIX_BITS
        digits[place] &= DIGIT


@compiled
def _add_powers(line: Any, signs: Any, z: Any, y: Any, powers: Any, digits: Any) -> None:
    for k in range(len(powers)):
        outer = np.uint64(1)
        for _ in range(powers[k, 0]):
            outer *= np.uint64(z)
        for _ in range(powers[k, 1]):
            outer *= np.uint64(y)
        c0, c1 = outer & _MASK, outer >> _HALF
        if outer == 0:
            continue
        inner, sign = line[powers[k, 2]], signs[powers[k, 2]]
        for place in range(inner.size - 3):  # the room above is empty
            number = np.uint64(inner[place])
            if number:
                add_at(digits[k], place, number * c0, 0, sign)
                if c1:
                    add_at(digits[k], place + 1, number * c1, 0, sign)
