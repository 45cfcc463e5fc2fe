"""Partial sums of objects: what a chunk knows of them, and how two chunks' knowledge merges.

Every column merges by an exact, associative and commutative rule (integers add, bounds take the
smaller or larger), so the merged rows do not depend on the chunks or on the order of merging.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]

# A new measure adds its columns here; "head" takes the row whose first pixel comes first.
_FOLDS: Mapping[str, np.ufunc | None] = {
    "label": None,
    "first": None,
    "area": np.add,
    "sum": np.add,
    "low": np.minimum,
    "high": np.maximum,
    "finite": np.add,
    "total": np.add,
    "squares": np.add,
    "least": np.minimum,
    "most": np.maximum,
}


@dataclass(frozen=True)
class Rows:
    """Rows of objects, one an object, as columns of equal length.

    Attributes
    ----------
    columns
        ``label``; ``first``, ``sum``, ``low``, ``high`` with one sub-column for each of z, y, x;
        the others as :mod:`pspy_dask.kernels.regions` names them.
    """

    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.columns["label"])

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def take(self, which: Column) -> Rows:
        """Return some of the rows, by index or mask."""
        return Rows({name: column[which] for name, column in self.columns.items()})

    def in_raster_order(self) -> Rows:
        """Return the rows sorted by first pixel."""
        first = self["first"]
        return self.take(np.lexsort((first[:, 2], first[:, 1], first[:, 0])))


def concatenate(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts, one after the other."""
    names = parts[0].columns
    return Rows({name: np.concatenate([part[name] for part in parts]) for name in names})


def merge(parts: Sequence[Rows]) -> Rows:
    """Return one row for each label of the parts, in ascending order of labels."""
    rows = concatenate(parts)
    if len(rows) == 0:
        return rows
    first = rows["first"]
    rows = rows.take(np.lexsort((first[:, 2], first[:, 1], first[:, 0], rows["label"])))
    label = rows["label"]
    starts = np.flatnonzero(np.concatenate(([True], label[1:] != label[:-1])))
    merged = {}
    for name, column in rows.columns.items():
        fold = _FOLDS[name]
        merged[name] = column[starts] if fold is None else fold.reduceat(column, starts, axis=0)
    return Rows(merged)
