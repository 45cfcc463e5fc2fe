"""Masks from other software as labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.images import axis_units, like
from pspy_dask.blocks.sources import Source, lazy_array, source_of
from pspy_dask.io.sources import open_image
from pspy_dask.segmentation.labels import label


def label_mask(mask: Any, image: Any = None, *, binary: bool = False) -> xr.DataArray:
    """Return the labels that a mask stands for: its components, or its own labels as they are.

    Parameters
    ----------
    mask
        Whatever :func:`pspy_dask.open_image` opens: an array, a Zarr or OME-Zarr folder, a TIFF,
        a PNG, ... Booleans are labelled as :func:`pspy_dask.label` does; integers are labels,
        gaps and all, 0 for background.
    image
        The image that it is a mask of, which must have its shape. The labels then have its axes
        and, where the mask states no pixel size, its pixel size.
    binary
        Label integers too, what is not 0 being foreground, as in a picture of 0 and 255.

    Returns
    -------
    xarray.DataArray
        Lazy labels, for :func:`pspy_dask.region_properties` and all else.

    Raises
    ------
    TypeError
        The mask holds floats.
    ValueError
        The shapes differ; on computing, a label is negative.

    Examples
    --------
    >>> import numpy as np
    >>> label_mask(np.array([[True, False, True]])).values.tolist()
    [[1, 0, 2]]
    >>> label_mask(np.array([[7, 0, 255]], np.uint8)).values.tolist()
    [[7, 0, 255]]
    """
    opened = open_image(mask)
    if opened.dtype.kind not in "biu":
        raise TypeError(
            f"a mask of type {opened.dtype} holds no labels: give integers or booleans, "
            "such as mask > 0"
        )
    if image is not None:
        opened = _placed(opened, open_image(image))
    if binary or opened.dtype.kind == "b":
        return label(opened)
    if opened.dtype.kind == "u":
        return like(opened, opened.data, "labels")
    return like(opened, _checked(opened.data), "labels")


def _placed(mask: xr.DataArray, image: xr.DataArray) -> xr.DataArray:
    """Return the mask on the axes of the image."""
    if mask.shape != image.shape:
        raise ValueError(
            f"the mask has shape {mask.shape} and the image {image.shape}: "
            "give the mask of this image"
        )
    is_calibrated = any(unit not in ("px", "frame") for unit in axis_units(mask).values())
    if mask.dims == image.dims and is_calibrated:
        return mask
    return like(image, mask.data, "mask")


@dataclass(frozen=True)
class _CheckedSource:
    """Labels read at random, none of which is negative."""

    source: Source

    @property
    def shape(self) -> Index:
        """Lengths along the axes."""
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a label."""
        return self.source.dtype

    def read(self, box: Box) -> NDArray[Any]:
        """Return the labels of the box."""
        return _without_negatives(self.source.read(box))


def _checked(labels: da.Array) -> da.Array:
    source = source_of(labels)
    if source is not None:
        return lazy_array(_CheckedSource(source), labels.chunks)
    checked: da.Array = da.map_blocks(_without_negatives, labels, dtype=labels.dtype)
    return checked


def _without_negatives(labels: NDArray[Any]) -> NDArray[Any]:
    least = int(labels.min(initial=0))
    if least < 0:
        raise ValueError(f"a label is {least}: labels must not be negative, 0 is background")
    return labels
