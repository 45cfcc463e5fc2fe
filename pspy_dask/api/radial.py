"""ParticleSpy's radial profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pspy_dask.api.one_particle import particle
from pspy_dask.api.showing import show
from pspy_dask.io.microscopy import is_signal
from pspy_dask.io.signals import axis_unit, plain_pixels
from pspy_dask.particles.radial import radial_profile as profile_of

Profile = tuple[list[int], list[float]]


def radial_profile(
    particle: particle, signals: Sequence[str], plot: bool = True, mark_radius: bool = False
) -> dict[str, Profile]:
    """Return the mean of a particle's image or maps at each distance from the middle.

    Parameters
    ----------
    particle
        With an image, and maps where they are asked for.
    signals
        ``"Image"``, or names of elements.
    plot, mark_radius
        Whether to show them, with the radius of the circle of the particle's area.

    Returns
    -------
    dict
        By signal whole distances in pixels and the means.
    """
    profiles = {name: _profile(_signal(particle, name)) for name in signals}
    if plot:
        scale, units = _scale(particle.image)
        diameter = particle.properties["equivalent circular diameter"]["value"]
        plot_profile(profiles, scale, units, mark_radius=mark_radius, radius=diameter / 2)
    return profiles


def plot_profile(
    dist_count_dic: Mapping[str, Profile],
    scale: float,
    units: str,
    mark_radius: bool = False,
    radius: float = 1.0,
    save: bool = False,
    dir_save: str | Path | None = None,
) -> None:
    """Show a plot of radial profiles, and write it to ``dir_save`` where ``save`` is True."""
    figure = Figure(layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(f"Distance from particle centre ({units or 'no unit'})")
    axes.set_ylabel("Mean intensity")
    for name, (distances, means) in dist_count_dic.items():
        axes.plot(np.multiply(distances, scale), means, label=name)
    if mark_radius:
        axes.axvline(radius, color="k", linestyle="--")
    axes.legend()
    if save and dir_save is None:
        raise ValueError("there is no name to save the plot by: give dir_save")
    if save and dir_save is not None:
        figure.savefig(dir_save, dpi=600)
    show(figure)


def _signal(own: particle, name: str) -> Any:
    if name != "Image" and name not in getattr(own, "maps", {}):
        raise ValueError(
            f"the particle has no map {name!r}: analyse with generate_eds(store_maps=True), or "
            "ask for 'Image'"
        )
    return plain_pixels(own.image if name == "Image" else own.maps[name])


def _profile(pixels: Any) -> Profile:
    found = np.asarray(profile_of(np.asarray(pixels)))
    distances = np.flatnonzero(np.isfinite(found))
    return distances.tolist(), found[distances].tolist()


def _scale(image: Any) -> tuple[float, str]:
    if is_signal(image):
        axis = image.axes_manager.signal_axes[0]
        return float(axis.scale), axis_unit(axis)
    attrs = image.coords["x"].attrs if "x" in getattr(image, "coords", {}) else {}
    return float(attrs.get("step", 1.0)), str(attrs.get("units", "px"))
