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
from pspy_dask.pixels.stack import FeatureStack, value_mask


@dataclass(frozen=True)
class WindowFeatures:
    """The features of a chunk."""

    stack: FeatureStack

    def __call__(self, pixels: NDArray[Any], window: Window) -> NDArray[np.float32]:
        """Return the features of the chunk; NaN where the image has no value."""
        core, outer = window.core, window.outer
        result = np.empty((len(self.stack.names), *core.shape), np.float32)
        for band in self.stack.bands(core):
            part = result[(slice(None), *band.within(core))]
            self.stack.fill(part, pixels, band, outer, window.shape)
        known = value_mask(pixels[window.crop])
        if known is not None:
            result[:, ~known] = np.nan
        return result


def features(image: ImageLike, parameters: FeatureParameters | None = None) -> xr.DataArray:
    """Return the features of every pixel: filtered images, one beside the other.

    All are filters of the image as float32, computed as `FeatureParameters` says, so the result is
    the same, bit for bit, whatever the chunks. A pixel that is NaN, infinite or too large for
    float32 has no value: all its features are NaN, and filters read it as 0 elsewhere.

    Parameters
    ----------
    image
        DataArray, or dask, NumPy or Zarr array, of shape ``([t,] [z,] y, x)``: booleans, integers
        and floats of any size. A series is filtered frame by frame; a z axis of length 1 counts
        as none.
    parameters
        Which filters at which scales; ParticleSpy's by default.

    Returns
    -------
    xarray.DataArray
        Lazy float32 of shape ``([t,] feature, [z,] y, x)`` on the chunks of the image and in the
        units of its pixels (Laplacian and Hessian: by pixels squared). The names of the features
        are the coordinate ``feature``. A chunk is one task, which reads itself and a halo: as far
        as four times the largest sigma, the radius of the largest disk or half a line.

    Raises
    ------
    TypeError
        `parameters` are no `FeatureParameters`, or the image is no array.
    ValueError
        The image is none (see `open_image`), or eigenvalues of the Hessian are asked for and it is
        one pixel wide or high.

    References
    ----------
    Arganda-Carreras, I. et al., Trainable Weka Segmentation, Bioinformatics 33(15), 2424-2426,
    2017; Bell, C. G. et al., Trainable segmentation for transmission electron microscope images
    of inorganic nanoparticles, Journal of Microscopy 288(3), 169-184, 2022.

    Examples
    --------
    >>> step = np.repeat(np.array([[0, 0, 9, 9]], np.uint8), 4, axis=0)
    >>> found = features(step, FeatureParameters.preset("edges"))
    >>> found.sizes
    Frozen({'feature': 6, 'y': 4, 'x': 4})
    >>> found.sel(feature="sobel 1")[0].values.round(1)
    array([1.5, 4.1, 4.1, 1.5], dtype=float32)
    """
    pixels = as_image(image)
    stack = feature_stack(pixels, parameters)
    data = map_windows(
        pixels.data,
        WindowFeatures(stack),
        halo=halo_along(pixels, stack.halo),
        dtype=np.float32,
        frames=has_frames(pixels),
        layers=len(stack.names),
    )
    return layered(pixels, data, "feature", stack.names, name="features")


def feature_stack(image: xr.DataArray, parameters: FeatureParameters | None) -> FeatureStack:
    """Return the features of an image, or raise where they are not asked for properly."""
    if parameters is not None and not isinstance(parameters, FeatureParameters):
        raise TypeError(
            f"features is a {type(parameters).__name__}: give FeatureParameters(...) or "
            "FeatureParameters.preset(...)"
        )
    stack = FeatureStack(parameters or FeatureParameters(), len(spatial_axes(image)))
    for axis in spatial_axes(image):
        if stack.parameters.hessian and image.sizes[axis] < 2:
            raise ValueError(
                f"the image has one pixel along {axis} and the Hessian takes differences of two: "
                "switch it off with hessian=None"
            )
    return stack


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
