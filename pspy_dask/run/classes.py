"""Classes of pixels in a job: stored as labels of the image, counted, and shown in a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from PIL import Image

from pspy_dask.blocks.images import axis_units, has_frames, pixel_size, spatial_axes
from pspy_dask.blocks.reduce import reduce_windows
from pspy_dask.blocks.windows import Window
from pspy_dask.io.ome_zarr import write_labels
from pspy_dask.io.outputs import growing_file
from pspy_dask.io.pyramid_write import PyramidWrite
from pspy_dask.pixels.classes import Classes
from pspy_dask.pixels.palettes import repeated_colors
from pspy_dask.run.bench import Bench
from pspy_dask.run.views import middle, seen

_TINT = 0.4  # share of the colour of a class in the picture


@dataclass(frozen=True)
class ClassStep:
    """How a job tells pixels apart.

    Attributes
    ----------
    assign
        Gives the lazy class of every pixel of an image; 0 for none.
    name
        Name of the labels that hold the classes.
    description
        What was done to the image, as it follows "the image was" in a paper.
    known
        The classes; none where it shows only in the end how many there are.
    particles
        The class that particles are made of, or None where none are wanted.
    facts
        What it takes to do the same again, in words: pairs of a property and its value.
    """

    assign: Callable[[xr.DataArray], xr.DataArray]
    name: str
    description: str
    known: Classes
    particles: int | None = None
    facts: tuple[tuple[str, str], ...] = ()

    def name_of(self, number: int) -> str:
        """Return the name of a class."""
        return self.names.get(number, f"class {number}")

    @property
    def names(self) -> Mapping[int, str]:
        """Name of each class known."""
        return dict(zip(self.known.numbers, self.known.names, strict=True))

    def colors(self, count: int) -> Mapping[int, str]:
        """Return the colour of each class known, and of at least so many from 1 on."""
        known = dict(zip(self.known.numbers, self.known.colors, strict=True))
        return repeated_colors(range(1, 1 + count)) | known


@dataclass(frozen=True)
class IsClass:
    """The foreground of a class."""

    number: int

    def __call__(self, pixels: NDArray[Any], window: Window) -> NDArray[np.bool_]:
        """Return where a chunk of classes is of this one."""
        mask: NDArray[np.bool_] = pixels[window.crop] == self.number
        return mask


@dataclass(frozen=True)
class ClassCount:
    """How many pixels each class has, from 0 on."""

    def partial(self, pixels: NDArray[Any], window: Window) -> NDArray[np.int64]:
        """Count a chunk."""
        return np.bincount(pixels[window.crop].ravel()).astype(np.int64)

    def merge(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add the counts."""
        longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
        return longer + np.pad(shorter, (0, len(longer) - len(shorter)))

    def finish(self, partial: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return them."""
        return partial


def store_classes(
    classes: ClassStep, image: xr.DataArray, home: Path, bench: Bench, *, overwrite: bool
) -> tuple[NDArray[np.int64], PyramidWrite]:
    """Store the classes of an image and their pyramid, still unlisted; return their counts."""
    lazy = classes.assign(image)
    properties = {number: {"class": name} for number, name in classes.names.items()}
    writing = write_labels(
        lazy,
        home,
        name=classes.name,
        overwrite=overwrite,
        properties=properties,
        colors=classes.colors(0),
    )
    try:
        counts = _counts(lazy)
        (found,) = bench.levels("classify pixels", writing, [0], beside=[counts])
        if len(writing.levels) > 1:
            bench.levels("write pyramid of classes", writing, range(1, len(writing.levels)))
    except BaseException:
        writing.discard()
        raise
    return found, writing


def _counts(classes: xr.DataArray) -> da.Array:
    frames = has_frames(classes)
    return reduce_windows(
        classes.data,
        ClassCount(),
        halo=(0,) * (classes.ndim - frames),
        length=1,  # as many as there are classes, which shows in the end
        dtype=np.int64,
        frames=frames,
        per_frame=False,
    )


def class_table(
    classes: ClassStep, counts: NDArray[np.int64], image: xr.DataArray
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return pixels, share and area (volume) of each class, and the units of the columns."""
    steps, units = pixel_size(image), axis_units(image)
    axes = spatial_axes(image)
    numbers = list(range(1, max(len(counts), 1 + max(classes.names, default=0))))
    colors = classes.colors(len(numbers))
    pixels = np.pad(counts, (0, max(0, 1 + len(numbers) - len(counts))))[1:]
    what = "area" if len(axes) == 2 else "volume"
    table = pd.DataFrame(
        {
            "class": numbers,
            "name": [classes.name_of(n) for n in numbers],
            "color": [colors[n] for n in numbers],
            "pixels": pixels,
            "share": pixels / max(1, int(counts.sum())),
            what: pixels * float(np.prod([abs(steps[d]) for d in axes])),
        }
    )
    unit = units[axes[-1]]
    return table, {what: unit and f"{unit}^{len(axes)}"}


def write_picture(
    image: xr.DataArray, numbers: xr.DataArray, classes: ClassStep, path: Path
) -> None:
    """Write the image, of many planes the middle one, with its classes in their colours as PNG."""
    at = middle(image)
    grey, index = seen(image, numbers, at)
    shown = classes.colors(int(index.max()))
    palette = np.zeros((1 + max(shown, default=0), 3))
    for number, color in shown.items():
        palette[number] = list(bytes.fromhex(color.removeprefix("#")))
    share = _TINT * (index > 0)[..., None]
    mixed = (1 - share) * grey[..., None] + share * palette[index]
    with growing_file(path) as partial:
        Image.fromarray(mixed.astype(np.uint8)).save(partial, "PNG", optimize=True)
