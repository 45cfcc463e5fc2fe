"""From whole rows to a table of calibrated properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pspy_dask.particles.catalogue import Choice
from pspy_dask.particles.form import Column, TableForm, units_of
from pspy_dask.particles.rows import Rows


def finish_table(rows: Rows, form: TableForm, choice: Choice, frame: int | None) -> pd.DataFrame:
    """Return the table of these rows; its attribute ``units`` holds the units of the columns."""
    # What is not defined, or beyond the floats, is nan or inf in the table and no warning.
    with np.errstate(all="ignore"):
        columns = [Column("label", "", rows["label"]), *choice.columns(rows, form)]
    if frame is not None:
        columns.insert(0, Column("frame", "", np.full(len(rows), frame, np.int64)))
    table = pd.DataFrame({column.name: _canonical(column.values) for column in columns})
    table.attrs["units"] = units_of(columns)
    return table


def _canonical(values: NDArray[Any]) -> NDArray[Any]:
    """Return floats with one zero and one nan: their bits may depend on the order of chunks.

    >>> np.signbit(_canonical(np.array([-0.0, -np.nan, -1.0]))).tolist()
    [False, False, True]
    """
    if values.dtype.kind != "f":
        return values
    plain: NDArray[Any] = values + 0.0
    plain[np.isnan(plain)] = np.nan
    return plain
