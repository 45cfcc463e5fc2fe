"""Classes of pixels in a job: stored as labels of the image, counted, and shown in a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from PIL import Image

from pspy_dask.blocks.images import axis_units, has_frames, like, pixel_size, spatial_axes
from pspy_dask.blocks.reduce import reduce_windows
from pspy_dask.blocks.windows import Window
from pspy_dask.io.ome_zarr import write_labels
from pspy_dask.io.outputs import growing_file
from pspy_dask.io.pyramid_write import PyramidWrite
from pspy_dask.run.bench import Bench
from pspy_dask.run.views import middle, seen

_TINT = 0.4  # share of the colour of a class in the picture


@dataclass(frozen=True)
class Classes:
    """How a job tells pixels apart.

    Attributes
    ----------
    assign
        Gives the lazy class of every pixel of an image; 0 for none.
    name
        Name of the labels that hold the classes.
    description
        What was done to the image, as it follows "the image was" in a paper.
    names, colors
        Name and colour (``#rrggbb``) of each class.
    particles
        The class that particles are made of, or None where none are wanted.
    """

    assign: Callable[[xr.DataArray], xr.DataArray]
    name: str
    description: str
    names: Mapping[int, str]
    colors: Mapping[int, str] = field(default_factory=dict)
    particles: int | None = None


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
    """How many pixels each class has."""

    length: int

    def partial(self, pixels: NDArray[Any], window: Window) -> NDArray[np.int64]:
        """Count a chunk."""
        return np.bincount(pixels[window.crop].ravel(), minlength=self.length).astype(np.int64)

    def merge(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add the counts."""
        return a + b

    def finish(self, partial: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return them."""
        return partial


def store_classes(
    classes: Classes, image: xr.DataArray, home: Path, bench: Bench, *, overwrite: bool
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
        colors=classes.colors,
    )
    try:
        counts = _counts(lazy, 1 + max(classes.names))
        (found,) = bench.levels("classify pixels", writing, [0], beside=[counts])
        if len(writing.levels) > 1:
            bench.levels("write pyramid of classes", writing, range(1, len(writing.levels)))
    except BaseException:
        writing.discard()
        raise
    return found, writing


def _counts(classes: xr.DataArray, length: int) -> da.Array:
    frames = has_frames(classes)
    return reduce_windows(
        classes.data,
        ClassCount(length),
        halo=(0,) * (classes.ndim - frames),
        length=length,
        dtype=np.int64,
        frames=frames,
        per_frame=False,
    )


def class_table(
    classes: Classes, counts: NDArray[np.int64], image: xr.DataArray
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return pixels, share and area (volume) of each class, and the units of the columns."""
    steps, units = pixel_size(image), axis_units(image)
    axes = spatial_axes(image)
    numbers = list(classes.names)
    pixels = counts[numbers]
    what = "area" if len(axes) == 2 else "volume"
    table = pd.DataFrame(
        {
            "class": numbers,
            "name": list(classes.names.values()),
            "color": [classes.colors.get(n, "") for n in numbers],
            "pixels": pixels,
            "share": pixels / max(1, int(counts.sum())),
            what: pixels * float(np.prod([abs(steps[d]) for d in axes])),
        }
    )
    unit = units[axes[-1]]
    return table, {what: f"{unit}^{len(axes)}"}


def write_picture(
    image: xr.DataArray, numbers: xr.DataArray, colors: Mapping[int, str], path: Path
) -> None:
    """Write the image, of many planes the middle one, with its classes in their colours as PNG."""
    at = middle(image)
    grey, index = seen(image, numbers, at)
    palette = np.full((1 + max(colors, default=0), 3), np.nan)
    for number, color in colors.items():
        palette[number] = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    tint = palette[np.minimum(index, len(palette) - 1)]
    share = np.where(np.isnan(tint), 0, _TINT)
    mixed = (1 - share) * grey[..., None] + share * np.nan_to_num(tint)
    with growing_file(path) as partial:
        Image.fromarray(mixed.astype(np.uint8)).save(partial, "PNG", optimize=True)


def stored_classes(image: xr.DataArray, data: da.Array) -> xr.DataArray:
    """Return stored classes on the axes of their image."""
    return like(image, data, "classes")
