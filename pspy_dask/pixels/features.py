"""Features of every pixel as a lazy array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Index
from pspy_dask.blocks.images import ImageLike, as_image, has_frames, spatial_axes
from pspy_dask.blocks.windows import Window, map_windows
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.pixels.stack import FeatureStack, bands


@dataclass(frozen=True)
class WindowFeatures:
    """The features of a chunk."""

    stack: FeatureStack

    def __call__(self, pixels: NDArray[Any], window: Window) -> NDArray[np.float32]:
        """Return the features of the chunk; NaN where the image has no value."""
        core, outer = window.core, window.outer
        result = np.empty((len(self.stack.names), *core.shape), np.float32)
        for band in bands(core):
            at = (slice(None), *band.within(core))
            result[at] = self.stack.apply(pixels, band, outer, window.shape)
        return result


def features(image: ImageLike, parameters: FeatureParameters | None = None) -> xr.DataArray:
    """Return the features of every pixel: filtered images, one beside the other.

    Parameters
    ----------
    image
        DataArray, or dask, NumPy or Zarr array, of shape ``([t,] [z,] y, x)``. A series is
        filtered frame by frame.
    parameters
        Which filters at which scales; ParticleSpy's by default.

    Returns
    -------
    xarray.DataArray
        Lazy float32 of shape ``([t,] feature, [z,] y, x)`` on the chunks of the image; the names
        of the features are the coordinate ``feature``. A part reads itself and a halo.
    """
    pixels = as_image(image)
    stack = feature_stack(pixels, parameters)
    data = map_windows(
        pixels.data,
        WindowFeatures(stack),
        halo=halo_along(pixels, (stack.halo,) * stack.axes),
        dtype=np.float32,
        frames=has_frames(pixels),
        layers=len(stack.names),
    )
    return layered(pixels, data, "feature", stack.names, name="features")


def feature_stack(image: xr.DataArray, parameters: FeatureParameters | None) -> FeatureStack:
    """Return the features of an image, or raise where they are not asked for properly."""
    if parameters is not None and not isinstance(parameters, FeatureParameters):
        raise TypeError(f"features is a {type(parameters).__name__}: give FeatureParameters(...)")
    return FeatureStack(parameters or FeatureParameters(), len(spatial_axes(image)))


def halo_along(image: xr.DataArray, halo: Index) -> Index:
    """Return the halo of every axis of a frame, also of one of length 1, from those of space."""
    flat = image.ndim - has_frames(image) - len(halo)
    return (0,) * flat + halo


def layered(
    image: xr.DataArray, data: da.Array, axis: str, labels: Sequence[Any], *, name: str
) -> xr.DataArray:
    """Return layers of every pixel on the axes of an image, and one more before those of space."""
    place = int(has_frames(image))
    dims = [*image.dims[:place], axis, *image.dims[place:]]
    coords = {**image.coords, axis: list(labels)}
    return xr.DataArray(data, coords, dims, name=name, attrs=dict(image.attrs))
