"""Images: lazy arrays with named axes, calibrated in physical units.

Every axis of an image has a coordinate whose attributes hold its ``step`` (the pixel size) and
its ``units``. An image that was never calibrated has steps of 1 and units of ``px``.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import isnan
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from pspy_dask.blocks.chunking import ChunksLike, choose_chunks
from pspy_dask.blocks.rooted import rooted
from pspy_dask.blocks.sources import ArraySource, Source, lazy_array

AXES = ("t", "z", "y", "x")
_DEFAULT_DIMS = {2: ("y", "x"), 3: ("z", "y", "x"), 4: AXES}

# Dask arrays of this name hold labels each of which is one connected object.
CONNECTED_LABELS = "connected-labels"

#: By what part pixel sizes may differ that are equal but for rounding.
SAME_STEP = 1e-6

ImageLike = xr.DataArray | da.Array | np.ndarray[Any, Any] | Any


def make_image(
    data: da.Array,
    dims: Sequence[str],
    *,
    steps: Mapping[str, float] | None = None,
    units: Mapping[str, str] | None = None,
    origin: Mapping[str, float] | None = None,
    name: str | None = None,
    attrs: Mapping[Hashable, Any] | None = None,
) -> xr.DataArray:
    """Return an image over this lazy array, calibrated where steps and units are given."""
    coords = {}
    for dim, length in zip(dims, data.shape, strict=True):
        step = float((steps or {}).get(dim, 1.0))
        unit = (units or {}).get(dim, "px" if dim != "t" else "frame")
        values = (origin or {}).get(dim, 0.0) + step * np.arange(length)
        coords[dim] = xr.Variable(dim, values, {"units": unit, "step": step})
    return xr.DataArray(data, coords, dims, name=name, attrs=dict(attrs or {}))


def source_image(
    source: Source,
    dims: Sequence[str],
    *,
    stored: tuple[int, ...] | None = None,
    chunks: ChunksLike = "auto",
    steps: Mapping[str, float] | None = None,
    units: Mapping[str, str] | None = None,
    origin: Mapping[str, float] | None = None,
    name: str | None = None,
    attrs: Mapping[Hashable, Any] | None = None,
) -> xr.DataArray:
    """Return a calibrated image over a source that tasks read at random."""
    lengths = choose_chunks(source.shape, stored, chunks=chunks, frames=dims[0] == "t")
    return make_image(
        lazy_array(source, lengths),
        dims,
        steps=steps,
        units=units,
        origin=origin,
        name=name,
        attrs=attrs,
    )


def as_image(array: ImageLike, *, chunks: ChunksLike = "auto") -> xr.DataArray:
    """Return an image over dask made of a DataArray or of a dask, NumPy or Zarr array.

    Two axes are taken for ``(y, x)``, three for ``(z, y, x)``, four for ``(t, z, y, x)``; a
    DataArray says itself what its axes are. A z axis of length 1 stays, and the image is treated
    as a plane. NumPy and Zarr arrays are not copied.

    Raises
    ------
    ValueError
        The axes are not some of t, z, y, x in this order with y and x among them, the array looks
        like RGB, is empty or of unknown shape, or its pixels are complex.
    """
    if isinstance(array, xr.DataArray):
        _check(array.dims, array.shape, array.dtype)
        if not isinstance(array.data, da.Array):
            return _wrapped(array, chunks)
        data = _plain(array.data)
        return array if data is array.data else array.copy(data=data)
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        raise TypeError(
            f"{type(array).__name__} is not an array: open files and signals with open_image"
        )
    dims = _DEFAULT_DIMS.get(len(array.shape))
    if dims is None:
        raise ValueError(
            f"an array of {len(array.shape)} axes is not an image: give (y, x), (z, y, x) "
            "or (t, z, y, x)"
        )
    _check(dims, array.shape, array.dtype)
    if looks_coloured(array.shape):
        raise ValueError(
            f"an array of shape {tuple(array.shape)} looks like RGB, not like a volume: give one "
            "channel, such as image[..., 0], or name its axes in a DataArray"
        )
    if isinstance(array, da.Array):
        return make_image(_plain(array), dims)
    source = ArraySource(rooted(array), (None,) * len(dims))
    return source_image(source, dims, stored=_stored(array), chunks=chunks)


def as_labels(array: ImageLike) -> xr.DataArray:
    """Return labels as an image over dask, or raise ValueError where they are not integers."""
    image = as_image(array)
    if image.dtype.kind not in "iu":
        raise ValueError(
            f"labels of type {image.dtype} are not integers: label the mask first, "
            "with label or label_mask"
        )
    return image


def looks_coloured(shape: Sequence[int]) -> bool:
    """Whether the last axis of an unnamed array must be its colours: a volume is not so thin.

    >>> looks_coloured((512, 512, 3)), looks_coloured((9, 512, 3)), looks_coloured((3, 512, 512))
    (True, False, False)
    """
    colours = shape[-1]
    return len(shape) in (3, 4) and colours in (3, 4) and min(shape[-3:-1]) >= 8 * colours


def pixel_size(image: xr.DataArray) -> dict[str, float]:
    """Return the step of each axis in its units, also of an image that was cut or strided."""
    return {str(dim): _step(image, str(dim)) for dim in image.dims}


def axis_units(image: xr.DataArray) -> dict[str, str]:
    """Return the units of each axis."""
    return {
        str(dim): str(image.coords[dim].attrs.get("units", "px")) if dim in image.coords else "px"
        for dim in image.dims
    }


def has_frames(image: xr.DataArray) -> bool:
    """Whether the first axis is time."""
    return bool(image.dims[0] == "t")


def spatial_axes(image: xr.DataArray) -> tuple[str, ...]:
    """Return the axes along which objects extend: y, x, and z where it is longer than 1.

    Files often have a z axis for the form's sake; a volume of one plane is treated as a plane.
    """
    names = map(str, image.dims)
    return tuple(d for d in names if d in ("y", "x") or (d == "z" and image.sizes[d] > 1))


def like(image: xr.DataArray, data: da.Array, name: str, **attrs: Any) -> xr.DataArray:
    """Return other pixels on the axes, coordinates and attributes of an image."""
    return xr.DataArray(data, image.coords, image.dims, name=name, attrs={**image.attrs, **attrs})


def _step(image: xr.DataArray, dim: str) -> float:
    if dim not in image.coords:
        return 1.0
    coordinate = image.coords[dim]
    stated = float(coordinate.attrs.get("step", 1.0))
    if coordinate.size < 2:
        return stated
    measured = float(coordinate[-1] - coordinate[0]) / (coordinate.size - 1)
    return stated if np.isclose(measured, stated, rtol=SAME_STEP, atol=0) else measured


def _wrapped(array: xr.DataArray, chunks: ChunksLike) -> xr.DataArray:
    source = ArraySource(array.data, (None,) * array.ndim)
    lengths = choose_chunks(array.shape, chunks=chunks, frames=array.dims[0] == "t")
    return array.copy(data=lazy_array(source, lengths))


def native_pixels(array: da.Array) -> da.Array:
    """Return the same pixels in the byte order of this machine, the only one that Numba reads."""
    if array.dtype.isnative:
        return array
    swapped: da.Array = array.astype(array.dtype.newbyteorder("="))
    return swapped


def _plain(array: da.Array) -> da.Array:
    """Return the same pixels in chunks that hold some: joining and cutting may leave empty ones."""
    array = native_pixels(array)
    if all(map(all, array.chunks)):
        return array
    filled: da.Array = array.rechunk(tuple(tuple(filter(None, n)) for n in array.chunks))
    return filled


def _stored(array: Any) -> tuple[int, ...] | None:
    """Chunk or shard of a Zarr array."""
    stored = getattr(array, "shards", None) or getattr(array, "chunks", None)
    return tuple(stored) if stored else None


def _check(dims: tuple[Hashable, ...], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if "c" in dims:
        raise ValueError("the image has channels: pick one, for example channel=0 in open_image")
    if tuple(d for d in AXES if d in dims) != tuple(dims) or tuple(dims[-2:]) != ("y", "x"):
        raise ValueError(f"axes {dims} are not those of an image: name them t, z, y, x in order")
    if any(isnan(n) for n in shape):
        raise ValueError(
            "the image has chunks of unknown length: call compute_chunk_sizes() on its dask array"
        )
    if 0 in shape:
        raise ValueError(f"the image has no pixels: its shape is {shape}")
    if np.dtype(dtype).kind == "c":
        raise ValueError("the image is complex: take its modulus or its phase first")
    if np.dtype(dtype).kind not in "biuf":
        raise TypeError(f"pixels of type {dtype} are not numbers: convert them to float32")
