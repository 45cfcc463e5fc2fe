"""Exact sums of many values a pixel over labels: partial sums that merge in any order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.exact_sums import grouped_limbs
from pspy_dask.kernels.limb_floats import limbs_to_floats
from pspy_dask.kernels.limbs import Limbs, aligned
from pspy_dask.kernels.regions import index_labels

_AT_ONCE = 2**21  # values; their groups and digits take some 100 bytes each in the worst case

# Halves of 64-bit integers, whose sums fit int64 up to 2**31 pixels a label, as narrower ones do.
_HALF = 32
_LOWER = 2**_HALF - 1


@dataclass(frozen=True, eq=False)
class LabelSums:
    """Sums of the labels that some chunks have.

    Attributes
    ----------
    rows
        Places of those labels among the numbers asked for, ascending.
    sums
        A row a label, flat: an array of integers, those of 64 bits as sums of their upper and
        of their lower halves; or of floats their exact sums as ``Limbs`` of one row a value.
    shape
        Shape of what a pixel has.
    """

    rows: NDArray[np.int64]
    sums: NDArray[Any] | Limbs
    shape: tuple[int, ...]


def sum_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which sums of such values are given."""
    if dtype.kind == "f":
        return np.dtype(np.float64)
    return np.dtype(np.uint64 if dtype == np.uint64 else np.int64)


@dataclass(frozen=True, eq=False)
class SumLabels:
    """The reducer of :func:`pspy_dask.blocks.spectra.sum_over_space` that adds up each label.

    Attributes
    ----------
    numbers
        The labels, in the order of the rows of the result.
    dtype
        Type of the result.
    """

    numbers: NDArray[np.int64]
    dtype: np.dtype[Any]

    def wants(self, labels: NDArray[Any]) -> bool:
        """Whether a chunk has some of the labels."""
        return bool(np.isin(np.unique(labels), self.numbers).any())

    def nothing(self, shape: tuple[int, ...]) -> LabelSums:
        """Return the sums of no chunk."""
        return LabelSums(np.zeros(0, np.int64), np.zeros((0, prod(shape)), np.int64), shape)

    def partial(self, labels: NDArray[Any], pixels: NDArray[Any]) -> LabelSums:
        """Return the sums of one chunk."""
        shape = pixels.shape[labels.ndim :]
        values = pixels.reshape(labels.size, prod(shape))
        places, row = self._rows_of(labels)
        if self.dtype.kind != "f":
            return LabelSums(*_integer_sums(values, places, row), shape)
        width = max(1, _AT_ONCE // max(1, values.shape[1]))
        parts = [
            LabelSums(*_exact_sums(values, places[k : k + width], row[k : k + width]), shape)
            for k in range(0, max(1, places.size), width)
        ]
        return reduce(self.merge, parts)

    def _rows_of(self, labels: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Return the pixels to be summed, label by label, and the row of each."""
        found, index = index_labels(labels)
        order = np.argsort(self.numbers, kind="stable")
        at = np.searchsorted(self.numbers, found, sorter=order)
        inside = at < self.numbers.size
        row = np.full(found.size + 1, -1, np.int64)
        place = order[at[inside]]
        row[1:][inside] = np.where(self.numbers[place] == found[inside], place, -1)
        of_pixel = row[index.reshape(-1)]
        pixels = np.flatnonzero(of_pixel >= 0)
        by_label = np.argsort(of_pixel[pixels], kind="stable")
        return pixels[by_label], of_pixel[pixels[by_label]]

    def merge(self, a: LabelSums, b: LabelSums) -> LabelSums:
        """Return the sums of the chunks of both."""
        if not a.rows.size or not b.rows.size:
            return a if a.rows.size else b
        rows = np.union1d(a.rows, b.rows)
        at = [np.searchsorted(rows, part.rows) for part in (a, b)]
        if isinstance(a.sums, Limbs) and isinstance(b.sums, Limbs):
            sums = _added_limbs(len(rows), a.sums, b.sums, at)
            return LabelSums(rows, sums, a.shape)
        return LabelSums(rows, _added(len(rows), [a.sums, b.sums], at), a.shape)

    def finish(self, partial: LabelSums) -> NDArray[Any]:
        """Return the sums of all numbers; of those that no chunk has they are 0."""
        sums = partial.sums
        result = np.zeros((self.numbers.size, *partial.shape), self.dtype)
        if isinstance(sums, Limbs):
            known = limbs_to_floats(sums)
        elif sums.shape[1] == prod(partial.shape):
            known = sums
        else:
            known = self._joined(sums, partial)
        result[partial.rows] = known.reshape(-1, *partial.shape)
        return result

    def _joined(self, sums: NDArray[Any], partial: LabelSums) -> NDArray[Any]:
        """Return the sums whose halves these are, or raise OverflowError."""
        upper, lower = np.split(sums, 2, axis=1)
        upper = upper + (lower >> _HALF)
        limits = np.iinfo(self.dtype)
        least, most = int(limits.min) >> _HALF, int(limits.max) >> _HALF
        beyond = ((upper < least) | (upper > most)).any(axis=1)
        if beyond.any():
            label = self.numbers[partial.rows[beyond.argmax()]]
            raise OverflowError(
                f"a sum of the spectra over label {label} does not fit {self.dtype}: give the "
                "spectra as floats, as in spectra.astype(float)"
            )
        known: NDArray[Any] = upper.astype(self.dtype) << self.dtype.type(_HALF)
        known |= (lower & _LOWER).astype(self.dtype)
        return known


def _integer_sums(
    values: NDArray[Any], places: NDArray[np.intp], row: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, starts = np.unique(row, return_index=True)
    halves = values.dtype.itemsize == 8
    if not rows.size:
        return rows, np.zeros((0, values.shape[1] * (1 + halves)), np.int64)
    picked = values[places]
    if not halves:
        return rows, np.add.reduceat(picked, starts, axis=0, dtype=np.int64)
    half, lower = picked.dtype.type(_HALF), picked.dtype.type(_LOWER)
    parts = [
        np.add.reduceat(part.astype(np.int64, copy=False), starts, axis=0)
        for part in (picked >> half, picked & lower)
    ]
    return rows, np.concatenate(parts, axis=1)


def _exact_sums(
    values: NDArray[Any], places: NDArray[np.intp], row: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Limbs]:
    rows, rank = np.unique(row, return_inverse=True)
    width = values.shape[1]
    groups = rank.reshape(-1, 1) * width + np.arange(1, width + 1)
    return rows, grouped_limbs(groups, values[places], rows.size * width)


def _added_limbs(n: int, a: Limbs, b: Limbs, at: list[NDArray[np.intp]]) -> Limbs:
    parts = aligned([_beside(a, b), _beside(b, a)])
    width = parts[0].digits.shape[1]
    flat = [p.digits.reshape(k.size, -1) for p, k in zip(parts, at, strict=True)]
    return Limbs(_added(n, flat, at).reshape(-1, width), parts[0].lowest).carried()


def _beside(limbs: Limbs, other: Limbs) -> Limbs:
    """Return the limbs; zeros, whose place is anywhere, at that of the others."""
    return limbs if limbs.digits.any() else Limbs(limbs.digits[:, :1], other.lowest)


def _added(n: int, parts: list[Any], at: list[NDArray[np.intp]]) -> NDArray[Any]:
    total = np.zeros((n, *parts[0].shape[1:]), parts[0].dtype)
    for part, rows in zip(parts, at, strict=True):
        total[rows] += part
    return total
