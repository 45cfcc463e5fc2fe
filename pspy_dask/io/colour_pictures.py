"""Pictures that people paint classes in: PNG, TIFF and the like, in colours."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import xarray as xr
from dask.base import compute
from dask.delayed import delayed
from PIL import Image

from pspy_dask.blocks.chunking import choose_chunks
from pspy_dask.blocks.images import AXES, make_image
from pspy_dask.blocks.sources import ArraySource, Source, lazy_array
from pspy_dask.io.axes import CHANNEL
from pspy_dask.io.frames import PictureSource, header
from pspy_dask.io.grey_pictures import plain_labels
from pspy_dask.io.tiff import SUFFIXES, TiffHeader, TiffSource
from pspy_dask.pixels.colors import (
    DEFAULT_COLORS,
    Census,
    Palette,
    census,
    check_colors,
    toggle_channels,
)

_LISTED = 5


def open_colours(path: Path, colors: Sequence[str] | None) -> xr.DataArray | None:
    """Return the classes of a picture in colours, lazily; None where it is in grey.

    What has a palette in the file is in colours where one of them is that of a class, or where
    the user names colours; else the numbers of its pixels are their labels, if 0 is black.

    Raises
    ------
    ValueError
        It has other channels than three or four of 8 bits, or no colour of a class.

    Warns
    -----
    UserWarning
        It has colours, other than greys, of no class; or labels are the numbers of a palette.
    """
    head = header(path)
    channels = {axis.name: axis.size for axis in head.axes}.get(CHANNEL, 1)
    if channels == 1:
        return None
    if channels not in (3, 4) or head.dtype != np.uint8:
        raise ValueError(
            f"{path} has {channels} channels of {head.dtype}: save annotations in grey, "
            "or in colours of 8 bits"
        )
    palette = Palette(DEFAULT_COLORS if colors is None else check_colors(colors))
    picture = _picture(path, head)
    found = _census(picture)
    strange = found.without(palette.colors)
    if len(found) and len(strange) == len(found):
        labels = _indices(path) if colors is None and _is_indexed(path) else None
        if labels is None:
            raise ValueError(_unknown(path, found, picture))
        return plain_labels(labels, f"the labels in {path}")
    vivid = strange.coloured()
    if len(vivid):
        kept = int(found.pixels.sum() - strange.pixels.sum())
        warnings.warn(f"{path}: {palette.complaint(vivid, kept)}", UserWarning, stacklevel=3)
    classes = toggle_channels(picture, palette.colors, warn=False)
    dims = [str(d) for d in classes.dims]
    steps = {axis.name: axis.step for axis in head.axes if axis.name in dims}
    units = {axis.name: axis.unit for axis in head.axes if axis.name in dims}
    return make_image(
        classes.data,
        dims,
        steps=steps,
        units=units,
        name=path.stem,
        attrs={"source": str(path)},
    )


def _picture(path: Path, head: TiffHeader) -> xr.DataArray:
    """Return the colours of a picture, which lie together in a chunk."""
    fixed = tuple(None if axis.name in (*AXES, CHANNEL) else 0 for axis in head.axes)
    if any(axis.size > 1 for axis, at in zip(head.axes, fixed, strict=True) if at == 0):
        names = [axis.name for axis in head.axes]
        raise ValueError(f"{path} is not a picture: its axes are {names}")
    kept = [axis for axis, at in zip(head.axes, fixed, strict=True) if at is None]
    shape = tuple(axis.size for axis in kept)
    stamp = path.stat().st_mtime_ns
    source: Source = (
        TiffSource(str(path), 0, 0, fixed, shape, head.dtype, stamp)
        if path.suffix.lower() in SUFFIXES
        else PictureSource(str(path), fixed, shape, head.dtype, stamp)
    )
    places = [k for k, axis in enumerate(kept) if axis.name != CHANNEL]
    stored = [n for n, at in zip(head.stored, fixed, strict=True) if at is None]
    lengths = choose_chunks(
        tuple(shape[k] for k in places),
        tuple(stored[k] for k in places),
        frames=kept[0].name == "t",
    )
    chunks: list[tuple[int, ...]] = [(size,) for size in shape]
    for k, length in zip(places, lengths, strict=True):
        chunks[k] = length
    pixels = lazy_array(source, tuple(chunks))
    named = xr.DataArray(pixels, dims=[axis.name for axis in kept])
    order = [name for name in (*AXES, CHANNEL) if name in named.dims]
    return named.transpose(*order)


def _census(picture: xr.DataArray) -> Census:
    """Return the colours of a picture, of which one chunk a thread is in memory."""
    blocks = picture.data.to_delayed().ravel()
    parts: tuple[Census, ...] = compute(*map(delayed(census), blocks))
    return reduce(Census.merge, parts)


def _unknown(path: Path, found: Census, picture: xr.DataArray) -> str:
    """Return the sentence about a picture that has no colour of a class."""
    likely = ",".join(found.likely(picture.size // picture.sizes[CHANNEL]))
    remedy = (
        f'name those of class 1, 2, ... in their order, such as colors="{likely}"'
        if likely
        else "it looks like a photograph or plain paper, so paint strokes on it, one colour a class"
    )
    return f"{path} is painted in {found}, no colour of a class: {remedy}"


def _is_indexed(path: Path) -> bool:
    """Whether the pixels of a file are numbers of the colours of a palette."""
    return path.suffix.lower() not in SUFFIXES and imageio.immeta(path, index=0)["mode"] == "P"


def _indices(path: Path) -> xr.DataArray | None:
    """Return the numbers of colours where they are labels: where that of black is 0."""
    with Image.open(path) as picture:
        palette = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
        labels = np.asarray(picture)
    if palette[0].any():
        return None  # a program that packs pictures has numbered colours as it likes
    used = np.unique(labels[labels != 0]).tolist()
    listed = ", ".join(f"{k} is #{bytes(palette[k].tolist()).hex()}" for k in used[:_LISTED])
    warnings.warn(
        f"{path}: it has no colour of a class, and classes are the numbers of the colours in its "
        f"palette, {listed}{', ...' * (len(used) > _LISTED)}: name colors where others are meant",
        UserWarning,
        stacklevel=4,
    )
    lazy = lazy_array(ArraySource(labels, (None, None)), choose_chunks(labels.shape))
    return make_image(lazy, ("y", "x"), name=path.stem, attrs={"source": str(path)})
