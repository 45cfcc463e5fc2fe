"""Drift: how far all particles moved together from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import fsum

import dask.dataframe as dd
import numpy as np
import pandas as pd

from pspy_dask.particles.columns import Table, column_units, reduce_table, require_columns

_AXES = ("z", "y", "x")


def drift(table: Table) -> Table:
    """Return the mean displacement of the particles in each frame, and its sum up to there.

    Parameters
    ----------
    table
        With ``frame``, ``particle`` and centroids: what :func:`pspy_dask.link` returns.

    Returns
    -------
    pandas.DataFrame or dask.dataframe.DataFrame
        A row for each frame from the first to the last: ``frame``; ``particles``, the number of
        those that are in this frame and in the one before; for each axis ``step_*``, their mean
        displacement, and ``drift_*``, the sum of the steps so far; in the units of the centroids
        and (``_px``) in pixels where the table has both. A step is 0 where no particle tells.
        Lazy where the table is. Means are correctly rounded, in whatever order the rows are.

    Raises
    ------
    TypeError
        No table; of a list of particles give ``particles.table``.
    ValueError
        The table lacks a column.

    Examples
    --------
    >>> table = pd.DataFrame({"frame": [0, 1, 2], "particle": [1, 1, 1]})
    >>> table[["centroid_y", "centroid_x"]] = [[0.0, 5.0], [1.0, 5.0], [3.0, 4.0]]
    >>> drift(table)["drift_y"].tolist(), drift(table)["step_x"].tolist()
    ([0.0, 1.0, 3.0], [0.0, 0.0, -1.0])
    """
    centroids = _centroids(table)
    empty = pd.DataFrame({name: [] for name in ["frame", "particle", *centroids]})
    empty.attrs["units"] = units = column_units(table)
    whole = partial(_drift, centroids=centroids, units=units)
    return reduce_table(table, whole, ["frame", "particle", *centroids], whole(empty))


def subtract_drift(table: Table, drift: pd.DataFrame) -> Table:
    """Return the table with centroids less the drift of their frame; all other columns are kept.

    Parameters
    ----------
    table
        With ``frame`` and centroids; pandas or dask.
    drift
        What :func:`drift` returns, computed, or a smoothed one of the same columns. Frames that
        it lacks raise.

    Examples
    --------
    >>> table = pd.DataFrame({"frame": [0, 1, 2], "particle": [1, 1, 1]})
    >>> table[["centroid_y", "centroid_x"]] = [[0.0, 5.0], [1.0, 5.0], [3.0, 4.0]]
    >>> subtract_drift(table, drift(table))["centroid_y"].tolist()
    [0.0, 0.0, 0.0]
    """
    if not isinstance(drift, pd.DataFrame):
        raise TypeError("the drift is lazy: give drift.compute()")
    centroids = _centroids(table, ["frame"])
    require_columns(drift, ["frame", *map(_drift_name, centroids)])
    if isinstance(table, pd.DataFrame):
        return _subtract(table, drift, centroids)
    result: dd.DataFrame = table.map_partitions(_subtract, drift, centroids, meta=table._meta)
    return result


def _centroids(table: Table, others: Sequence[str] = ("frame", "particle")) -> list[str]:
    require_columns(table, [*others, "centroid_y", "centroid_x"])
    names = [f"centroid_{d}{end}" for end in ("", "_px") for d in _AXES]
    return [name for name in names if name in table.columns]


def _drift_name(centroid: str) -> str:
    return centroid.replace("centroid", "drift", 1)


def _drift(rows: pd.DataFrame, centroids: Sequence[str], units: dict[str, str]) -> pd.DataFrame:
    known = np.isfinite(rows[list(centroids)].to_numpy(np.float64)).all(axis=1)
    rows = rows[known & (rows["particle"].to_numpy() != 0)]
    frames = rows["frame"].to_numpy(np.int64)
    span = np.arange(frames.min(), frames.max() + 1) if frames.size else frames
    before = rows.assign(frame=rows["frame"] + 1)
    pairs = rows.merge(before, on=["frame", "particle"], suffixes=("", " before"))
    by_frame = pairs.groupby("frame")
    count = by_frame.size().reindex(span, fill_value=0).to_numpy(np.int64)
    result = pd.DataFrame({"frame": span, "particles": count})
    stated = {"frame": "", "particles": ""}
    for name in centroids:
        change = (pairs[name] - pairs[f"{name} before"]).groupby(pairs["frame"])
        total = change.agg(fsum).reindex(span, fill_value=0.0).to_numpy(np.float64)
        step = total / np.maximum(count, 1)
        for column, values in (("step", step), ("drift", np.cumsum(step))):
            key = name.replace("centroid", column, 1)
            result[key] = values
            stated[key] = units.get(name, "")
    result.attrs["units"] = stated
    return result


def _subtract(table: pd.DataFrame, drift: pd.DataFrame, centroids: Sequence[str]) -> pd.DataFrame:
    by_frame = drift.set_index("frame")
    frames = table["frame"]
    unknown = frames[~frames.isin(by_frame.index)]
    if len(unknown):
        raise ValueError(f"the drift has no frame {unknown.iloc[0]}: give that of all frames")
    result = table.copy()
    for name in centroids:
        result[name] = table[name] - by_frame[_drift_name(name)].loc[frames].to_numpy()
    result.attrs = dict(table.attrs)
    return result
