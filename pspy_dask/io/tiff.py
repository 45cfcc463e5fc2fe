"""TIFF, BigTIFF, OME-TIFF and ImageJ TIFF, read at random through tifffile's Zarr view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from pspy_dask.io.axes import Axis, Wanted, channel_index, choose_axes, image_of, named
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
    series: int
    level: int
    fixed: tuple[int | None, ...]
    shape: Index
    dtype: np.dtype[Any]
    stamp: int

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of the box."""
        try:
            return native(
                np.asarray(
                    _view(self.path, self.series, self.level, self.stamp)[box.among(self.fixed)]
                )
            )
        except (ValueError, RuntimeError) as error:  # of tifffile, of a decoder
            raise ValueError(
                f"{self.path} cannot be read ({error}): it is damaged or incomplete, copy it again"
            ) from error


@lru_cache(maxsize=64)
def _view(path: str, series: int, level: int, stamp: int) -> Any:
    node = zarr.open(imread(path, aszarr=True, series=series, level=level), mode="r")
    return node if isinstance(node, zarr.Array) else node["0"]


@dataclass(frozen=True)
class TiffHeader:
    """What the header of a TIFF says: axes, type, stored chunk of one level; names of channels."""

    axes: tuple[Axis, ...]
    dtype: np.dtype[Any]
    stored: tuple[int, ...]
    names: tuple[str, ...] = ()


def read_header(path: Path, level: int = 0, series: int = 0) -> TiffHeader:
    """Return what the header says of an image in the file, without reading pixels."""
    with _opened(path) as tiff:
        image = tiff.series[series]
        if not 0 <= level < len(image.levels):
            raise ValueError(f"{path} has no level {level}: choose 0 to {len(image.levels) - 1}")
        at = image.levels[level]
        shrink = [full / n for full, n in zip(image.shape, at.shape, strict=True)]
        sizes = _pixel_sizes(tiff, series)
        axes = []
        for letter, n, factor in zip(at.axes, at.shape, shrink, strict=True):
            name = _NAMES.get(letter, letter.lower())
            step, unit = sizes.get(name, (1.0, "px"))
            axes.append(Axis(name, n, step * factor, unit))
        page = image.keyframe
        tile = {"y": page.chunks[0], "x": page.chunks[1]} if len(page.chunks) > 1 else {}
        stored = tuple(tile.get(a.name, 1) for a in axes)
        dtype = np.dtype(at.dtype).newbyteorder("=")
        return TiffHeader(_unique(axes), dtype, stored, _channel_names(tiff, series, axes))


@contextmanager
def _opened(path: Path) -> Iterator[TiffFile]:
    try:
        with TiffFile(path) as tiff:
            yield tiff
    except (TiffFileError, IndexError):
        raise ValueError(
            f"{path} is not a TIFF image: it is damaged or of another format"
        ) from None


def open_tiff(path: Path, wanted: Wanted, level: int = 0) -> xr.DataArray:
    """Return the image in a TIFF file, of several the first or the one that ``channel`` names."""
    series, wanted = _choose_series(path, wanted)
    header = read_header(path, level, series)
    source = tiff_source(path, header, wanted, level, series)
    return image_of(
        source,
        header.axes,
        wanted,
        what=str(path),
        name=path.name.split(".")[0],
        source=str(path),
        names=header.names,
        stored=header.stored,
    )


def _choose_series(path: Path, wanted: Wanted) -> tuple[int, Wanted]:
    """Return which image is meant, by number or name, and what is wanted of it.

    Where the first image has channels, it is they that are chosen from.
    """
    with _opened(path) as tiff:
        axes = [_NAMES.get(letter, letter) for letter in tiff.series[0].axes]
        if wanted.channel is None or len(tiff.series) == 1 or "c" in (wanted.axes or axes):
            return 0, wanted
        names = [series.name or str(k) for k, series in enumerate(tiff.series)]
    at = channel_index(wanted.channel, len(names), names, what=str(path))
    return at, wanted._replace(channel=None)


def tiff_source(
    path: Path, header: TiffHeader, wanted: Wanted, level: int = 0, series: int = 0
) -> TiffSource:
    """Return the source of the channel that is wanted."""
    axes = named(header.axes, wanted, str(path))
    fixed = choose_axes(axes, wanted.channel, names=header.names, what=str(path))
    shape = tuple(a.size for a, at in zip(axes, fixed, strict=True) if at is None)
    stamp = path.stat().st_mtime_ns
    return TiffSource(str(path), series, level, fixed, shape, header.dtype, stamp)


def _unique(axes: list[Axis]) -> tuple[Axis, ...]:
    """Name a second axis of the same meaning after its place, so that none is lost silently."""
    seen: set[str] = set()
    result = []
    for axis in axes:
        name = f"{axis.name}{len(seen)}" if axis.name in seen else axis.name
        seen.add(name)
        result.append(axis._replace(name=name))
    return tuple(result)


def _pixel_sizes(tiff: TiffFile, series: int) -> dict[str, tuple[float, str]]:
    """Return pixel size and unit by axis: from OME-XML, from ImageJ, from the resolution tags."""
    pixels = _ome_pixels(tiff, series)
    if pixels is not None:
        return _ome_sizes(pixels)
    tags = tiff.series[series].keyframe.tags
    ratio = [tags.valueof(tag) for tag in ("YResolution", "XResolution")]
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
    code = int(tags.valueof("ResolutionUnit") or 1)
    length = {2: 25.4, 3: 10.0}.get(code)  # millimetres an inch, a centimetre
    if length is None or (code == 2 and round(per_unit[0]) in _PRINT):
        return {}
    return {d: readable(length / p, "mm") for d, p in zip("yx", per_unit, strict=True) if p > 0}


def _ome_pixels(tiff: TiffFile, series: int) -> dict[str, Any] | None:
    """Return what OME-XML says of the pixels of an image, None where there is no such thing."""
    if not (tiff.is_ome and tiff.ome_metadata):
        return None
    images = _listed(xml2dict(tiff.ome_metadata)["OME"]["Image"])
    pixels: dict[str, Any] = images[min(series, len(images) - 1)]["Pixels"]
    return pixels


def _channel_names(tiff: TiffFile, series: int, axes: Sequence[Axis]) -> tuple[str, ...]:
    """Return the names that OME-XML gives the channels, none where they are not one each."""
    channels = _listed((_ome_pixels(tiff, series) or {}).get("Channel", []))
    if [len(channels)] != [axis.size for axis in axes if axis.name == "c"]:
        return ()
    return tuple(str(channel.get("Name", k)) for k, channel in enumerate(channels))


def _listed(one_or_more: Any) -> list[Any]:
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def _ome_sizes(pixels: Mapping[str, Any]) -> dict[str, tuple[float, str]]:
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
