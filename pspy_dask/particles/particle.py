"""One particle: its properties, and its own pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import xarray as xr

from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import spatial_axes
from pspy_dask.particles.crops import (
    Pictures,
    box_of,
    crop,
    crop_mask,
    only,
    require_bounds,
)
from pspy_dask.particles.radial import profile_about


@dataclass(frozen=True, eq=False)
class Particle:
    """A particle of a list.

    Attributes
    ----------
    properties
        Values by name: a row of the table.
    units
        Their units, empty where there are none.
    pictures
        Labels and image that it lies in.

    Examples
    --------
    >>> import numpy as np
    >>> import pspy_dask as ps
    >>> image = np.array([[0, 0, 0, 0], [0, 7, 9, 0], [0, 8, 0, 0], [0, 0, 0, 0]])
    >>> particle = ps.find_particles(image)[0]
    >>> particle.label, particle.properties["area"], particle.units["area"]
    (1, 3.0, 'px^2')
    >>> particle.image.values.tolist(), particle.mask.values.tolist()
    ([[7, 9], [8, 0]], [[True, True], [True, False]])
    """

    properties: Mapping[str, Any]
    units: Mapping[str, str]
    pictures: Pictures

    def __repr__(self) -> str:
        at = "" if self.frame is None else f" of frame {self.frame}"
        return f"<Particle {self.label}{at}: {len(self.properties)} properties>"

    @property
    def label(self) -> int:
        """Its number in the labels."""
        return int(self.properties["label"])

    @property
    def frame(self) -> int | None:
        """Its frame in a series, else None."""
        return int(self.properties["frame"]) if "frame" in self.properties else None

    @property
    def image(self) -> xr.DataArray:
        """The image in its bounds, lazily and in the image's coordinates."""
        return self.crop()

    @property
    def mask(self) -> xr.DataArray:
        """Its pixels in its bounds, True inside; lazily."""
        return self.crop_mask()

    def crop(self, pad: int = 0, *, p_only: bool = False, fill: float = 0) -> xr.DataArray:
        """Return the image around the particle; computed, it reads that part alone.

        Parameters
        ----------
        pad
            Pixels to be added on every side, as far as the image has them.
        p_only
            Have the particle only: every other pixel gets the value ``fill``.
        fill
            That value; nan makes integers floats.
        """
        image = self.pictures.require_image()
        pixels = crop(image, self._box(image, pad))
        return only(pixels, self.crop_mask(pad), fill) if p_only else pixels

    def crop_mask(self, pad: int = 0) -> xr.DataArray:
        """Return the mask of what :meth:`crop` returns."""
        labels = self.pictures.require_labels()
        return crop_mask(labels, self._box(labels, pad), self.label)

    def radial_profile(
        self,
        *,
        weighted: bool = False,
        p_only: bool = True,
        pad: int = 0,
        step: float | None = None,
        bins: int | None = None,
    ) -> xr.DataArray:
        """Return the mean of the image at each distance from the particle's centroid, lazily.

        Parameters
        ----------
        weighted
            Take the centroid that is weighted by intensity: the table must have it.
        p_only
            Count the pixels of the particle alone.
        pad
            Else count pixels so far beyond its bounds, too.
        step, bins
            See :func:`pspy_dask.radial_profile`.
        """
        image = self.pictures.require_image()
        box = self._box(image, pad)
        name = "centroid_weighted" if weighted else "centroid"
        space = spatial_axes(image)
        columns = [f"{name}_{dim}_px" for dim in space]
        if any(column not in self.properties for column in columns):
            raise ValueError(
                f"the table has no {name}: measure it with {name!r} among the properties"
            )
        corner = dict(zip(image.dims, box.start, strict=True))
        at = [self.properties[c] - corner[d] for c, d in zip(columns, space, strict=True)]
        pixels = self.crop(pad, p_only=p_only, fill=nan if p_only else 0)
        return profile_about(pixels, at, step=step, bins=bins)

    def _box(self, image: xr.DataArray, pad: int) -> Box:
        if pad < 0:
            raise ValueError(f"pad is {pad}: give 0 or more pixels")
        require_bounds(self.properties, image)
        return box_of(self.properties, image, pad=pad)
