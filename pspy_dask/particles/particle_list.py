"""Lists of particles: a table, seen as particles that know their own pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any, overload

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pspy_dask.blocks.images import ImageLike
from pspy_dask.particles.boxing import boxed, stack_crops
from pspy_dask.particles.columns import put_column, require_columns
from pspy_dask.particles.crops import Pictures
from pspy_dask.particles.grouping import Method, cluster_particles
from pspy_dask.particles.joining import SOURCE, all_units, join_tables, positions, sources_of
from pspy_dask.particles.particle import Particle
from pspy_dask.particles.plots import plot_over_time, plot_properties
from pspy_dask.particles.spectra import SignalAxes, sum_spectra


@dataclass(frozen=True, eq=False, init=False)
class Particles(Sequence[Particle]):
    """A list of particles: the rows of a table, each with lazy crops of its image and mask.

    Nothing of the pixels is read until a crop is computed, and then that part alone. A list is
    written by :func:`pspy_dask.save_particles` and read by :func:`pspy_dask.load_particles`, and
    has no methods of its own for it: what reads and writes files stands above it.

    Parameters
    ----------
    table
        One row a particle, as :func:`pspy_dask.region_properties` returns it, computed.
    labels
        The labels that it was measured from; masks come from them. Labels that a recipe makes
        are made anew for each crop: store or persist them first, as
        :func:`pspy_dask.find_particles` does.
    image
        The image; crops come from it. Where only one of the two states a pixel size, it is that
        of both.

    Attributes
    ----------
    table
        The table. In a list of several images its column ``source`` numbers them from 0.
    pictures
        Labels and image of each source.

    Raises
    ------
    TypeError
        The table is lazy.
    ValueError
        The table has no column ``label``; labels and image differ in shape, or state different
        pixel sizes.

    Examples
    --------
    >>> from pspy_dask.particles.properties import region_properties
    >>> labels, image = np.array([[1, 1, 0], [0, 0, 2]]), np.array([[5, 6, 7], [8, 9, 10]])
    >>> particles = Particles(region_properties(labels, image).compute(), labels, image)
    >>> len(particles), particles[0].properties["area"], particles[1].image.values.tolist()
    (2, 2.0, [[10]])
    >>> [particle.label for particle in particles[particles["area"] > 1]]
    [1]
    """

    table: pd.DataFrame
    pictures: tuple[Pictures, ...]

    def __init__(
        self,
        table: pd.DataFrame,
        labels: ImageLike | None = None,
        image: ImageLike | None = None,
    ) -> None:
        if not isinstance(table, pd.DataFrame):
            raise TypeError(
                f"the table is a {type(table).__name__}, and a list knows its length: compute "
                "it first, or use find_particles"
            )
        require_columns(table, ["label"])
        if SOURCE in table and table[SOURCE].any():
            raise ValueError("the table is of several images: make a list of each and join them")
        self._set(table.drop(columns=SOURCE, errors="ignore"), (Pictures.of(labels, image),))

    def _set(self, table: pd.DataFrame, pictures: tuple[Pictures, ...]) -> None:
        own = table.reset_index(drop=True)
        own.attrs = dict(table.attrs)
        object.__setattr__(self, "table", own)
        object.__setattr__(self, "pictures", pictures)

    @classmethod
    def of_pictures(cls, table: pd.DataFrame, pictures: Sequence[Pictures]) -> Particles:
        """Return a list of these rows, whose column ``source`` says in which pictures they lie."""
        result = cls.__new__(cls)
        result._set(table, tuple(pictures))
        return result

    @classmethod
    def concat(cls, lists: Sequence[Particles]) -> Particles:
        """Return all particles of several lists; each still knows its own image and labels.

        Raises
        ------
        ValueError
            There are no lists, or they differ in columns or units.
        """
        if not lists:
            raise ValueError("there are no lists to join: give one or more")
        table = join_tables(
            [particles.table for particles in lists],
            [len(particles.pictures) for particles in lists],
        )
        pictures = [each for particles in lists for each in particles.pictures]
        return cls.of_pictures(table, pictures)

    def append(self, other: Particles) -> Particles:
        """Return this list and another one behind it."""
        return self.concat([self, other])

    @property
    def units(self) -> dict[str, str]:
        """Units of the columns, empty where there are none."""
        return all_units(self.table)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        several = f" of {len(self.pictures)} images" if len(self.pictures) > 1 else ""
        return f"<{len(self)} particles{several}: {', '.join(map(str, self.table.columns))}>"

    def _repr_html_(self) -> str:
        return str(self.table.to_html(max_rows=10))

    def __iter__(self) -> Iterator[Particle]:
        columns = [self.table[name].tolist() for name in self.table.columns]
        names, units = list(map(str, self.table.columns)), MappingProxyType(self.units)
        for source, *values in zip(sources_of(self.table).tolist(), *columns, strict=True):
            row = MappingProxyType(dict(zip(names, values, strict=True)))
            yield Particle(row, units, self.pictures[source])

    @overload
    def __getitem__(self, which: int) -> Particle: ...
    @overload
    def __getitem__(self, which: str) -> pd.Series[Any]: ...
    @overload
    def __getitem__(
        self, which: slice | list[int] | list[bool] | NDArray[Any] | pd.Series[Any]
    ) -> Particles: ...

    def __getitem__(self, which: Any) -> Any:
        """Return a particle by position, a column by name, or those of a slice, mask or list."""
        if isinstance(which, str):
            require_columns(self.table, [which])
            return self.table[which]
        if isinstance(which, int | np.integer):
            at = int(which)
            if not -len(self) <= at < len(self):
                raise IndexError(f"there is no particle {at}: the list has {len(self)}")
            at %= len(self)
            return next(iter(self[at : at + 1]))
        if not isinstance(which, slice):
            which = positions(which, len(self))
        table = self.table.iloc[which]
        table.attrs = dict(self.table.attrs)
        return self.of_pictures(table, self.pictures)

    def with_table(self, table: pd.DataFrame) -> Particles:
        """Return the list of the rows of another table of the same labels and images.

        So ``particles.with_table(ps.link(particles.table, distance=5))`` knows trajectories.
        """
        require_columns(table, ["label", *([SOURCE] if SOURCE in self.table else [])])
        return self.of_pictures(table, self.pictures)

    def with_column(self, name: str, values: Any, unit: str = "") -> Particles:
        """Return the list with one property more, or another in the place of that one."""
        table = put_column(name, self.table, values)
        table.attrs["units"][name] = unit
        return self.with_table(table)

    def plot(
        self,
        properties: str | Sequence[str],
        *,
        beside: Sequence[Particles] = (),
        names: Sequence[str] | None = None,
        bins: int | str | Sequence[float] = "auto",
    ) -> Figure:
        """Return a histogram of one property, or a scatter plot of two or three.

        Other lists ``beside`` this one are told apart by colour; for the rest see
        :func:`pspy_dask.plot_properties`.
        """
        tables = [particles.table for particles in (self, *beside)]
        return plot_properties(tables, properties, names=names, bins=bins)

    def plot_over_time(self, prop: str, *, interval: float = 1.0, unit: str = "frame") -> Figure:
        """Return a plot of a property against time; see :func:`pspy_dask.plot_over_time`."""
        return plot_over_time(self.table, prop, interval=interval, unit=unit)

    def cluster_particles(
        self,
        properties: Sequence[str],
        *,
        n_clusters: int = 2,
        method: Method = "kmeans",
        seed: int = 0,
        eps: float | None = None,
        min_samples: int = 5,
    ) -> Particles:
        """Return the list with a property ``cluster``; see :func:`pspy_dask.cluster_particles`."""
        table = cluster_particles(
            self.table,
            properties,
            n_clusters=n_clusters,
            method=method,
            seed=seed,
            eps=eps,
            min_samples=min_samples,
        )
        assert isinstance(table, pd.DataFrame)
        return self.with_table(table)

    def normalize_boxing(self, even: bool = False) -> xr.Dataset:
        """Return image and mask of all particles in squares or cubes of one size, as lazy stacks.

        Parameters
        ----------
        even
            Make their sides even.

        Returns
        -------
        xarray.Dataset
            ``image`` and ``mask``, as far as the list has them, of axes ``particle``, [z,] y, x,
            and the coordinate ``label``. The side is the length of the longest particle along
            any axis. Every crop is in the middle, half a pixel before it where it lies
            between two, and zeros are around it. y and x count from the corner of the box, in
            physical units where all images have the same pixels.

        Raises
        ------
        ValueError
            There are no particles, no pixels, or the table lacks the bounds.
        """
        if not len(self):
            raise ValueError("there are no particles: a stack needs one or more")
        groups = groupby(self, key=lambda particle: particle.pictures)
        return stack_crops(
            [boxed(pictures, [p.properties for p in own]) for pictures, own in groups], even=even
        )

    def sum_spectra(self, spectra: Any, *, signal_axes: SignalAxes | None = None) -> xr.DataArray:
        """Return the spectrum of each particle, in the order of the list.

        Lazily and in one pass over the spectrum image; see :func:`pspy_dask.sum_spectra`. Of a
        HyperSpy signal give ``ps.open_spectra(signal)``.
        """
        self._require_one_source("sum spectra of")
        labels = self.pictures[0].require_labels()
        numbers = self.table["label"].tolist()
        return sum_spectra(labels, spectra, numbers=numbers, signal_axes=signal_axes)

    def _require_one_source(self, what: str) -> None:
        if len(self.pictures) > 1:
            raise ValueError(f"the list is of {len(self.pictures)} images: {what} one at a time")
