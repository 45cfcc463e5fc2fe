"""Long integers in limbs to doubles, correctly rounded as Python's own division is."""

from __future__ import annotations

from math import ldexp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.exact_sums import SUM_UNIT
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.limbs import DIGIT, RADIX_BITS, Limbs


def limbs_to_floats(limbs: Limbs) -> NDArray[np.float64]:
    """Return each row's integer times 2**-1074 as the nearest double, of two the even one.

    Beyond the largest double it is infinite.

    Examples
    --------
    >>> from pspy_dask.kernels.exact_sums import grouped_limbs
    >>> limbs_to_floats(grouped_limbs(np.array([1, 2, 1]), np.array([0.5, -3.0, 0.25]), 2)).tolist()
    [0.75, -3.0]
    """
    carried = limbs.carried()
    result = np.empty(len(limbs), np.float64)
    _round_rows(carried.digits, RADIX_BITS * carried.lowest - SUM_UNIT, result)
    return result


@compiled
def _round_rows(digits: Any, shift: int, result: Any) -> None:
    rows, width = digits.shape
    magnitude = np.zeros(width + 2, np.int64)  # two zeros below the lowest digit
    for row in range(rows):
        negative = digits[row, width - 1] < 0
        carry = 0
        top = -1
        for k in range(width):
            digit = (-digits[row, k] if negative else digits[row, k]) + carry
            carry = digit >> 32
            magnitude[k + 2] = digit & DIGIT
            if magnitude[k + 2] != 0:
                top = k
        value = _nearest(magnitude, top + 2, shift) if top >= 0 else 0.0
        result[row] = -value if negative else value


@compiled
def _nearest(magnitude: Any, top: int, shift: int) -> float:
    """Return the double nearest to the digits from the third to the top one."""
    first, third = magnitude[top], magnitude[top - 2]
    spare = 0
    while (first << spare) < (1 << 31):
        spare += 1
    head = (np.uint64(first) << np.uint64(32)) | np.uint64(magnitude[top - 1])
    head = (head << np.uint64(spare)) | np.uint64(third >> (32 - spare))
    rest = third & ((1 << (32 - spare)) - 1)
    for k in range(top - 2):
        rest |= magnitude[k]
    kept, cut = np.int64(head >> np.uint64(11)), np.int64(head & np.uint64(2047))
    if cut > 1024 or (cut == 1024 and (rest != 0 or kept & 1)):
        kept += 1
    # A number too small for 53 bits is a whole number of units and is not rounded again.
    return ldexp(np.float64(kept), 32 * (top - 3) - spare + 11 + shift)
