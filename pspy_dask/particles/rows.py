"""Partial sums of objects: what a chunk knows of them, and how two chunks' knowledge merges.

Every column merges by an exact, associative and commutative rule (integers add, bounds take the
smaller or larger), so the merged rows do not depend on the chunks or on the order of merging.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.hulls import Hulls, concatenate_hulls

Arrays = Mapping[str, NDArray[Any]]
Columns = Mapping[str, "NDArray[Any] | Hulls"]


@dataclass(frozen=True)
class Rows:
    """Rows of objects, one an object, as columns of equal length.

    Attributes
    ----------
    columns
        ``label``; ``first``, ``sum``, ``low``, ``high`` with one sub-column for each of z, y, x;
        ``area``; the others as families of measures name them.
    """

    columns: Columns

    def __len__(self) -> int:
        return len(self.columns["label"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self.columns[name]
        assert isinstance(column, np.ndarray)
        return column

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def take(self, which: NDArray[Any]) -> Rows:
        """Return some of the rows, by index or mask."""
        return Rows({name: _take(column, which) for name, column in self.columns.items()})

    def replacing(self, columns: Columns, *, dropped: Sequence[str] = ()) -> Rows:
        """Return the rows with some columns put in or replaced, others dropped."""
        kept = {name: column for name, column in self.columns.items() if name not in dropped}
        return Rows({**kept, **columns})

    def in_raster_order(self) -> Rows:
        """Return the rows sorted by first pixel."""
        first = self["first"]
        return self.take(np.lexsort((first[:, 2], first[:, 1], first[:, 0])))


class Groups(NamedTuple):
    """Rows about to merge, those of one object next to each other.

    Attributes
    ----------
    rows
        Sorted by label, then by first pixel.
    starts
        Place of the first row of each object.
    merged
        Columns that are merged already: ``label``, ``first``, ``area``, ``sum``, ``low``, ``high``.
    """

    rows: Rows
    starts: NDArray[np.intp]
    merged: Arrays

    @property
    def group(self) -> NDArray[np.intp]:
        """For each row which object it belongs to."""
        marks = np.zeros(len(self.rows), np.intp)
        marks[self.starts[1:]] = 1
        return np.cumsum(marks)

    def fold(self, folds: Mapping[str, np.ufunc]) -> dict[str, NDArray[Any]]:
        """Return columns merged by these functions."""
        return {
            name: ufunc.reduceat(self.rows[name], self.starts, axis=0)
            for name, ufunc in folds.items()
        }


_SHARED = {"area": np.add, "sum": np.add, "low": np.minimum, "high": np.maximum}


def concatenate(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts, one after the other."""
    names = parts[0].columns
    return Rows({name: _joined([part.columns[name] for part in parts]) for name in names})


def _take(column: NDArray[Any] | Hulls, which: NDArray[Any]) -> NDArray[Any] | Hulls:
    return column.take(which) if isinstance(column, Hulls) else column[which]


def _joined(columns: Sequence[NDArray[Any] | Hulls]) -> NDArray[Any] | Hulls:
    hulls = [column for column in columns if isinstance(column, Hulls)]
    if hulls:
        return concatenate_hulls(hulls)
    return np.concatenate([column for column in columns if isinstance(column, np.ndarray)])


def group(rows: Rows) -> Groups:
    """Return the rows, at least one, put together by label."""
    first = rows["first"]
    rows = rows.take(np.lexsort((first[:, 2], first[:, 1], first[:, 0], rows["label"])))
    label = rows["label"]
    starts = np.flatnonzero(np.concatenate(([True], label[1:] != label[:-1])))
    groups = Groups(rows, starts, {})
    heads = {name: rows[name][starts] for name in ("label", "first")}
    return groups._replace(merged={**heads, **groups.fold(_SHARED)})
