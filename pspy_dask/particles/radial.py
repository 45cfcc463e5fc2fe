"""Radial profiles: the mean of an image at each distance from a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.coordinates import first_positions
from pspy_dask.blocks.images import (
    ImageLike,
    as_image,
    axis_units,
    has_frames,
    named_array,
    pixel_size,
    require_ascending,
    spatial_axes,
)
from pspy_dask.blocks.reduce import PartialFunction, reduce_windows
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.exact_sums import grouped_limbs, to_float
from pspy_dask.kernels.limbs import Limbs, limbs_to_ints


def radial_profile(
    image: ImageLike,
    center: Sequence[float] | None = None,
    *,
    step: float | None = None,
    bins: int | None = None,
) -> xr.DataArray:
    """Return the mean of an image at each distance from a point, the same whatever the chunks.

    Parameters
    ----------
    image
        Image or crop of shape ``([t,] [z,] y, x)``. Pixels that are not finite do not count, so
        ``image.where(mask)`` gives the profile of a part of it.
    center
        A coordinate along each axis of space, in the units of the image's coordinates; by
        default its middle.
    step
        Width of a bin in these units; by default the smaller side of a pixel.
    bins
        Number of bins; by default they reach the farthest corner. Pixels beyond do not count.

    Returns
    -------
    xarray.DataArray
        Lazy, of axis ``radius``, whose coordinates are the middles of the bins, after ``t`` in a
        series. float64; nan where a bin has no pixel. A pixel belongs to bin k where its middle
        is at least ``k * step`` and less than ``(k + 1) * step`` away.

    Raises
    ------
    ValueError
        The axes have different units or do not ascend; a center, step or number of bins that
        cannot be.

    Notes
    -----
    Sums are exact, so each mean is the correctly rounded one (of 64-bit integers as doubles).

    Examples
    --------
    >>> image = np.array([[5.0, 1.0, 5.0], [1.0, 9.0, 1.0], [5.0, 1.0, 5.0]])
    >>> profile = radial_profile(image)
    >>> profile.values.tolist(), profile.radius.values.tolist()
    ([9.0, 3.0], [0.5, 1.5])
    """
    pixels = as_image(image)
    space = spatial_axes(pixels)
    require_ascending(pixels)
    steps, origin = pixel_size(pixels), first_positions(pixels)
    if center is None:
        at = [(pixels.sizes[d] - 1) / 2 for d in space]
    elif len(center) != len(space):
        raise ValueError(f"center has {len(center)} coordinates: give one for {', '.join(space)}")
    else:
        at = [(c - origin[d]) / steps[d] for c, d in zip(center, space, strict=True)]
    return profile_about(pixels, at, step=step, bins=bins)


def profile_about(
    image: xr.DataArray, at: Sequence[float], *, step: float | None, bins: int | None
) -> xr.DataArray:
    """Return the profile about a point that is given in pixels from the first one."""
    space = spatial_axes(image)
    sides = tuple(pixel_size(image)[d] for d in space)
    units = {axis_units(image)[d] for d in space}
    if len(units) > 1:
        raise ValueError(f"{', '.join(space)} have different units: distances are not defined")
    if not all(map(isfinite, at)):
        raise ValueError(f"the center is {tuple(at)} pixels from the first: give finite numbers")
    width = min(sides) if step is None else float(step)
    if not (isfinite(width) and width > 0):
        raise ValueError(f"step is {step}: give a length above 0")
    if bins is None:
        corners = [
            max(abs(c), abs(image.sizes[d] - 1 - c)) * s
            for c, d, s in zip(at, space, sides, strict=True)
        ]
        # A corner on the edge of a bin must not fall out by rounding.
        bins = int(sqrt(sum(c * c for c in corners)) / width * (1 + 1e-12)) + 1
    if bins < 1:
        raise ValueError(f"bins is {bins}: give 1 or more")
    frames = has_frames(image)
    data = reduce_windows(
        image.data,
        RadialMeans(tuple(map(float, at)), sides, width, int(bins)),
        halo=(0,) * (image.ndim - frames),
        length=int(bins),
        dtype=np.float64,
        frames=frames,
    )
    attrs = {"units": units.pop(), "step": width}
    radius = xr.Variable("radius", (np.arange(bins) + 0.5) * width, attrs)
    coords: dict[str, Any] = {"radius": radius}
    if frames and "t" in image.coords:
        coords["t"] = image.coords["t"]
    dims = ("t", "radius") if frames else ("radius",)
    return named_array(data, coords, dims, name=image.name, attrs=image.attrs)


@dataclass(frozen=True)
class RadialMeans:
    """The reducer of :func:`pspy_dask.blocks.reduce.reduce_windows` for radial profiles.

    Attributes
    ----------
    center
        In pixels along the axes of space.
    sides
        Lengths of a pixel.
    step, bins
        Width and number of the bins.
    """

    center: tuple[float, ...]
    sides: tuple[float, ...]
    step: float
    bins: int

    @property
    def partial(self) -> PartialFunction:
        """Return the number of pixels and their exact sum in each bin."""
        return self._sums

    def _sums(self, pixels: NDArray[Any], window: Window) -> tuple[NDArray[np.int64], Limbs]:
        core = window.core
        squares: Any = 0.0
        for axis, (start, stop) in enumerate(zip(*core, strict=True)):
            along = (np.arange(start, stop) - self.center[axis]) * self.sides[axis]
            shape = [-1 if k == axis else 1 for k in range(pixels.ndim)]
            squares = squares + (along * along).reshape(shape)
        wide = pixels.astype(np.float64)
        place = np.sqrt(squares) / self.step
        counted = np.isfinite(wide) & (place < self.bins)
        group = np.where(counted, np.minimum(place, self.bins).astype(np.int64) + 1, 0)
        counts = np.bincount(group.reshape(-1), minlength=self.bins + 1)[1:]
        return counts, grouped_limbs(group, wide, self.bins)

    def merge(
        self, a: tuple[NDArray[np.int64], Limbs], b: tuple[NDArray[np.int64], Limbs]
    ) -> tuple[NDArray[np.int64], Limbs]:
        """Return counts and sums of both."""
        return a[0] + b[0], a[1] + b[1]

    def finish(self, partial: tuple[NDArray[np.int64], Limbs]) -> NDArray[np.float64]:
        """Return the means."""
        counts, sums = partial
        pairs = zip(limbs_to_ints(sums), counts.tolist(), strict=True)
        return np.array([to_float(total, count) for total, count in pairs])
