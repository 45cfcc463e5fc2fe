"""Images: lazy arrays with named axes, calibrated in physical units.

Every axis of an image has a coordinate whose attributes hold its ``step`` (the pixel size) and
its ``units``. An image that was never calibrated has steps of 1 and units of ``px``; a pixel size
that was stated without a unit has empty ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import isnan
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from pspy_dask.blocks.chunking import ChunksLike, choose_chunks
from pspy_dask.blocks.coordinates import all_units, is_named, require_even, step_along
from pspy_dask.blocks.rooted import rooted
from pspy_dask.blocks.sources import ArraySource, Source, lazy_array, refuse_masked

AXES = ("t", "z", "y", "x")
_DEFAULT_DIMS = {2: ("y", "x"), 3: ("z", "y", "x"), 4: AXES}

# Dask arrays of this name hold labels each of which is one connected object.
CONNECTED_LABELS = "connected-labels"

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
    """Return an image over this lazy array, calibrated where steps and units are given.

    Units of ``px`` or ``frame`` count as none given: files have them where they do not know.
    """
    sizes = {dim: float((steps or {}).get(dim, 1.0)) for dim in dims}
    given = {dim: (units or {}).get(dim, "") for dim in dims}
    named = all_units({d: unit if is_named(unit) else None for d, unit in given.items()}, sizes)
    coords = {}
    for dim, length in zip(dims, data.shape, strict=True):
        values = (origin or {}).get(dim, 0.0) + sizes[dim] * np.arange(length)
        coords[dim] = xr.Variable(dim, values, {"units": named[dim], "step": sizes[dim]})
    return named_array(data, coords, dims, name=name, attrs=attrs)


def named_array(
    data: da.Array,
    coords: Mapping[Any, Any] | None,
    dims: Sequence[Hashable],
    *,
    name: Hashable | None,
    attrs: Mapping[Hashable, Any] | None = None,
) -> xr.DataArray:
    """Return a DataArray of this name, or of none: xarray would name it after its dask array."""
    array = xr.DataArray(data, coords, dims, attrs=dict(attrs or {}))
    array.name = name
    return array


def own_name(array: xr.DataArray) -> Hashable | None:
    """Return the name that a DataArray was given, not that which xarray takes of a dask array."""
    return None if array.name == getattr(array.data, "name", None) else array.name


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
    TypeError
        This is no array, or its pixels are no numbers of up to 64 bits, or masked.
    ValueError
        The axes are not some of t, z, y, x in this order with y and x among them, their
        coordinates in space are no numbers or not evenly spaced, the array looks like RGB, is
        empty or of unknown shape, or its pixels are complex.
    """
    if isinstance(array, xr.DataArray):
        return _named_image(array, chunks)
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        raise TypeError(
            f"{type(array).__name__} is not an array: convert numbers with numpy.asarray, and open "
            "files and signals with open_image"
        )
    dims = _DEFAULT_DIMS.get(len(array.shape))
    if dims is None:
        raise ValueError(
            f"an array of {len(array.shape)} axes is not an image: give (y, x), (z, y, x) "
            "or (t, z, y, x)"
        )
    _check(dims, array)
    if looks_coloured(array.shape):
        raise ValueError(
            f"an array of shape {tuple(array.shape)} looks like RGB, not like a volume: give one "
            "channel, such as image[..., 0], or name its axes in a DataArray"
        )
    if isinstance(array, da.Array):
        return make_image(_plain(array), dims)
    source = ArraySource(rooted(array), (None,) * len(dims))
    return source_image(source, dims, stored=_stored(array), chunks=chunks)


def _named_image(array: xr.DataArray, chunks: ChunksLike) -> xr.DataArray:
    _check(array.dims, array.data)
    require_even(array, [d for d in ("z", "y", "x") if d in array.dims])
    if not isinstance(array.data, da.Array):
        return _wrapped(array, chunks)
    data = _plain(array.data)
    if data is array.data and array.name == own_name(array):
        return array
    return named_array(data, array.coords, array.dims, name=own_name(array), attrs=array.attrs)


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
    return {str(dim): step_along(image, str(dim)) for dim in image.dims}


def axis_units(image: xr.DataArray) -> dict[str, str]:
    """Return the units of each axis, empty where a pixel size is stated without any."""
    coordinates = {str(dim): image.coords.get(dim) for dim in image.dims}
    stated = {d: None if c is None else c.attrs.get("units") for d, c in coordinates.items()}
    return all_units(stated, pixel_size(image))


def has_frames(image: xr.DataArray) -> bool:
    """Whether the first axis is time."""
    return bool(image.dims[0] == "t")


def spatial_axes(image: xr.DataArray) -> tuple[str, ...]:
    """Return the axes along which objects extend: y, x, and z where it is longer than 1.

    Files often have a z axis for the form's sake; a volume of one plane is treated as a plane.
    """
    names = map(str, image.dims)
    return tuple(d for d in names if d in ("y", "x") or (d == "z" and image.sizes[d] > 1))


def require_ascending(image: xr.DataArray) -> None:
    """Raise ValueError where coordinates along an axis of space do not ascend."""
    for dim in spatial_axes(image):
        if not step_along(image, dim) > 0:
            raise ValueError(
                f"the coordinates along {dim} do not ascend: sort image and labels along it "
                f"before, as in image.sortby({dim!r}), or leave them out with .drop_vars({dim!r})"
            )


def like(image: xr.DataArray, data: da.Array, name: str, **attrs: Any) -> xr.DataArray:
    """Return other pixels on the axes, coordinates and attributes of an image."""
    return xr.DataArray(data, image.coords, image.dims, name=name, attrs={**image.attrs, **attrs})


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


def _check(dims: tuple[Hashable, ...], array: Any) -> None:
    if "c" in dims:
        raise ValueError("the image has channels: pick one, for example channel=0 in open_image")
    in_order = tuple(d for d in AXES if d in dims)
    if {*in_order} == {*dims} >= {"y", "x"} and in_order != tuple(dims):
        raise ValueError(
            f"axes {dims} are not in the order of an image: transpose it, as in "
            f"image.transpose{in_order}"
        )
    if in_order != tuple(dims) or in_order[-2:] != ("y", "x"):
        raise ValueError(f"axes {dims} are not those of an image: name them t, z, y, x in order")
    if any(isnan(n) for n in array.shape):
        raise ValueError(
            "the image has chunks of unknown length: call compute_chunk_sizes() on its dask array"
        )
    if 0 in array.shape:
        raise ValueError(f"the image has no pixels: its shape is {tuple(array.shape)}")
    check_numbers(array, "the image")


def check_numbers(array: Any, what: str) -> None:
    """Raise where the pixels of an array are not real numbers that loops of machine code take."""
    dtype = np.dtype(array.dtype)
    if dtype.kind == "c":
        raise ValueError(f"{what} is complex: take its modulus or its phase first")
    if dtype.kind not in "biuf":
        raise TypeError(f"{what} has pixels of type {dtype}, no numbers: convert them to float32")
    if dtype.itemsize > 8:
        raise TypeError(f"{what} has pixels of type {dtype}: convert them to float64")
    refuse_masked(array, what)
