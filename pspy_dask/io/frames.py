"""A series of frames, one file each: a folder, a pattern or a list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.io.axes import Axis, Wanted, choose_axes, image_of, named
from pspy_dask.io.tiff import SUFFIXES, TiffHeader, TiffSource, read_header, tiff_source

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


@dataclass(frozen=True)
class PictureSource:
    """A PNG, JPEG or similar file, which can only be read whole."""

    path: str
    fixed: tuple[int | None, ...]
    shape: Index
    dtype: np.dtype[Any]
    stamp: int

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of the box."""
        return np.asarray(_picture(self.path, self.stamp)[box.among(self.fixed)])


@lru_cache(maxsize=2)
def _picture(path: str, stamp: int) -> NDArray[Any]:
    return np.asarray(imageio.imread(path, index=0))


@dataclass(frozen=True)
class FramesSource:
    """Files of equal shape and type, one after the other along t."""

    frames: tuple[TiffSource | PictureSource, ...]

    @property
    def shape(self) -> Index:
        """Frames, then the shape of one."""
        return (len(self.frames), *self.frames[0].shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        return self.frames[0].dtype

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of the box, opening only the frames in it."""
        inner = Box(box.start[1:], box.stop[1:])
        return np.stack([f.read(inner) for f in self.frames[box.start[0] : box.stop[0]]])


def natural_order(paths: Sequence[Path]) -> list[Path]:
    """Return files in the order a person counts: frame2 before frame10.

    >>> [p.name for p in natural_order([Path("f10.tif"), Path("f2.tif")])]
    ['f2.tif', 'f10.tif']
    """

    def key(path: Path) -> list[tuple[int, int | str]]:
        parts = re.split(r"(\d+)", str(path))
        return [(0, int(p)) if p.isdigit() else (1, p) for p in parts]

    return sorted(paths, key=key)


def find_frames(folder: Path) -> list[Path]:
    """Return the image files in a folder, in natural order."""
    known = (*SUFFIXES, *PICTURES)
    return natural_order([p for p in folder.iterdir() if p.suffix.lower() in known])


def open_frames(paths: Sequence[Path], wanted: Wanted, *, what: str) -> xr.DataArray:
    """Return the files in the order given as a series (t, y, x), or as the axes wanted say."""
    along, of_a_file = "t", wanted
    if wanted.axes is not None:
        along, of_a_file = wanted.axes[0], wanted._replace(axes=wanted.axes[1:])
    if along not in "tz":
        raise ValueError(f"axes is {wanted.axes!r}: files lie along t or z, which comes first")
    headers = [header(path) for path in paths]
    frames = [_frame(p, h, of_a_file) for p, h in zip(paths, headers, strict=True)]
    first = frames[0]
    for path, frame in zip(paths, frames, strict=True):
        if (frame.shape, frame.dtype) != (first.shape, first.dtype):
            raise ValueError(
                f"{path} is {frame.shape} {frame.dtype} but {paths[0]} is {first.shape} "
                f"{first.dtype}: frames of a series must be alike"
            )
    own = named(headers[0].axes, of_a_file, str(paths[0]))
    axes = [a for a, at in zip(own, first.fixed, strict=True) if at is None]
    if axes[0].name == "t":
        raise ValueError(f"{paths[0]} is a series itself: open files one by one")
    all_axes = (Axis(along, len(frames)), *axes)
    kept = [n for n, at in zip(headers[0].stored, first.fixed, strict=True) if at is None]
    plain = Wanted(wanted.chunks, None)
    return image_of(
        FramesSource(tuple(frames)),
        all_axes,
        plain,
        what=what,
        name=Path(what).stem.rstrip("*_- ") or Path(what).parent.name,
        source=what,
        stored=(1, *kept),
    )


def open_picture(path: Path, wanted: Wanted) -> xr.DataArray:
    """Return the image in a PNG, JPEG or similar file."""
    head = header(path)
    source = _frame(path, head, wanted)
    return image_of(source, head.axes, wanted, what=str(path), name=path.stem, source=str(path))


def header(path: Path) -> TiffHeader:
    """Return axes and type of an image file."""
    if path.suffix.lower() in SUFFIXES:
        return read_header(path)
    try:
        found = imageio.improps(path, index=0)
    except Exception:  # each of many readers gives its own, none of them of help
        raise ValueError(
            f"{path} cannot be read as {path.suffix.lower()[1:].upper()}: it is damaged or of "
            "another format"
        ) from None
    shape = found.shape
    axes = tuple(Axis(n, size) for n, size in zip("yxc", shape, strict=False))
    return TiffHeader(axes, np.dtype(found.dtype), shape)


def _frame(path: Path, head: TiffHeader, wanted: Wanted) -> TiffSource | PictureSource:
    if path.suffix.lower() in SUFFIXES:
        return tiff_source(path, head, wanted)
    axes = named(head.axes, wanted, str(path))
    fixed = choose_axes(axes, wanted.channel, what=str(path))
    shape = tuple(a.size for a, at in zip(axes, fixed, strict=True) if at is None)
    return PictureSource(str(path), fixed, shape, head.dtype, path.stat().st_mtime_ns)
