"""Figures shown as pyplot shows its own, which ParticleSpy's scripts rely on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def show(figure: Figure, style: Mapping[str, Any] | None = None) -> None:
    """Show a figure below the cell of a notebook or in a window; it is pyplot's current one then.

    Parameters
    ----------
    figure
        Made without pyplot.
    style
        Properties of Matplotlib, such as ``alpha``, for all bars and points.
    """
    for axes in figure.axes:
        for artist in (*axes.patches, *axes.collections):
            artist.set(**(style or {}))
    canvas = plt.figure(figsize=tuple(figure.get_size_inches())).canvas
    canvas.figure = figure  # the window of an empty figure takes this one in its place
    figure.set_canvas(canvas)
    if plt.get_backend().lower() != "agg":  # which warns that it cannot
        plt.show()
