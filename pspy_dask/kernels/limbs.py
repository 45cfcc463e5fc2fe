"""Long integers in arrays: one integer a row, in the used of its digits of base 2**32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RADIX_BITS = 32
DIGIT = 0xFFFFFFFF


@dataclass(frozen=True, eq=False)
class Limbs:
    """One integer a row: the sum over k of ``digits[row, k] * 2**(32 * (lowest + k))``.

    Attributes
    ----------
    digits
        Of int64, (rows, digits). After `carried` all but the last are in [0, 2**32).
    lowest
        Place of the first digit.
    """

    digits: NDArray[np.int64]
    lowest: int

    def __len__(self) -> int:
        return len(self.digits)

    def take(self, rows: NDArray[np.intp] | slice) -> Limbs:
        """Return some of the rows."""
        return Limbs(self.digits[rows], self.lowest)

    def carried(self) -> Limbs:
        """Return the same integers with each digit but the last brought into [0, 2**32)."""
        digits = np.zeros((len(self), self.digits.shape[1] + 1), np.int64)
        digits[:, :-1] = self.digits
        for place in range(digits.shape[1] - 1):
            digits[:, place + 1] += digits[:, place] >> RADIX_BITS
            digits[:, place] &= DIGIT
        used = np.flatnonzero(digits.any(axis=0))
        if not used.size:
            return Limbs(digits[:, :1], 0)
        return Limbs(digits[:, used[0] : used[-1] + 1].copy(), self.lowest + int(used[0]))

    def spread(self, lowest: int, width: int) -> Limbs:
        """Return the same integers in so many digits from that place on, which must hold them."""
        digits = np.zeros((len(self), width), np.int64)
        start = self.lowest - lowest
        digits[:, start : start + self.digits.shape[1]] = self.digits
        return Limbs(digits, lowest)

    def __add__(self, other: Limbs) -> Limbs:
        """Add row by row."""
        one, two = aligned([self, other])
        return Limbs(one.digits + two.digits, one.lowest).carried()


def aligned(parts: Sequence[Limbs]) -> list[Limbs]:
    """Return the same integers, all with their digits at the same places.

    Examples
    --------
    >>> parts = aligned([Limbs(np.array([[1]]), 0), Limbs(np.array([[2]]), 2)])
    >>> [part.digits.tolist() for part in parts]
    [[[1, 0, 0]], [[0, 0, 2]]]
    """
    lowest = min(part.lowest for part in parts)
    end = max(part.lowest + part.digits.shape[1] for part in parts)
    return [part.spread(lowest, end - lowest) for part in parts]


def sum_rows(limbs: Limbs, target: NDArray[np.integer[Any]], n: int) -> Limbs:
    """Add row i of the limbs to row ``target[i]`` of n new ones; at most 2**30 rows at a time.

    Examples
    --------
    >>> limbs_to_ints(sum_rows(Limbs(np.array([[1], [2], [4]]), 0), np.array([0, 1, 0]), 2))
    [5, 2]
    """
    parts = limbs.carried()
    digits = np.zeros((n, parts.digits.shape[1]), np.int64)
    np.add.at(digits, target, parts.digits)
    return Limbs(digits, parts.lowest).carried()


def limbs_to_ints(limbs: Limbs) -> list[int]:
    """Return each row's integer.

    Examples
    --------
    >>> limbs_to_ints(Limbs(np.array([[-1, 1]]), 0)) == [2**32 - 1]
    True
    """
    shifts = [RADIX_BITS * (limbs.lowest + place) for place in range(limbs.digits.shape[1])]
    totals = [0] * len(limbs)
    for shift, column in zip(shifts, limbs.digits.T.tolist(), strict=True):
        totals = [total + (digit << shift) for total, digit in zip(totals, column, strict=True)]
    return totals
