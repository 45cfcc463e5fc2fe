"""Median and percentiles of the intensity, from how often each value occurs.

Distinct values and their counts travel, exact for integers and floats alike. An object of a float
image has about as many of them as pixels: ask for percentiles there where memory allows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.particles.form import Column, TableForm
from pspy_dask.particles.measures.family import Property, View
from pspy_dask.particles.measures.intensity import python_objects
from pspy_dask.particles.rows import Columns, Groups, Rows

_NAME = re.compile(r"intensity_percentile_(\d+(?:\.\d+)?)")
Counted = tuple[NDArray[Any], NDArray[np.int64]]


@dataclass(frozen=True)
class Distribution:
    """How often each intensity occurs in an object.

    Attributes
    ----------
    levels
        Percentiles asked for.
    """

    levels: tuple[float, ...]
    halo: int = 0

    def measure(self, view: View) -> Columns:
        """Return the distinct finite values of each object, ascending, and their counts."""
        groups, values = view.numbers.reshape(-1), view.pixels.reshape(-1)
        counts = (groups > 0) & np.isfinite(values)
        parts = _counted(groups[counts] - 1, values[counts], None, len(view.found))
        return {"distribution": python_objects(parts)}

    def merge(self, groups: Groups) -> Columns:
        """Return merged values and counts; an object that one row tells of stays as it is."""
        rows = groups.rows["distribution"]
        merged = rows[groups.starts]
        parted = np.diff(groups.starts, append=len(rows)) > 1
        if parted.any():
            parts = rows[parted[groups.group]]
            owner = groups.group[parted[groups.group]]
            owner = np.repeat(owner, [len(values) for values, _ in parts])
            values = np.concatenate([values for values, _ in parts])
            counts = np.concatenate([counts for _, counts in parts])
            whole = _counted(owner, values, counts, len(merged))
            merged[parted] = python_objects([whole[k] for k in np.flatnonzero(parted)])
        return {"distribution": merged}

    def settle(self, rows: Rows) -> Rows:
        """Return the percentiles asked for, (n, levels)."""
        columns = {"percentiles": percentiles(rows["distribution"], self.levels)}
        return rows.replacing(columns, dropped=("distribution",))

    def nothing(self) -> Columns:
        """Return the columns of no objects, settled."""
        return {"percentiles": np.zeros((0, len(self.levels)))}


def percentiles(parts: NDArray[Any], levels: tuple[float, ...]) -> NDArray[np.float64]:
    """Return percentiles, between two values by linear interpolation; nan where there are none."""
    result = np.full((len(parts), len(levels)), np.nan)
    total = np.array([counts.sum() for _, counts in parts], np.int64)
    some = np.flatnonzero(total)
    if not some.size:
        return result
    values = np.concatenate([values for values, _ in parts]).astype(np.float64)
    ends = np.cumsum(np.concatenate([counts for _, counts in parts]))
    before = (np.cumsum(total) - total)[some]
    for column, level in enumerate(levels):
        place = (total[some] - 1) * (level / 100)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, total[some] - 1)
        below = values[np.searchsorted(ends, before + low, side="right")]
        above = values[np.searchsorted(ends, before + high, side="right")]
        result[some, column] = below + (above - below) * (place - low)
    return result


def level_of(name: str) -> float | None:
    """Return the percentile that a property's name asks for, None where it asks for none.

    >>> level_of("intensity_percentile_2.5"), level_of("intensity_median"), level_of("area")
    (2.5, 50.0, None)
    """
    if name == "intensity_median":
        return 50.0
    match = _NAME.fullmatch(name)
    return float(match[1]) if match and float(match[1]) <= 100 else None


def percentile_property(name: str, levels: tuple[float, ...]) -> Property:
    """Return the property of this name among others of these percentiles."""
    level = level_of(name)
    assert level is not None
    place = levels.index(level)

    def columns(rows: Rows, _form: TableForm) -> list[Column]:
        return [Column(name, "", np.ascontiguousarray(rows["percentiles"][:, place]))]

    return Property(name, ("distribution",), columns, image=True)


def _counted(
    owner: NDArray[np.integer[Any]], values: NDArray[Any], counts: NDArray[np.int64] | None, n: int
) -> list[Counted]:
    """Return the distinct values of each owner and their counts, 1 each where not given."""
    if counts is None and (keys := _packed(owner, values)) is not None:
        owner, values, sums = _distinct(keys, values.dtype)
    else:
        order = np.lexsort((values, owner))
        owner, values = owner[order], values[order]
        counts = np.ones(len(order), np.int64) if counts is None else counts[order]
        new = np.ones(len(order), bool)
        new[1:] = (owner[1:] != owner[:-1]) | (values[1:] != values[:-1])
        starts = np.flatnonzero(new)
        sums = np.add.reduceat(counts, starts) if starts.size else counts
        owner, values = owner[starts], values[starts]
    edges = np.searchsorted(owner, np.arange(n + 1))
    return [(values[a:b].copy(), sums[a:b].copy()) for a, b in pairwise(edges.tolist())]


def _packed(owner: NDArray[np.integer[Any]], values: NDArray[Any]) -> NDArray[np.int64] | None:
    """Return owner and value as one integer where both fit: one sort of integers is quicker."""
    if values.dtype == np.float32:
        ordered = _folded((values + np.float32(0)).view(np.int32))  # 0 for -0
    elif values.dtype.kind in "biu" and values.dtype.itemsize <= 4:
        ordered = values
    else:
        return None
    keys = owner.astype(np.int64) << 32
    keys += ordered.astype(np.int64) + _offset(values.dtype)
    return keys


def _distinct(
    keys: NDArray[np.int64], dtype: np.dtype[Any]
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.int64]]:
    """Return owner, value and count of every key that occurs."""
    keys = np.sort(keys)
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(starts, append=len(keys))
    distinct = keys[starts]
    ordered = (distinct & 0xFFFFFFFF) - _offset(dtype)
    is_float = dtype == np.float32
    values = _folded(ordered.astype(np.int32)).view(np.float32) if is_float else ordered
    return distinct >> 32, values.astype(dtype), counts


def _folded(bits: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the bits of floats as integers that are ordered alike, or turn them back."""
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


def _offset(dtype: np.dtype[Any]) -> int:
    """Return what makes keys of values of a signed type begin at 0."""
    return 0 if dtype.kind in "bu" else 1 << 31
