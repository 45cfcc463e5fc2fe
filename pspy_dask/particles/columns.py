"""Columns of tables: which there are, in what units, and new ones that depend on all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import dask.dataframe as dd
import pandas as pd
from numpy.typing import NDArray

from pspy_dask.blocks.whole_table import reduce_rows, spread_column

Table = pd.DataFrame | dd.DataFrame


def require_table(table: Any) -> None:
    """Raise a sentence where this is no table of pandas or dask, but a list of particles, say."""
    if isinstance(table, pd.DataFrame | dd.DataFrame):
        return
    if isinstance(getattr(table, "table", None), pd.DataFrame):
        raise TypeError("a list of particles is no table: give its table, particles.table")
    raise TypeError(
        f"{type(table).__name__} is no table: give one of pandas or dask, such as "
        "region_properties returns"
    )


def require_columns(table: Table, names: Sequence[str]) -> None:
    """Raise a sentence where this is no table, or one that lacks a column of these names."""
    require_table(table)
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise ValueError(
            f"the table has no column {', '.join(map(repr, missing))}: it has "
            f"{', '.join(map(str, table.columns))}"
        )


def column_units(table: Table) -> dict[str, str]:
    """Return the units of the columns as far as the table states them."""
    attrs = table.attrs if isinstance(table, pd.DataFrame) else table._meta.attrs
    return dict(attrs.get("units", {}))


def add_column(
    table: Table, name: str, function: Callable[[pd.DataFrame], NDArray[Any]], needs: Sequence[str]
) -> Table:
    """Return the table with a column of integers that ``function`` makes of some of its columns.

    A lazy table stays lazy: only the columns needed meet in one task.
    """
    put = partial(put_column, name)
    if isinstance(table, pd.DataFrame):
        return put(table, function(table[list(needs)]))
    return spread_column(table, needs, function, put)


def reduce_table(
    table: Table,
    function: Callable[[pd.DataFrame], pd.DataFrame],
    needs: Sequence[str],
    meta: pd.DataFrame,
) -> Table:
    """Return the small table that ``function`` makes of some columns; lazy where the table is."""
    if isinstance(table, pd.DataFrame):
        return function(table[list(needs)])
    return reduce_rows(table, needs, function, meta)


def put_column(name: str, table: pd.DataFrame, values: NDArray[Any]) -> pd.DataFrame:
    """Return the table with one column more, or with another in the place of that column."""
    result = table.copy()
    result[name] = values
    result.attrs["units"] = {**table.attrs.get("units", {}), name: ""}
    return result
