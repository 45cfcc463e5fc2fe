"""From whole rows to a table of calibrated properties."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    table = pd.DataFrame({column.name: column.values for column in columns})
    table.attrs["units"] = units_of(columns)
    return table
