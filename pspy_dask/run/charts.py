"""Charts of the table of particles, as SVG that a page can hold."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pspy_dask.run.wording import titled, with_unit

_BLUE, _RED, _GREY = "#2f6f9f", "#c0392b", "#5b6570"
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": "#8a949e",
    "axes.labelcolor": "#20272e",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e7eaed",
    "grid.linewidth": 0.7,
    "xtick.color": "#5b6570",
    "ytick.color": "#5b6570",
}
_MANY = 1500  # points past which a scatter plot is a blot


@dataclass(frozen=True)
class Chart:
    """A chart as a data address, what it shows, and whether it takes the width of the page."""

    title: str
    data: str
    wide: bool = False


def size_chart(diameters: NDArray[np.float64], unit: str) -> Chart:
    """Return the distribution of equivalent diameters, on a logarithmic axis where very skewed."""
    skewed = bool(np.percentile(diameters, 99) > 12 * np.median(diameters)) and diameters.min() > 0
    edges = bin_edges(diameters, log=skewed)
    figure, axes = _figure()
    axes.hist(diameters, edges.tolist(), color=_BLUE, edgecolor="white", linewidth=0.4)
    if skewed:
        axes.set_xscale("log")
    median = float(np.median(diameters))
    axes.axvline(median, color=_RED, linewidth=1.2)
    right = bool(
        axes.transAxes.inverted().transform(axes.transData.transform((median, 0)))[0] > 0.6
    )
    axes.annotate(
        with_unit(f"median {median:.4g}", unit),
        (median, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if right else 5, -3),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        color=_RED,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
    )
    axes.set(xlabel=titled("equivalent diameter", unit), ylabel="particles")
    return _chart("Size distribution", figure)


def intensity_chart(
    diameters: NDArray[np.float64], intensity: NDArray[np.float64], unit: str
) -> Chart | None:
    """Return mean intensity against size; None where no particle has an intensity."""
    known = np.isfinite(intensity)
    if not known.any():
        return None
    x, y = diameters[known], intensity[known]
    figure, axes = _figure()
    if x.size > _MANY:
        count = axes.hexbin(x, y, gridsize=48, bins="log", mincnt=1, cmap="Blues", linewidths=0.1)
        count.set_clim(vmin=0.5)
        bar = figure.colorbar(count, ax=axes, pad=0.02, aspect=28)
        bar.set_label("particles")
        bar.outline.set_visible(False)
    else:
        axes.scatter(x, y, s=12, color=_BLUE, alpha=0.55, linewidths=0)
    axes.set(xlabel=titled("equivalent diameter", unit), ylabel="mean intensity (counts)")
    return _chart("Intensity against size", figure)


def series_chart(counts: NDArray[np.int64], times: NDArray[np.float64], unit: str) -> Chart:
    """Return the number of particles of each frame against time."""
    figure, axes = _figure(wide=True)
    marker = "o" if counts.size <= 60 else ""
    axes.plot(times, counts, color=_BLUE, marker=marker, markersize=4, linewidth=1.4)
    axes.set_ylim(0, max(1.0, 1.1 * float(counts.max())))
    axes.set(xlabel="frame" if unit == "frame" else titled("time", unit), ylabel="particles")
    return _chart("Particles over time", figure, wide=True)


def all_charts(
    table: pd.DataFrame, unit: str, times: Sequence[float] | None, time_unit: str
) -> list[Chart]:
    """Return the charts that this table has data for."""
    if table.empty:
        return []
    unit, time_unit = _plain(unit), _plain(time_unit)
    diameters = table["equivalent_diameter"].to_numpy(np.float64)
    charts = [size_chart(diameters, unit)]
    if "intensity_mean" in table:
        chart = intensity_chart(diameters, table["intensity_mean"].to_numpy(np.float64), unit)
        charts += [chart] if chart else []
    if times is not None:
        counts = np.bincount(table["frame"].to_numpy(np.int64), minlength=len(times))
        charts.append(series_chart(counts, np.asarray(times, np.float64), time_unit))
    return charts


def _plain(unit: str) -> str:
    r"""Return a unit, which a file may state as it likes, as text that is no formula and short.

    >>> _plain("nm"), _plain("$x$"), len(_plain("x" * 99))
    ('nm', '\\$x\\$', 16)
    """
    short = unit if len(unit) <= 16 else unit[:15] + "…"
    return short.replace("$", r"\$")


def bin_edges(values: NDArray[np.float64], *, log: bool = False) -> NDArray[np.float64]:
    """Return 8 to 60 bins over the values, by the rule of Freedman and Diaconis.

    >>> bin_edges(np.array([2.0])).tolist()
    [1.5, 2.5]
    """
    scaled = np.log10(values) if log else values
    low, high = float(scaled.min()), float(scaled.max())
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high, bins = low - 0.5, low + 0.5, 1
    else:
        spread = float(np.subtract(*np.percentile(scaled, (75, 25))))
        width = 2 * spread / values.size ** (1 / 3)
        bins = int(np.clip((high - low) / width, 8, 60)) if width > 0 else 20
    edges: NDArray[np.float64] = np.linspace(low, high, bins + 1)
    return 10**edges if log else edges


def _figure(*, wide: bool = False) -> tuple[Figure, Axes]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10.6, 2.6) if wide else (5.2, 3.4), layout="constrained")
        axes = figure.add_subplot()
    return figure, axes


def _chart(title: str, figure: Figure, *, wide: bool = False) -> Chart:
    buffer = BytesIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": title}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a box stands for a sign that no font has
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    data = "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
    return Chart(title, data, wide)
