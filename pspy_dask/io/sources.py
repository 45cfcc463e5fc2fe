"""Open anything that holds an image, lazily."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dask.array as da
import xarray as xr
import zarr

from pspy_dask.blocks.chunking import ChunksLike
from pspy_dask.blocks.images import as_image, looks_coloured
from pspy_dask.io.axes import Wanted, channel_index, check_axes, image_of, unnamed
from pspy_dask.io.frames import PICTURES, find_frames, natural_order, open_frames, open_picture
from pspy_dask.io.microscopy import is_signal, known_suffixes, open_microscopy, open_signal
from pspy_dask.io.npy import open_npy
from pspy_dask.io.tiff import SUFFIXES, open_tiff
from pspy_dask.io.zarr_source import is_ome_zarr, is_zarr, open_zarr

_TABLES = (".csv", ".tsv", ".parquet", ".xlsx")

__all__ = ["is_ome_zarr", "open_image"]


def open_image(
    source: Any,
    *,
    chunks: ChunksLike = "auto",
    channel: int | str | None = None,
    level: int = 0,
    axes: str | None = None,
) -> xr.DataArray:
    """Return a lazy image with named axes and its pixel size, whatever holds it.

    Parameters
    ----------
    source
        The path of an OME-Zarr (0.4, 0.5) or Zarr folder, of a TIFF, BigTIFF, OME-TIFF or ImageJ
        TIFF, of a PNG, JPEG or .npy, or of any file that RosettaSciIO reads (dm3, dm4, emd, ser,
        mrc, hspy, ...); a folder, pattern or list of frames, one file each; a HyperSpy signal; an
        open Zarr array or group; a NumPy or dask array or a DataArray.
    chunks
        ``"auto"`` (about four million pixels, whole stored chunks), a side, or a length an axis.
    channel
        Number or name of the channel of an image that has several; of a file with several
        images which of them (of a TIFF whose first image has channels, always one of these).
    level
        Resolution level of a pyramid, 0 the finest.
    axes
        Names of the axes of an array or file that does not say, or says it wrong: a letter each
        of t, z, c, y, x, such as ``"tyx"``; of a series of files first that along the files. By
        default an array of three axes is ``"zyx"``, or ``"yxc"`` where the last is of 3 or 4
        pixels and the others are much longer; pages of a TIFF and files lie along t.

    Returns
    -------
    xarray.DataArray
        Axes some of t, z, y, x in this order, each with a coordinate whose attributes are
        ``step`` (pixel size) and ``units``; ``px`` and 1 where the file does not say, units that
        are empty where it states a pixel size without any. A z axis of length 1 stays, and the
        image is treated as a plane. Zarr, TIFF and frames are read at random: only what a task
        needs.

    Raises
    ------
    FileNotFoundError
        No such file, or no file that a pattern matches.
    ValueError
        Not an image; several channels and none chosen; no such channel or level; axes that do not
        fit; coordinates in space that are not evenly spaced; no pixels; complex pixels.
    TypeError
        Nothing that can be opened; pixels that are masked, or no numbers of up to 64 bits.

    Examples
    --------
    >>> import numpy as np
    >>> image = open_image(np.zeros((2, 30, 20), np.uint8), chunks=16)
    >>> image.dims, image.coords["y"].attrs
    (('z', 'y', 'x'), {'units': 'px', 'step': 1.0})
    """
    if axes is not None:
        check_axes(axes)
    wanted = Wanted(chunks, channel, axes)
    if isinstance(source, str | Path):
        return _open_path(str(source), wanted, level)
    if isinstance(source, list | tuple):
        return _open_list(source, wanted)
    if isinstance(source, zarr.Array | zarr.Group):
        return open_zarr(source, wanted, level)
    if level:
        raise ValueError(f"{type(source).__name__} has no level {level}: leave level out")
    if is_signal(source):
        return open_signal(source, wanted)
    return _open_array(source, wanted)


def _open_path(text: str, wanted: Wanted, level: int) -> xr.DataArray:
    if "://" in text:
        return open_zarr(text, wanted, level)
    if not text:
        raise FileNotFoundError("no such file '': give the path of an image")
    path = Path(text).absolute()  # workers may be at home in another folder
    if not path.exists():
        if glob.has_magic(text):
            found = natural_order([Path(p).absolute() for p in glob.glob(text)])  # noqa: PTH207
            if not found:
                raise FileNotFoundError(f"no file matches {text}: check the pattern")
            return open_frames(found, wanted, what=text)
        raise FileNotFoundError(f"no such file {text}: check the path")
    if path.is_dir():
        if is_zarr(path):
            return open_zarr(path, wanted, level)
        found = find_frames(path)
        if not found:
            raise ValueError(f"{text} is a folder without Zarr or images in it: check the path")
        return open_frames(found, wanted, what=text)
    return _open_file(path, wanted, level)


def _open_file(path: Path, wanted: Wanted, level: int) -> xr.DataArray:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return open_tiff(path, wanted, level)
    if level:
        raise ValueError(f"{path} has no level {level}: only Zarr and TIFF have levels")
    if suffix in PICTURES:
        return open_picture(path, wanted)
    if suffix == ".npy":
        return open_npy(path, wanted)
    if suffix in _TABLES:
        raise ValueError(f"{path} is a table, not an image: give the image itself")
    if suffix in known_suffixes():
        return open_microscopy(path, wanted)
    raise ValueError(
        f"{path} is not an image that pspy_dask can read: give OME-Zarr, TIFF, PNG, dm3, dm4, "
        "emd, ser, mrc, hspy or another format of RosettaSciIO"
    )


def _open_list(paths: Sequence[Any], wanted: Wanted) -> xr.DataArray:
    if not paths or not all(isinstance(p, str | Path) for p in paths):
        raise TypeError(
            "a list of sources must be a list of file names, at least one: make an array of "
            "numbers with numpy.asarray"
        )
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"no such file {path}: check the path")
    return open_frames([Path(p).absolute() for p in paths], wanted, what=str(paths[0]))


def _open_array(array: Any, wanted: Wanted) -> xr.DataArray:
    if isinstance(array, xr.DataArray):
        if wanted.axes is not None:
            raise ValueError("a DataArray names its axes itself: rename them and leave axes out")
        if "c" in array.dims:
            names = [str(v) for v in array.coords["c"].values] if "c" in array.coords else []
            at = channel_index(wanted.channel, array.sizes["c"], names, what="the image")
            array = array.isel(c=at, drop=True)
    elif hasattr(array, "dtype") and (wanted.axes is not None or looks_coloured(array.shape)):
        axes = unnamed(array.shape, wanted, "the array")
        return image_of(array, axes, wanted, what="the array", name=None, source=None)
    elif wanted.channel not in (None, 0):
        raise ValueError(
            f"an array without a channel axis has no channel {wanted.channel!r}: "
            "leave channel out, or name the axes with axes="
        )
    image = as_image(array, chunks=wanted.chunks)
    if wanted.chunks != "auto" and isinstance(getattr(array, "data", array), da.Array):
        return image.chunk(
            dict(zip(image.dims, image.data.rechunk(wanted.chunks).chunks, strict=True))
        )
    return image
