"""Tables of several lists of particles as one, and rows of them by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pspy_dask.particles.columns import column_units

# The column that says in which of several images a particle lies, from 0.
SOURCE = "source"


def all_units(table: pd.DataFrame) -> dict[str, str]:
    """Return the units of all columns, empty where there are none."""
    stated = column_units(table)
    return {str(name): stated.get(str(name), "") for name in table.columns}


def sources_of(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return in which image each particle lies."""
    if SOURCE in table:
        return table[SOURCE].to_numpy(np.int64)
    return np.zeros(len(table), np.int64)


def join_tables(tables: Sequence[pd.DataFrame], images: Sequence[int]) -> pd.DataFrame:
    """Return all rows, and in a column ``source`` their images.

    Parameters
    ----------
    tables
        Of the same columns and units.
    images
        Number of images of each.

    Raises
    ------
    ValueError
        The tables differ in columns or units.
    """
    plain = [table.drop(columns=SOURCE, errors="ignore") for table in tables]
    for table in plain:
        _require_alike(table, plain[0])
    firsts = np.cumsum([0, *images[:-1]])
    sources = [sources_of(table) + k for table, k in zip(tables, firsts, strict=True)]
    # Tables without rows have a say in the types of the columns only where all are empty.
    filled = [table for table in plain if len(table)] or plain[:1]
    rows = pd.concat([part[list(filled[0].columns)] for part in filled], ignore_index=True)
    # Beside the others and not into them: that costs a piece of memory for each of many columns.
    table = pd.concat([rows, pd.Series(np.concatenate(sources), name=SOURCE)], axis=1)
    table.attrs = {"units": {**all_units(plain[0]), SOURCE: ""}}
    return table


def positions(which: Any, length: int) -> Any:
    """Return a boolean mask or a list of positions as an index, or raise IndexError."""
    index = np.asarray(which)
    if index.size == 0 and index.dtype.kind != "b":
        return np.zeros(0, np.int64)
    if index.ndim != 1 or index.dtype.kind not in "biu":
        raise TypeError(
            f"particles are not picked by {type(which).__name__}: give a number, a name, a slice, "
            "a boolean mask or a list of numbers"
        )
    if index.dtype.kind == "b" and index.size != length:
        raise IndexError(f"the mask has {index.size} values: give one for each of {length}")
    return index


def _require_alike(one: pd.DataFrame, two: pd.DataFrame) -> None:
    different = set(one.columns) ^ set(two.columns)
    if different:
        raise ValueError(
            f"the lists differ in {', '.join(sorted(map(str, different)))}: measure the same "
            "properties of all"
        )
    ours, theirs = all_units(one), all_units(two)
    for name in map(str, one.columns):
        if ours[name] != theirs[name]:
            raise ValueError(
                f"{name} is in {ours[name] or 'no units'} and in {theirs[name] or 'no units'}: "
                "calibrate the images alike"
            )
