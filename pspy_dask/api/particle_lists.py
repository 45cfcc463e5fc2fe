"""ParticleSpy's lists of particles, over the tables of the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pspy_dask.api.one_particle import particle
from pspy_dask.api.showing import show
from pspy_dask.io.particlespy_files import StoredParticle, write_particles
from pspy_dask.io.signals import boxed, plain_pixels
from pspy_dask.particles.grouping import Method, cluster_particles
from pspy_dask.particles.plots import plot_properties

_METHODS: dict[str, Method] = {"Kmeans": "kmeans", "DBSCAN": "dbscan", "OPTICS": "optics"}


class particle_list:  # noqa: N801
    """A list of particles.

    Attributes
    ----------
    list
        The particles.
    """

    def __init__(self) -> None:
        self.list: list[particle] = []

    def __len__(self) -> int:
        return len(self.list)

    def __iter__(self) -> Iterator[particle]:
        return iter(self.list)

    def append(self, particle: particle) -> None:
        """Add a particle."""
        self.list.append(particle)

    def save(self, filename: str | Path) -> None:
        """Write ParticleSpy's HDF5 file: properties, masks, images and backgrounds.

        Raises
        ------
        ValueError
            A particle has no mask.
        FileNotFoundError
            There is no such folder.
        """
        for number, own in enumerate(self.list):
            if not own.has_mask:
                raise ValueError(
                    f"particle {number} has no mask, which the file must hold: give it one with "
                    "set_mask"
                )
        write_particles(filename, map(_stored, self.list))

    def plot(self, prop_list: str | Sequence[str] = ("area",), **kwargs: Any) -> None:
        """Show a histogram of one property, or a scatter plot of two or three.

        Parameters
        ----------
        prop_list
            Names of properties.
        **kwargs
            ``bins`` of the histogram: their number, their edges, or a rule of NumPy's; and
            properties of Matplotlib's bars or points, such as ``color`` and ``alpha``; ``c`` and
            ``s`` of its scatter plots, too.

        Raises
        ------
        TypeError
            A keyword is neither.
        ValueError
            A particle lacks a property, or there are none or more than three.
        """
        plot([self], prop_list, **kwargs)

    def normalize_boxing(self, even: bool = False) -> None:
        """Give all images of particles one size, that of the longest side among them.

        Each lies in the middle of its lowest value, half a pixel before it where that lies
        between two pixels. With ``even`` the size is even.
        """
        side = max((n for own in self.list for n in plain_pixels(own.image).shape), default=0)
        side += side % 2 if even else 0
        for own in self.list:
            own.image = boxed(own.image, side)

    def cluster_particles(
        self,
        algorithm: str = "Kmeans",
        properties: Sequence[str] | None = None,
        n_clusters: int = 2,
        eps: float = 0.2,
        min_samples: int = 5,
    ) -> list[particle_list]:
        """Return a list for each cluster of particles that are alike in some properties.

        Parameters
        ----------
        algorithm
            ``Kmeans``, ``DBSCAN`` or ``OPTICS``.
        properties
            Names of properties; all that every particle has, by default.
        n_clusters, eps, min_samples
            As :func:`pspy_dask.cluster_particles` takes them, ``eps`` for DBSCAN alone.

        Returns
        -------
        list of particle_list
            In the order of the means of the first property; for DBSCAN and OPTICS the noise
            stands first. Every particle has its ``cluster_number``; those of which a property is
            not finite have -1, as noise has.

        Raises
        ------
        ValueError
            The algorithm is unknown, a property is missing or no number.
        """
        if algorithm not in _METHODS:
            raise ValueError(f"unknown algorithm {algorithm!r}: choose of {', '.join(_METHODS)}")
        names = _common(self.list) if properties is None else list(properties)
        method = _METHODS[algorithm]
        found = cluster_particles(
            table_of(self.list, names),
            names,
            n_clusters=n_clusters,
            method=method,
            eps=eps if method == "dbscan" else None,
            min_samples=min_samples,
        )
        numbers = np.asarray(found["cluster"]) - 1
        for own, number in zip(self.list, numbers.tolist(), strict=True):
            own.cluster_number = number
        first = 0 if method == "kmeans" else -1
        return [self._of_cluster(k) for k in range(first, numbers.max(initial=-1) + 1)]

    def _of_cluster(self, number: int) -> particle_list:
        part = particle_list()
        part.list = [own for own in self.list if own.cluster_number == number]
        return part


def plot(
    particle_lists: Sequence[particle_list],
    prop_list: str | Sequence[str] = ("area",),
    *,
    properties: str | Sequence[str] | None = None,
    **kwargs: Any,
) -> None:
    """Show properties of several lists in one plot, told apart by colour.

    See `particle_list.plot`. ``properties`` is another name of ``prop_list``, which ParticleSpy's
    documentation uses.
    """
    prop_list = prop_list if properties is None else properties
    names = [prop_list] if isinstance(prop_list, str) else list(prop_list)
    tables = [table_of(each.list, list(dict.fromkeys(names))) for each in particle_lists]
    bins = kwargs.pop("bins", "auto")
    if "c" in kwargs:
        kwargs["color"] = kwargs.pop("c")
    if "s" in kwargs:
        kwargs["sizes"] = np.atleast_1d(kwargs.pop("s"))
    show(plot_properties(tables, names, bins=bins), kwargs)


def table_of(particles: Sequence[particle], names: Sequence[str]) -> pd.DataFrame:
    """Return properties of particles as a table with its units.

    Raises
    ------
    ValueError
        A particle has no such property.
    """
    for name in names:
        if any(name not in own.properties for own in particles):
            known = _common(particles)
            raise ValueError(f"not all particles have {name!r}: all have {', '.join(known)}")
    columns = {name: [own.properties[name]["value"] for own in particles] for name in names}
    table = pd.DataFrame(columns)
    table.attrs["units"] = {
        name: next((own.properties[name]["units"] or "" for own in particles), "") for name in names
    }
    return table


def _common(particles: Sequence[particle]) -> list[str]:
    """Return the properties that every particle has a number of, in their order."""
    if not particles:
        return []
    return [
        name
        for name in particles[0].properties
        if all(_is_number(own.properties.get(name, {}).get("value")) for own in particles)
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _stored(own: particle) -> StoredParticle:
    properties = {name: (each["value"], each["units"]) for name, each in own.properties.items()}
    image = None if own._image is None else np.asarray(plain_pixels(own.image))
    return StoredParticle(properties, own.placed_mask(), image, own._background)
