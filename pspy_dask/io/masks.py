"""Masks from other software as labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image

from pspy_dask.blocks.calibration import share_calibration
from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.images import as_image, like
from pspy_dask.blocks.sources import Source, lazy_array, source_of
from pspy_dask.io.frames import PICTURES
from pspy_dask.io.grey_pictures import is_black_and_white
from pspy_dask.io.sources import open_image
from pspy_dask.io.tiff import SUFFIXES
from pspy_dask.io.zarr_source import is_zarr
from pspy_dask.segmentation.labels import label


def label_mask(
    mask: Any,
    image: Any = None,
    *,
    binary: bool | None = None,
    channel: int | str | None = None,
) -> xr.DataArray:
    """Return the labels that a mask stands for: its components, or its own labels as they are.

    Parameters
    ----------
    mask
        Whatever :func:`pspy_dask.open_image` opens: an array, a Zarr or OME-Zarr folder, a TIFF,
        a PNG, ... Booleans are labelled as :func:`pspy_dask.label` does; integers are labels,
        gaps and all, 0 for background, but in a file of 8 bits that holds 0 and 255 alone: that
        is how Fiji and others save what is true or not. Of a picture with a palette these are the
        numbers of its colours.
    image
        The image that it is a mask of, which must have its shape. The labels then have its axes
        and its pixel size.
    binary
        True labels integers too, what is not 0 being foreground; False takes them as they are.
        None tells a file of 0 and 255 from labels, for which one of 8 bits is read once. Arrays
        and Zarr, which are not read before they are asked for, it takes for labels.
    channel
        Of a mask that has several, such as one that was saved in colours; then those of a palette
        are colours, too.

    Returns
    -------
    xarray.DataArray
        Lazy labels, for :func:`pspy_dask.region_properties` and all else.

    Raises
    ------
    TypeError
        The mask holds floats.
    ValueError
        The shapes differ, mask and image state different pixel sizes, the mask has several
        channels and none is chosen, or the first colour of its palette is not black; on
        computing, a label is negative.

    Examples
    --------
    >>> import numpy as np
    >>> label_mask(np.array([[True, False, True]])).values.tolist()
    [[1, 0, 2]]
    >>> label_mask(np.array([[7, 0, 255]], np.uint8)).values.tolist()
    [[7, 0, 255]]
    """
    opened = _opened(mask, channel)
    if opened.dtype.kind not in "biu":
        raise TypeError(
            f"a mask of type {opened.dtype} holds no labels: give integers or booleans, "
            "such as mask > 0"
        )
    if image is not None:
        opened = _placed(opened, open_image(image))
    if binary is None:
        binary = _is_file(mask) and is_black_and_white(opened)
    if binary or opened.dtype.kind == "b":
        return label(opened)
    if opened.dtype.kind == "u":
        return like(opened, opened.data, "labels")
    return like(opened, _checked(opened.data), "labels")


def _is_file(mask: Any) -> bool:
    """Whether a mask is a picture, or several, and no array: .npy and Zarr are what NumPy has."""
    first = mask[0] if isinstance(mask, list | tuple) and mask else mask
    if not isinstance(first, str | Path) or "://" in str(first):
        return False
    return Path(first).suffix.lower() != ".npy" and not is_zarr(Path(first))


def _opened(mask: Any, channel: int | str | None) -> xr.DataArray:
    """Return the numbers of colours of a picture that has a palette, else what it shows."""
    if channel is None and isinstance(mask, str | Path) and _has_palette(Path(mask)):
        return _numbers_of_colours(Path(mask))
    return open_image(mask, channel=channel)


def _has_palette(path: Path) -> bool:
    if path.suffix.lower() not in PICTURES or path.suffix.lower() in SUFFIXES or not path.is_file():
        return False
    with Image.open(path) as picture:
        return picture.mode == "P"


def _numbers_of_colours(path: Path) -> xr.DataArray:
    with Image.open(path) as picture:
        first = (picture.getpalette("RGB") or [0, 0, 0])[:3]
        numbers = np.asarray(picture)
    if any(first):
        raise ValueError(
            f"the first colour in the palette of {path} is #{bytes(first).hex()} and not black, so "
            "its numbers may be no labels: save the mask in grey, or choose a channel with channel="
        )
    return as_image(numbers)


def _placed(mask: xr.DataArray, image: xr.DataArray) -> xr.DataArray:
    """Return the mask on the axes of the image."""
    if mask.shape != image.shape:
        raise ValueError(
            f"the mask has shape {mask.shape} and the image {image.shape}: "
            "give the mask of this image"
        )
    if mask.dims == image.dims:
        return share_calibration(mask, image)[0]
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
