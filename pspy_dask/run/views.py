"""Pictures of an image and its particles: one of all of it, some at full resolution."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from math import ceil
from typing import Any

import dask.base
import numpy as np
import xarray as xr
from dask.delayed import delayed
from numpy.typing import NDArray
from PIL import Image

from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import axis_units, pixel_size
from pspy_dask.blocks.sources import Source, source_of
from pspy_dask.run.places import Place
from pspy_dask.run.wording import round_length, say_length

_LONGEST = 1200  # pixels of the longer side of a picture

# Index 0 is clear; particles take the others in turn, so that neighbours can be told apart.
_COLORS = (
    (0, 0, 0),
    (255, 176, 0),
    (0, 214, 201),
    (255, 92, 138),
    (140, 222, 60),
    (94, 176, 255),
    (255, 122, 54),
    (203, 140, 255),
)


@dataclass(frozen=True)
class View:
    """A picture ready for the page; lengths are in its own pixels.

    Attributes
    ----------
    title, note
        What is seen, and where.
    width, height
        Size of the picture; pixels that are not square are drawn as they are.
    pixels, outlines
        PNG as data addresses: grey levels, and the outlines to lay over them.
    classes
        Another to lay between them: the classes of pixels in their colours; "" where there are
        none.
    bar, bar_text
        Length of the scale bar, and what it stands for.
    ring
        Centre (x, y) and radius of a circle about the particle that is meant, if one is.
    """

    title: str
    note: str
    width: float
    height: float
    pixels: str
    outlines: str
    bar: float
    bar_text: str
    ring: tuple[float, float, float] | None = None
    classes: str = ""


@dataclass(frozen=True)
class Overview:
    """The whole image, strided.

    Attributes
    ----------
    view
        The picture.
    limits
        Grey levels shown as black and white, here and in other pictures of the same plane.
    at
        Which plane it is: positions along ``t`` and ``z`` as far as the image has them.
    missing
        Share of the pixels seen here that have no finite value.
    flat
        Whether all others are alike.
    """

    view: View
    limits: tuple[float, float]
    at: Mapping[str, int]
    missing: float
    flat: bool


def overview(image: xr.DataArray, labels: xr.DataArray) -> Overview:
    """Return the picture of the whole image, of its middle plane and frame where it has many."""
    step, at = _overview_step(image), middle(image)
    pixels, numbers = _computed(_strided(image, at), _strided(labels, at))
    limits = contrast(pixels)
    note = f"every {_ordinal(step)} pixel" if step > 1 else "every pixel"
    where = [f"{'middle plane' if d == 'z' else 'middle frame'} ({d} = {i})" for d, i in at.items()]
    view = _view(image, pixels, numbers, step, limits, ("Overview", ", ".join([*where, note])))
    known = pixels[np.isfinite(pixels)]
    flat = known.size == 0 or bool(known.min() == known.max())
    return Overview(view, limits, at, 1 - known.size / pixels.size, flat)


def with_classes(view: View, classes: xr.DataArray, colors: Mapping[int, str]) -> View:
    """Return an overview with the classes of its pixels; ``colors`` has those of 1 to 255."""
    (numbers,) = dask.base.compute(_strided(classes, middle(classes)))
    index = np.where(numbers > 0, 1 + (numbers.astype(np.int64) - 1) % 255, 0)
    palette = ["#000000", *(colors[number] for number in range(1, 256))]
    return replace(view, classes=_png(_indexed(index, [bytes.fromhex(c[1:]) for c in palette])))


def middle(image: xr.DataArray) -> dict[str, int]:
    """Return the middle frame and plane."""
    return {str(d): n // 2 for d, n in image.sizes.items() if d not in ("y", "x")}


def seen(
    image: xr.DataArray, labels: xr.DataArray, at: Mapping[str, int]
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Return grey levels and labels of a plane, strided to the size of a picture."""
    pixels, numbers = _computed(_strided(image, at), _strided(labels, at))
    return np.asarray(_grey(pixels, contrast(pixels))), numbers


def plane_contrast(image: xr.DataArray, at: Mapping[str, int]) -> tuple[float, float]:
    """Return the grey levels to show as black and white in a plane: a series may drift."""
    (pixels,) = dask.base.compute(_strided(image, at))
    return contrast(np.asarray(pixels))


def closeup(
    image: xr.DataArray, labels: xr.DataArray, place: Place, limits: tuple[float, float]
) -> View:
    """Return the picture of one place; outlines are drawn on the pixels inside the particles."""
    step = max(1, ceil(max(place.size) / _LONGEST))
    spans = {
        d: slice(a, a + n, step) for d, a, n in zip("yx", place.start, place.size, strict=True)
    }
    window: dict[str, int | slice] = {**place.at, **spans}
    pixels, numbers = _computed(_window(image, window), _window(labels, window))
    inside = len(np.unique(numbers[numbers > 0]))
    found = f"{inside} particle{'' if inside == 1 else 's'}"
    corner = ", ".join(f"{d} = {i:,}" for d, i in place.at.items())
    y, x = place.start if place.centre is None else map(round, place.centre)
    what = "" if place.centre is None else "centre of the ringed one at "
    note = f"{found} · {what}{corner + ', ' if corner else ''}y = {y:,}, x = {x:,} px"
    view = _view(image, pixels, numbers, step, limits, (place.title, note))
    return replace(view, ring=_ring(place, view))


def _ring(place: Place, view: View) -> tuple[float, float, float] | None:
    """Return a circle that leaves the outline of the particle to be seen."""
    if place.centre is None:
        return None
    scale = view.width / place.size[1], view.height / place.size[0]
    y, x = (c + 0.5 - start for c, start in zip(place.centre, place.start, strict=True))
    return x * scale[0], y * scale[1], (1.2 * place.radius + 4) * max(scale)


def contrast(pixels: NDArray[Any]) -> tuple[float, float]:
    """Return the grey levels to show as black and white; never equal.

    >>> contrast(np.array([[3.0, np.nan]]))
    (2.5, 3.5)
    """
    finite = pixels[np.isfinite(pixels)].astype(np.float64)
    low, high = np.percentile(finite, (0.5, 99.7)).tolist() if finite.size else (0.0, 0.0)
    if not high > low and finite.size:
        low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def outline(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return True on the pixels of particles that have a neighbour of another label.

    >>> outline(np.array([[0, 1, 1, 1], [0, 1, 1, 1]]))[0].tolist()
    [False, True, False, False]
    """
    edge = np.zeros(labels.shape, np.bool_)
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differs = labels[one] != labels[other]
        edge[one] |= differs
        edge[other] |= differs
    inside: NDArray[np.bool_] = edge & (labels != 0)
    return inside


def _overview_step(image: xr.DataArray) -> int:
    return max(1, ceil(max(image.sizes["y"], image.sizes["x"]) / _LONGEST))


def _strided(image: xr.DataArray, at: Mapping[str, int]) -> Any:
    every = slice(None, None, _overview_step(image))
    return image.isel({**at, "y": every, "x": every}).data


def _window(image: xr.DataArray, at: Mapping[str, int | slice]) -> Any:
    """Return a window, lazy; where pixels are read at random, that window alone is read.

    Chunks that it touches, four at a corner, would be the most that a job ever holds.
    """
    source = source_of(image.data)
    if source is None:
        return image.isel(at).data
    index = [at.get(str(d), slice(None)) for d in image.dims]
    spans = [slice(i, i + 1) if isinstance(i, int) else i for i in index]
    ends = [s.indices(n) for s, n in zip(spans, image.shape, strict=True)]
    box = Box(tuple(start for start, _, _ in ends), tuple(stop for _, stop, _ in ends))
    cut = tuple(0 if isinstance(i, int) else slice(None, None, i.step) for i in index)
    return delayed(_read)(source, box, cut)


def _read(source: Source, box: Box, cut: tuple[int | slice, ...]) -> NDArray[Any]:
    return source.read(box)[cut]


def _computed(image: Any, labels: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    parts: tuple[Any, ...] = dask.base.compute(image, labels)
    pixels, numbers = (np.asarray(part) for part in parts)
    return (pixels.astype(np.uint8) if pixels.dtype.kind == "b" else pixels), numbers


def _view(
    image: xr.DataArray,
    pixels: NDArray[Any],
    labels: NDArray[Any],
    step: int,
    limits: tuple[float, float],
    words: tuple[str, str],
) -> View:
    steps, unit = pixel_size(image), axis_units(image)["x"]
    height, width = pixels.shape
    tall = abs(steps["y"] / steps["x"]) if axis_units(image)["y"] == unit and steps["x"] else 1.0
    pitch = abs(steps["x"]) * step or 1.0
    length = round_length(width * pitch / 4.5)
    return View(
        title=words[0],
        note=words[1],
        width=width,
        height=height * tall,
        pixels=_png(_grey(pixels, limits)),
        outlines=_png(_overlay(labels)),
        bar=length / pitch,
        bar_text=say_length(length, unit),
    )


def _grey(pixels: NDArray[Any], limits: tuple[float, float]) -> Image.Image:
    """Return grey levels, a little lifted in the dark; pixels without a value are black."""
    low, high = limits
    share = np.clip((pixels.astype(np.float64) - low) / (high - low), 0, 1) ** 0.8
    return Image.fromarray((np.nan_to_num(share) * 255).astype(np.uint8))


def _overlay(labels: NDArray[Any]) -> Image.Image:
    """Return the outlines in the colours of their particles, clear elsewhere."""
    index = np.where(outline(labels), 1 + (labels - 1) % (len(_COLORS) - 1), 0)
    return _indexed(index, _COLORS)


def _indexed(index: NDArray[Any], colors: Sequence[Iterable[int]]) -> Image.Image:
    rows, columns = index.shape
    picture = Image.frombytes("P", (columns, rows), index.astype(np.uint8).tobytes())
    picture.putpalette([value for color in colors for value in color])
    return picture


def _png(picture: Image.Image) -> str:
    """Return the picture as a data address; colour 0 of a palette is clear."""
    buffer = BytesIO()
    clear = {"transparency": 0} if picture.mode == "P" else {}
    picture.save(buffer, "PNG", optimize=True, **clear)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _ordinal(n: int) -> str:
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
