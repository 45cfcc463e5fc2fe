"""Tables of particles as datasets of xarray."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from pspy_dask.particles.columns import require_table

_COORDINATES = ("frame", "label")


def table_as_dataset(table: pd.DataFrame, *, units: Mapping[str, str] | None = None) -> xr.Dataset:
    """Return a table as a dataset: a variable for each column, all along one axis ``particle``.

    Parameters
    ----------
    table
        What :func:`pspy_dask.region_properties` returns, computed: the length of an axis must be
        known. A table that is too large for memory is stored by :func:`pspy_dask.write_parquet`.
    units
        Units of columns; by default those in ``table.attrs["units"]``.

    Returns
    -------
    xarray.Dataset
        ``label`` and ``frame`` are coordinates. Variables that have units have an attribute
        ``units``.

    Raises
    ------
    TypeError
        The table is lazy, or no table; of a list of particles give ``particles.table``.

    Examples
    --------
    >>> table = pd.DataFrame({"label": [1, 2], "area": [0.5, 2.0]})
    >>> dataset = table_as_dataset(table, units={"area": "nm^2"})
    >>> dataset["area"].attrs["units"], dataset["label"].dims
    ('nm^2', ('particle',))
    """
    require_table(table)
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            "the table is lazy, and its length not known: call its compute() first, or store it "
            "with write_parquet"
        )
    known = units if units is not None else table.attrs.get("units", {})
    columns = {
        str(name): xr.Variable(
            "particle", table[name].to_numpy(), {"units": known[name]} if known.get(name) else {}
        )
        for name in table.columns
    }
    coordinates = {name: columns.pop(name) for name in _COORDINATES if name in columns}
    return xr.Dataset(columns, coordinates)
