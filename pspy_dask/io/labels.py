"""Labels written as one tiled TIFF, strip by strip."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from typing import Any

import dask.array as da
import numpy as np
import tifffile
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import as_image, axis_units, pixel_size
from pspy_dask.blocks.sources import source_of
from pspy_dask.io.outputs import check_file, check_space, growing_file

#: Side of a tile; a tile of 32-bit labels is 1 MB before compression.
TILE = 512
#: A TIFF whose pixels would pass this before compression is a BigTIFF, which has no limit.
_CLASSIC_LIMIT = 2**32 - 2**25

_MICRO = {"um": "µm", "μm": "µm", "A": "Å"}
_CENTIMETRES = {"pm": 1e-10, "Å": 1e-8, "nm": 1e-7, "µm": 1e-4, "mm": 0.1, "cm": 1.0, "m": 100.0}


def write_label_tiff(
    labels: xr.DataArray, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write labels as a compressed OME-TIFF of 512 x 512 tiles, complete or absent.

    No more is in memory than one row of dask blocks, or one row of tiles where the labels come
    straight from a file: write them as OME-Zarr first and pass what ``open_image`` gives, or
    every row of blocks is segmented anew. The pixel size goes to the OME metadata of the file
    and, where it is a length, to the resolution tags. OME-TIFF has no 64-bit labels: they become
    32-bit ones.

    Raises
    ------
    FileExistsError, PermissionError
        See :func:`pspy_dask.io.outputs.check_output`.
    OverflowError
        A label does not fit 32 bits.
    """
    labels = as_image(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels are whole numbers, not {labels.dtype}: convert them to int32")
    target = check_file(path, overwrite=overwrite)
    check_space(target.parent, labels.nbytes)
    dtype = np.dtype(np.uint32) if labels.dtype.itemsize == 8 else labels.dtype
    big = labels.size * dtype.itemsize > _CLASSIC_LIMIT
    with (
        growing_file(target) as partial,
        tifffile.TiffWriter(partial, bigtiff=big, ome=True) as tif,
    ):
        tif.write(
            _tiles(labels.data, dtype),
            shape=labels.shape,
            dtype=dtype,
            tile=(TILE, TILE),
            compression="zlib",  # the one that every reader of TIFF knows
            photometric="minisblack",
            metadata=_metadata(labels),
            **_resolution(labels),
        )


def _tiles(array: da.Array, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """Yield tiles in the order of the file: page by page, row by row."""
    for page in product(*map(range, array.shape[:-2])):
        waiting = np.empty((0, array.shape[-1]), dtype)
        for rows in _strips(array, page):
            waiting = np.concatenate([waiting, _narrow(rows, dtype)])
            whole = len(waiting) // TILE * TILE
            yield from _cut(waiting[:whole])
            waiting = waiting[whole:]
        yield from _cut(waiting)


def _cut(rows: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for y, x in product(range(0, rows.shape[0], TILE), range(0, rows.shape[1], TILE)):
        yield np.ascontiguousarray(rows[y : y + TILE, x : x + TILE])


def _strips(array: da.Array, page: tuple[int, ...]) -> Iterator[NDArray[Any]]:
    """Yield the rows of a page, as many at a time as can be had without work done twice."""
    *_, height, width = array.shape
    source = source_of(array)
    if source is not None:
        for y in range(0, height, TILE):
            stop = min(y + TILE, height)
            box = Box((*page, y, 0), (*(i + 1 for i in page), stop, width))
            yield source.read(box).reshape(stop - y, width)
        return
    start = 0
    for rows in array.chunks[-2]:
        yield array[(*page, slice(start, start + rows))].compute()
        start += rows


def _narrow(rows: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if rows.size and rows.dtype != dtype and (rows.min() < 0 or rows.max() > np.iinfo(dtype).max):
        raise OverflowError(f"label {rows.max()} does not fit {dtype}: write OME-Zarr instead")
    return rows.astype(dtype, copy=False)


def _units(labels: xr.DataArray) -> dict[str, str]:
    return {dim: _MICRO.get(unit, unit) for dim, unit in axis_units(labels).items()}


def _metadata(labels: xr.DataArray) -> dict[str, Any]:
    """Return what tifffile puts into the OME metadata."""
    steps, units = pixel_size(labels), _units(labels)
    metadata: dict[str, Any] = {"axes": "".join(map(str, labels.dims)).upper()}
    for dim in (d for d in ("x", "y", "z") if units.get(d) in _CENTIMETRES):
        metadata[f"PhysicalSize{dim.upper()}"] = steps[dim]
        metadata[f"PhysicalSize{dim.upper()}Unit"] = units[dim]
    if units.get("t") in ("s", "ms"):
        metadata["TimeIncrement"], metadata["TimeIncrementUnit"] = steps["t"], units["t"]
    return metadata


def _resolution(labels: xr.DataArray) -> dict[str, Any]:
    """Return pixels per centimetre along x and y; TIFF has fractions of 32-bit integers."""
    steps, units = pixel_size(labels), _units(labels)
    if any(units[dim] not in _CENTIMETRES for dim in "yx"):
        return {}
    x, y = (1 / (steps[dim] * _CENTIMETRES[units[dim]]) for dim in "xy")
    if not all(2**-31 < value < 2**32 for value in (x, y)):
        return {}  # pixels below 2.3 pm: their number in a centimetre does not fit the tag
    return {"resolution": (x, y), "resolutionunit": "CENTIMETER"}
