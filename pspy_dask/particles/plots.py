"""Plots of properties of particles, as figures that belong to no window.

A figure holds numbers, so that there is no lazy one: of a lazy table a plot computes the columns it
shows. It is all that is computed on this floor, where a list of particles has it at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pspy_dask.particles.columns import Table, column_units, require_columns, require_table

# Colours that differ for all eyes: M. Okabe and K. Ito, Color Universal Design, 2008.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a949e",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e7eaed",
    "legend.frameon": False,
}
_MOST_BINS = 100  # a rule gives far more where a few particles are much larger than all others


def plot_properties(
    tables: Table | Sequence[Table],
    properties: str | Sequence[str],
    *,
    names: Sequence[str] | None = None,
    bins: int | str | Sequence[float] = "auto",
) -> Figure:
    """Return a histogram of one property, or a scatter plot of two or of three.

    Parameters
    ----------
    tables
        One table or several, which are told apart by colour; of a lazy one the columns asked for
        are computed.
    properties
        One to three columns of numbers. Particles where one of them is not finite are left out.
    names
        Of the tables, for the legend.
    bins
        Of the histogram: their number, their edges, or a rule of ``numpy.histogram_bin_edges``
        (then at most 100); tables share them.

    Returns
    -------
    matplotlib.figure.Figure
        Shown by a notebook; ``figure.savefig(path)`` writes it.

    Raises
    ------
    TypeError
        No table; of a list of particles give ``particles.table``.
    ValueError
        A column is missing, there are none or more than three of them, no particle has them all,
        names and tables differ in number, or tables have a property in different units.

    Examples
    --------
    >>> table = pd.DataFrame({"area": [3.0, 5.0, 8.0]})
    >>> table.attrs["units"] = {"area": "nm^2"}
    >>> plot_properties(table, "area").axes[0].get_xlabel()
    'area (nm²)'
    """
    several = _several(tables)
    columns = [properties] if isinstance(properties, str) else list(properties)
    if not 1 <= len(columns) <= 3:
        raise ValueError(f"{len(columns)} properties do not make a plot: give one, two or three")
    titles = [str(k) for k in range(1, len(several) + 1)] if names is None else list(names)
    if len(titles) != len(several):
        raise ValueError(f"there are {len(several)} tables and {len(titles)} names: give one each")
    groups = [_finite(table, columns) for table in several]
    _require_some(groups, columns)
    labels = [axis_label(name, _common_unit(several, name)) for name in columns]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 5.6) if len(columns) == 3 else (6, 4), layout="constrained")
        axes: Any = figure.add_subplot(projection="3d" if len(columns) == 3 else None)
        if len(columns) == 3:
            axes.computed_zorder = False  # lists lie over each other in their order
        draw = _histogram if len(columns) == 1 else _scatter
        draw(axes, groups, titles, bins)
        _name_axes(axes, labels if len(columns) > 1 else [*labels, "particles"])
        if len(several) > 1 or names is not None:
            axes.legend()
    return figure


def plot_over_time(
    table: Table, prop: str, *, interval: float = 1.0, unit: str = "frame"
) -> Figure:
    """Return a property against time: mean and spread of each frame, and a line a particle.

    Parameters
    ----------
    table
        With a column ``frame``; with ``particle``, as :func:`pspy_dask.link` returns it, there is
        a thin line for each. Of a lazy one the columns needed are computed.
    prop
        A column of numbers. Particles where it is not finite are left out.
    interval, unit
        Time from frame to frame, and its units.

    Returns
    -------
    matplotlib.figure.Figure
        The band is a standard deviation wide to both sides of the mean.

    Raises
    ------
    TypeError
        No table; of a list of particles give ``particles.table``.
    ValueError
        A column is missing, or no particle has the property.

    Examples
    --------
    >>> table = pd.DataFrame({"frame": [0, 0, 1], "area": [3.0, 5.0, 8.0]})
    >>> plot_over_time(table, "area").axes[0].lines[0].get_ydata().tolist()
    [4.0, 8.0]
    """
    require_table(table)
    linked = "particle" in table.columns
    columns = ["frame", prop, *(["particle"] if linked else [])]
    values = _finite(table, columns)
    _require_some([values], [prop])
    rows = pd.DataFrame(values, columns=columns)
    rows["time"] = rows["frame"] * interval
    by_time = rows.groupby("time")[prop]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes: Any = figure.add_subplot()
        if linked:
            _particle_lines(axes, rows, prop)
        _mean_and_spread(axes, by_time.mean(), by_time.std(ddof=0).to_numpy())
        time = "frame" if unit == "frame" else axis_label("time", unit)
        _name_axes(axes, [time, axis_label(prop, column_units(table).get(prop, ""))])
        box = axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=3)
        handles = box.legend_handles
        if linked:
            handles[0].set_alpha(0.8)  # one of many faint lines, alone
    return figure


def axis_label(name: str, unit: str) -> str:
    """Return what an axis says of a column and its units.

    >>> axis_label("area_px", "px^2"), axis_label("centroid_x", "nm"), axis_label("label", "")
    ('area (px²)', 'centroid x (nm)', 'label')
    """
    words = name.removesuffix("_px").replace("_", " ")
    signs = unit.replace("^2", "²").replace("^3", "³")
    return (f"{words} ({signs})" if unit else words).replace("$", r"\$")


def _several(tables: Any) -> list[Table]:
    is_table_or_list = hasattr(tables, "columns") or hasattr(tables, "table")
    several = [tables] if is_table_or_list or not isinstance(tables, Iterable) else list(tables)
    for table in several:
        require_table(table)
    return several


def _finite(table: Table, columns: Sequence[str]) -> NDArray[np.float64]:
    """Return those rows of the columns that are finite, computed where the table is lazy."""
    require_columns(table, columns)
    for name in columns:
        if table[name].dtype.kind not in "biuf":
            raise ValueError(f"column {name!r} of type {table[name].dtype} holds no numbers")
    chosen = table[list(dict.fromkeys(columns))]
    known = chosen if isinstance(chosen, pd.DataFrame) else chosen.compute()
    picked: NDArray[np.float64] = known[list(columns)].to_numpy(np.float64)
    return picked[np.isfinite(picked).all(axis=1)]


def _require_some(groups: Sequence[NDArray[Any]], columns: Sequence[str]) -> None:
    if not any(map(len, groups)):
        raise ValueError(
            f"no particle has a finite {' and '.join(columns)}: there is nothing to plot"
        )


def _common_unit(tables: Sequence[Table], name: str) -> str:
    units = list(dict.fromkeys(column_units(table).get(name, "") for table in tables))
    if len(units) > 1:
        stated = " and in ".join(unit or "no units" for unit in units)
        raise ValueError(f"{name} is in {stated}: plot tables of the same units")
    return units[0]


def _histogram(
    axes: Any,
    groups: Sequence[NDArray[np.float64]],
    titles: Sequence[str],
    bins: int | str | Sequence[float],
) -> None:
    together = np.concatenate(groups)[:, 0]
    edges = np.histogram_bin_edges(together, bins)
    if isinstance(bins, str) and len(edges) > _MOST_BINS + 1:
        edges = np.histogram_bin_edges(together, _MOST_BINS)
    for k, (values, title) in enumerate(zip(groups, titles, strict=True)):
        colour = _COLOURS[k % len(_COLOURS)]
        look: dict[str, Any] = {"color": colour, "edgecolor": "white", "linewidth": 0.5}
        if len(groups) > 1:  # one must show through the other
            look = {"facecolor": (colour, 0.3), "edgecolor": colour, "linewidth": 1.2}
        style = "bar" if len(groups) == 1 else "stepfilled"
        axes.hist(values[:, 0], edges.tolist(), histtype=style, label=title, **look)
    axes.grid(visible=False, axis="x")
    axes.set_ylim(bottom=0)


def _scatter(
    axes: Any, groups: Sequence[NDArray[np.float64]], titles: Sequence[str], _bins: Any
) -> None:
    for k, (values, title) in enumerate(zip(groups, titles, strict=True)):
        many = len(values) > 1000
        look: dict[str, Any] = {"s": 6 if many else 16, "rasterized": many, "label": title}
        if values.shape[1] == 3:  # on top of its transparency this would hide what is far
            look["depthshade"] = False
        axes.scatter(
            *values.T,
            alpha=(0.35 if many else 0.7) if k == 0 else 1,  # else it blends with what is below
            color=_COLOURS[k % len(_COLOURS)],
            linewidths=0,
            **look,
        )


def _particle_lines(axes: Axes, rows: pd.DataFrame, prop: str) -> None:
    ordered = rows[rows["particle"] > 0].sort_values(["particle", "time"])
    points = ordered[["time", prop]].to_numpy()
    starts = np.flatnonzero(np.diff(ordered["particle"].to_numpy())) + 1
    lines = np.split(points, starts) if len(points) else []
    alpha = float(np.clip(40 / max(1, len(lines)), 0.06, 0.6))  # many are a shade, not a blot
    axes.add_collection(
        LineCollection(lines, colors="#5b6570", linewidths=0.8, alpha=alpha, label="particles")
    )


def _mean_and_spread(axes: Axes, means: Any, deviation: NDArray[Any]) -> None:
    time, mean = means.index.to_numpy(), means.to_numpy()
    colour = _COLOURS[0]
    axes.fill_between(
        time,
        mean - deviation,
        mean + deviation,
        color=colour,
        alpha=0.18,
        linewidth=0,
        label="standard deviation",
    )
    marker = "o" if len(time) <= 60 else ""
    axes.plot(time, mean, color=colour, linewidth=1.8, marker=marker, markersize=4, label="mean")


def _name_axes(axes: Any, labels: Sequence[str]) -> None:
    pad = {"labelpad": 9.0} if len(labels) == 3 else {}  # else ticks run into the names
    for axis, label in zip("xyz", labels, strict=False):
        getattr(axes, f"set_{axis}label")(label, **pad)
