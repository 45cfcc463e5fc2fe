"""TIFF, BigTIFF, OME-TIFF and ImageJ TIFF, read at random through tifffile's Zarr view."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from tifffile import TiffFile, TiffFileError, imread, xml2dict

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.io.axes import Axis, Wanted, choose_axes, image_of, named
from pspy_dask.io.units import readable, short_unit
from pspy_dask.kernels.selection import native

SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".tf2")

_NAMES = {"T": "t", "Z": "z", "C": "c", "S": "c", "Y": "y", "X": "x", "I": "t", "Q": "t"}
_PRINT = (72, 96, 100, 150, 300, 600)  # dots per inch that say nothing about the specimen


@dataclass(frozen=True)
class TiffSource:
    """The pixels of one level of a TIFF, some axes held at a position.

    It holds no open file, so that it travels; every process opens the file once. ``stamp`` tells
    a file from an older one of the same name.
    """

    path: str
    level: int
    fixed: tuple[int | None, ...]
    shape: Index
    dtype: np.dtype[Any]
    stamp: int

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of the box."""
        spans = iter(box.slices)
        index = tuple(next(spans) if at is None else at for at in self.fixed)
        try:
            return native(np.asarray(_view(self.path, self.level, self.stamp)[index]))
        except (ValueError, RuntimeError) as error:  # of tifffile, of a decoder
            raise ValueError(
                f"{self.path} cannot be read ({error}): it is damaged or incomplete, copy it again"
            ) from error


@lru_cache(maxsize=64)
def _view(path: str, level: int, stamp: int) -> Any:
    node = zarr.open(imread(path, aszarr=True, series=0, level=level), mode="r")
    return node if isinstance(node, zarr.Array) else node["0"]


@dataclass(frozen=True)
class TiffHeader:
    """What the header of a TIFF says: axes, type, stored chunk of one level."""

    axes: tuple[Axis, ...]
    dtype: np.dtype[Any]
    stored: tuple[int, ...]
    levels: int


def read_header(path: Path, level: int = 0) -> TiffHeader:
    """Return what the header says, without reading pixels."""
    try:
        with TiffFile(path) as tiff:
            series = tiff.series[0]
            if not 0 <= level < len(series.levels):
                raise ValueError(
                    f"{path} has no level {level}: choose 0 to {len(series.levels) - 1}"
                )
            at = series.levels[level]
            shrink = [full / n for full, n in zip(series.shape, at.shape, strict=True)]
            sizes = _pixel_sizes(tiff)
            axes = []
            for letter, n, factor in zip(at.axes, at.shape, shrink, strict=True):
                name = _NAMES.get(letter, letter.lower())
                step, unit = sizes.get(name, (1.0, "px"))
                axes.append(Axis(name, n, step * factor, unit))
            page = series.keyframe
            tile = {"y": page.chunks[0], "x": page.chunks[1]} if len(page.chunks) > 1 else {}
            stored = tuple(tile.get(a.name, 1) for a in axes)
            return TiffHeader(
                _unique(axes), np.dtype(at.dtype).newbyteorder("="), stored, len(series.levels)
            )
    except (TiffFileError, IndexError):
        raise ValueError(
            f"{path} is not a TIFF image: it is damaged or of another format"
        ) from None


def open_tiff(path: Path, wanted: Wanted, level: int = 0) -> xr.DataArray:
    """Return the first image of a TIFF file."""
    header = read_header(path, level)
    source = tiff_source(path, header, wanted, level)
    return image_of(
        source,
        header.axes,
        wanted,
        what=str(path),
        name=path.name.split(".")[0],
        source=str(path),
        stored=header.stored,
    )


def tiff_source(path: Path, header: TiffHeader, wanted: Wanted, level: int = 0) -> TiffSource:
    """Return the source of the channel that is wanted."""
    axes = named(header.axes, wanted, str(path))
    fixed = choose_axes(axes, wanted.channel, what=str(path))
    shape = tuple(a.size for a, at in zip(axes, fixed, strict=True) if at is None)
    stamp = path.stat().st_mtime_ns
    return TiffSource(str(path), level, fixed, shape, header.dtype, stamp)


def _unique(axes: list[Axis]) -> tuple[Axis, ...]:
    """Name a second axis of the same meaning after its place, so that none is lost silently."""
    seen: set[str] = set()
    result = []
    for axis in axes:
        name = f"{axis.name}{len(seen)}" if axis.name in seen else axis.name
        seen.add(name)
        result.append(axis._replace(name=name))
    return tuple(result)


def _pixel_sizes(tiff: TiffFile) -> dict[str, tuple[float, str]]:
    """Return pixel size and unit by axis: from OME-XML, from ImageJ, from the resolution tags."""
    if tiff.is_ome and tiff.ome_metadata:
        return _ome_sizes(tiff.ome_metadata)
    ratio = [tiff.pages.first.tags.valueof(tag) for tag in ("YResolution", "XResolution")]
    per_unit = [r[0] / r[1] if r and r[1] else 0.0 for r in ratio]
    imagej = tiff.imagej_metadata or {}
    if imagej:
        unit = short_unit(imagej.get("unit"))
        sizes = {d: readable(1 / p, unit) for d, p in zip("yx", per_unit, strict=True) if p > 0}
        if "spacing" in imagej:
            sizes["z"] = readable(float(imagej["spacing"]), unit)
        if imagej.get("finterval"):
            sizes["t"] = (float(imagej["finterval"]), "s")
        return sizes if unit != "px" else {}
    code = int(tiff.pages.first.tags.valueof("ResolutionUnit") or 1)
    length = {2: 25.4, 3: 10.0}.get(code)  # millimetres an inch, a centimetre
    if length is None or (code == 2 and round(per_unit[0]) in _PRINT):
        return {}
    return {d: readable(length / p, "mm") for d, p in zip("yx", per_unit, strict=True) if p > 0}


def _ome_sizes(xml: str) -> dict[str, tuple[float, str]]:
    image = xml2dict(xml)["OME"]["Image"]
    pixels = (image[0] if isinstance(image, list) else image)["Pixels"]
    sizes = {}
    for dim in "zyx":
        size = pixels.get(f"PhysicalSize{dim.upper()}")
        if size:
            unit = short_unit(pixels.get(f"PhysicalSize{dim.upper()}Unit", "µm"))
            sizes[dim] = (float(size), unit)
    if pixels.get("TimeIncrement"):
        unit = short_unit(pixels.get("TimeIncrementUnit", "s"))
        sizes["t"] = (float(pixels["TimeIncrement"]), unit)
    return sizes
