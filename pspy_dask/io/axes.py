"""Axes of a file, and which of its pixels make the image: one channel, at most t, z, y, x."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import dask.array as da
import xarray as xr

from pspy_dask.blocks.chunking import ChunksLike, choose_chunks
from pspy_dask.blocks.images import (
    AXES,
    check_numbers,
    looks_coloured,
    make_image,
    native_pixels,
)
from pspy_dask.blocks.sources import ArraySource, Source, lazy_array

CHANNEL = "c"


class Axis(NamedTuple):
    """One axis of a file: name, length, pixel size, unit, coordinate of the first pixel."""

    name: str
    size: int
    step: float = 1.0
    unit: str = "px"
    origin: float = 0.0


class Wanted(NamedTuple):
    """Which pixels the user wants, how chunked, and what the axes are where the user says so."""

    chunks: ChunksLike
    channel: int | str | None
    axes: str | None = None


def check_axes(names: str) -> None:
    """Raise ValueError where these cannot be the names of an image's axes."""
    if len(set(names)) < len(names) or not set("yx") <= set(names) <= {*AXES, CHANNEL}:
        raise ValueError(
            f"axes is {names!r}: give each axis one of the letters t, z, c, y, x, such as 'tyx'"
        )


def _default_axes(shape: Sequence[int]) -> str | None:
    """Return the names of the axes of an array that has none, None where it has too many or few."""
    if looks_coloured(shape):
        return "yxc" if len(shape) == 3 else "tyxc"
    return {2: "yx", 3: "zyx", 4: "tzyx", 5: "tczyx"}.get(len(shape))


def named(axes: Sequence[Axis], wanted: Wanted, what: str) -> tuple[Axis, ...]:
    """Return the axes under the names that the user gives them; what was meant else is lost."""
    if wanted.axes is None:
        return tuple(axes)
    if len(wanted.axes) != len(axes):
        lengths = " x ".join(str(a.size) for a in axes)
        raise ValueError(
            f"{what} has {len(axes)} axes ({lengths}): name as many, not {wanted.axes!r}"
        )
    pairs = zip(wanted.axes, axes, strict=True)
    return tuple(axis if axis.name == name else Axis(name, axis.size) for name, axis in pairs)


def unnamed(shape: Sequence[int], wanted: Wanted, what: str) -> tuple[Axis, ...]:
    """Return the axes of an array that does not name them."""
    names = wanted.axes or _default_axes(shape)
    if names is None:
        raise ValueError(f"{what} has {len(shape)} axes: give an image of 2 to 5")
    return named([Axis("", n) for n in shape], wanted._replace(axes=names), what)


def choose_axes(
    axes: Sequence[Axis],
    channel: int | str | None,
    *,
    names: Sequence[str] = (),
    what: str,
) -> tuple[int | None, ...]:
    """Return for each axis the position it is held at, or None where it stays.

    Raises
    ------
    ValueError
        A channel must be chosen, or the one chosen does not exist; an axis that is not t, z, y,
        x or c is longer than 1; there is no y or no x.
    """
    fixed: list[int | None] = []
    for axis in axes:
        if axis.name == CHANNEL:
            fixed.append(channel_index(channel, axis.size, names, what=what))
        elif axis.name in AXES:
            fixed.append(None)
        elif axis.size == 1:
            fixed.append(0)
        else:
            raise ValueError(
                f"{what} has an axis {axis.name!r} of length {axis.size}: "
                "sum or select along it first"
            )
    kept = [axis.name for axis, at in zip(axes, fixed, strict=True) if at is None]
    if kept[-2:] != ["y", "x"]:
        raise ValueError(f"{what} is not an image: its axes are {[a.name for a in axes]}")
    if channel is not None and CHANNEL not in [a.name for a in axes] and channel != 0:
        raise ValueError(f"{what} has one channel: leave channel={channel!r} out")
    return tuple(fixed)


def channel_index(channel: int | str | None, count: int, names: Sequence[str], *, what: str) -> int:
    """Return the index of the channel wanted of so many."""
    listed = ", ".join([*names] or map(str, range(count)))
    if channel is None:
        if count == 1:
            return 0
        rgb = " (RGB)" if count in (3, 4) and not names else ""
        raise ValueError(
            f"{what} has {count} channels{rgb}: choose one, for example channel=0 "
            f"(--channel 0), of {listed}"
        )
    if isinstance(channel, str):
        if channel not in names:
            raise ValueError(f"{what} has no channel {channel!r}: choose one of {listed}")
        return list(names).index(channel)
    if not 0 <= channel < count and str(channel) in names:
        return list(names).index(str(channel))  # channels are often named by a wavelength
    if not 0 <= channel < count:
        raise ValueError(f"{what} has no channel {channel}: choose one of {listed}")
    return int(channel)


def image_of(
    pixels: Any,
    axes: Sequence[Axis],
    wanted: Wanted,
    *,
    what: str,
    name: str | None,
    source: str | None,
    names: Sequence[str] = (),
    stored: tuple[int, ...] | None = None,
    token: str | None = None,
) -> xr.DataArray:
    """Return the image in an array of these axes: a NumPy, Zarr or dask array, or a source.

    Parameters
    ----------
    pixels
        What holds the pixels; a source must already be cut to the axes that stay.
    axes, names
        All axes of the file, and the names of its channels.
    wanted
        The channel, the chunks, and names of the axes where the file is not to be believed.
    what, name, source
        The file in words, for errors; the name of the image; where it came from.
    stored
        Lengths of the stored chunks along all axes.
    token
        Tells the pixels apart from those of other files.
    """
    axes = named(axes, wanted, what)
    fixed = choose_axes(axes, wanted.channel, names=names, what=what)
    kept = [a for a, at in zip(axes, fixed, strict=True) if at is None]
    check_pixels(pixels, [a.size for a in kept], what)
    order = _order([a.name for a in kept])
    in_order = order == sorted(order)
    form = _Form(
        steps={a.name: a.step for a in kept},
        units={a.name: a.unit for a in kept},
        origin={a.name: a.origin for a in kept},
        name=name,
        attrs={"source": source},
    )
    if isinstance(pixels, da.Array):
        cut_out = tuple(slice(None) if at is None else at for at in fixed)
        data = native_pixels(pixels[cut_out])
    else:
        if not isinstance(pixels, Source):
            pixels = ArraySource(pixels, fixed, **({} if token is None else {"token": token}))
        cut = stored and tuple(n for n, at in zip(stored, fixed, strict=True) if at is None)
        chunks: ChunksLike = wanted.chunks if in_order else "auto"
        lengths = choose_chunks(
            pixels.shape, cut or None, chunks=chunks, frames=kept[0].name == "t"
        )
        data = lazy_array(pixels, lengths)
        if in_order:
            return form.image(data, [a.name for a in kept])
    data = data.transpose(order)
    if wanted.chunks != "auto":
        data = data.rechunk(choose_chunks(data.shape, chunks=wanted.chunks))
    return form.image(data, [kept[k].name for k in order])


class _Form(NamedTuple):
    """Calibration and names of an image."""

    steps: dict[str, float]
    units: dict[str, str]
    origin: dict[str, float]
    name: str | None
    attrs: dict[Hashable, Any]

    def image(self, data: da.Array, dims: Sequence[str]) -> xr.DataArray:
        """Return the image over these pixels."""
        return make_image(
            data,
            dims,
            steps=self.steps,
            units=self.units,
            origin=self.origin,
            name=self.name,
            attrs=self.attrs,
        )


def check_pixels(pixels: Any, sizes: Sequence[int], what: str) -> None:
    """Raise where there are no pixels, or pixels are no real numbers."""
    if 0 in sizes:
        raise ValueError(f"{what} has no pixels: its shape is {tuple(sizes)}")
    check_numbers(pixels, what)


def _order(names: Sequence[str]) -> list[int]:
    """Return the positions of the axes in the order t, z, y, x."""
    return sorted(range(len(names)), key=lambda k: AXES.index(names[k]))
