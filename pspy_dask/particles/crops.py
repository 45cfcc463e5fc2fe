"""Where particles lie in their image, and the pixels of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

from pspy_dask.blocks.calibration import share_calibration
from pspy_dask.blocks.crops import cut_out
from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import (
    ImageLike,
    as_image,
    as_labels,
    has_frames,
    named_array,
    spatial_axes,
)


@dataclass(frozen=True, eq=False)
class Pictures:
    """The labels that particles were measured from, and their image; either may be missing."""

    labels: xr.DataArray | None
    image: xr.DataArray | None

    @classmethod
    def of(cls, labels: ImageLike | None, image: ImageLike | None) -> Pictures:
        """Return them as lazy arrays, or raise ValueError where they do not belong together.

        Where one of them alone states a pixel size, the other takes it.
        """
        label_image = None if labels is None else as_labels(labels)
        pixels = None if image is None else as_image(image)
        if label_image is not None and pixels is not None:
            return cls(*share_calibration(label_image, pixels))
        return cls(label_image, pixels)

    def require_labels(self) -> xr.DataArray:
        """Return the labels, or raise ValueError."""
        if self.labels is None:
            raise ValueError("the list of particles has no labels: give them with the table")
        return self.labels

    def require_image(self) -> xr.DataArray:
        """Return the image, or raise ValueError."""
        if self.image is None:
            raise ValueError("the list of particles has no image: give it with the table")
        return self.image


def box_of(row: Mapping[str, Any], image: xr.DataArray, *, pad: int = 0) -> Box:
    """Return the box of a particle along all axes of an image, clipped at its edges.

    Parameters
    ----------
    row
        Its bounds (``bbox_*_px``), and its ``frame`` in a series.
    image
        Image or labels.
    pad
        Pixels to be added on every side along the axes of space.
    """
    start, stop = [], []
    space = spatial_axes(image)
    for dim, length in image.sizes.items():
        if dim in space:
            low, high = (int(row[name]) for name in bounds(str(dim)))
            start.append(max(0, low - pad))
            stop.append(min(length, high + pad))
        else:
            at = int(row["frame"]) if dim == "t" else 0
            start.append(at)
            stop.append(at + 1)
    return Box(tuple(start), tuple(stop))


def bounds(dim: str) -> tuple[str, str]:
    """Return the names of the columns of the bounds along an axis, in pixels."""
    return f"bbox_{dim}0_px", f"bbox_{dim}1_px"


def require_bounds(table: pd.DataFrame | Mapping[str, Any], image: xr.DataArray) -> None:
    """Raise ValueError where the table does not tell where particles lie."""
    names = [name for dim in spatial_axes(image) for name in bounds(dim)]
    if any(name not in table for name in names):
        raise ValueError(
            "the table does not tell where particles lie: measure it with 'bbox' among the "
            "properties"
        )
    if has_frames(image) and "frame" not in table:
        raise ValueError("the table has no column 'frame': measure it on labels with an axis t")


def crop(image: xr.DataArray, box: Box) -> xr.DataArray:
    """Return the pixels of a box, lazily, in the coordinates of the image.

    An axis t is left out.
    """
    data = cut_out(image.data, box)
    coords = {
        name: coordinate.isel(
            {
                dim: slice(a, b)
                for dim, a, b in zip(image.dims, *box, strict=True)
                if dim in coordinate.dims
            }
        )
        for name, coordinate in image.coords.items()
    }
    whole = named_array(data, coords, image.dims, name=image.name, attrs=image.attrs)
    return whole.isel(t=0) if has_frames(image) else whole


def crop_mask(labels: xr.DataArray, box: Box, label: int) -> xr.DataArray:
    """Return where a box has this label, lazily."""
    part = crop(labels, box)
    return part.copy(data=part.data == np.asarray(label, labels.dtype)).rename("mask")


def only(pixels: xr.DataArray, mask: xr.DataArray, fill: float) -> xr.DataArray:
    """Return the pixels inside a mask and another value outside; nan makes integers floats."""
    dtype = np.result_type(pixels.dtype, fill) if fill else pixels.dtype
    value = np.asarray(fill, dtype)
    return pixels.copy(data=da.where(mask.data, pixels.data, value))
