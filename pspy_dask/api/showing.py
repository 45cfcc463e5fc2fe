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

    Raises
    ------
    TypeError
        Bars or points have no such property.
    """
    drawn = [artist for axes in figure.axes for artist in (*axes.patches, *axes.collections)]
    for artist in drawn:
        strange = [name for name in style or {} if not hasattr(artist, f"set_{name}")]
        if strange:
            raise TypeError(
                f"{strange[0]!r} is no property of what is drawn: give bins, or a property of "
                f"Matplotlib's {type(artist).__name__} such as color, alpha or linewidth"
            )
        artist.set(**(style or {}))
    canvas = plt.figure(figsize=tuple(figure.get_size_inches())).canvas
    canvas.figure = figure  # the window of an empty figure takes this one in its place
    figure.set_canvas(canvas)
    if plt.get_backend().lower() != "agg":  # which warns that it cannot
        plt.show()
