"""Masks as ParticleSpy takes them: connected pixels of one value are a particle."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from dask.array import map_blocks
from numpy.typing import NDArray
from skimage.measure import label as label_values

from pspy_dask.blocks.images import as_image
from pspy_dask.io.masks import label_mask
from pspy_dask.io.sources import open_image


def label_pieces(mask: Any, image: xr.DataArray) -> xr.DataArray:
    """Return labels of the pieces of a mask: connected pixels of the same value, 0 being none.

    Parameters
    ----------
    mask
        Of the shape of the image: booleans, or whole numbers such as the classes of pixels or
        labels; anything :func:`pspy_dask.open_image` opens.
    image
        The image that it is a mask of.

    Returns
    -------
    xarray.DataArray
        Labels in raster order, equal to ``skimage.measure.label(mask)``, on the axes of the image.
        Lazy where the mask is boolean, or holds one number beside 0, which a pass over its chunks
        finds out; one of more numbers is read as a whole.

    Raises
    ------
    ValueError
        The shapes differ, or the mask holds numbers that are not whole.

    Examples
    --------
    >>> classes = np.array([[1, 1, 2, 2], [1, 1, 2, 2]])
    >>> label_pieces(classes, as_image(np.zeros((2, 4)))).values.tolist()
    [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    opened = open_image(mask)
    if opened.dtype.kind == "b":
        return label_mask(opened, image)
    least, most = _extremes(opened)
    if least == most and float(most).is_integer():
        return label_mask(opened != 0, image)
    pixels = np.asarray(opened)
    if pixels.dtype.kind == "f":
        if not np.array_equal(pixels, np.rint(pixels)):
            raise ValueError(
                "the mask holds numbers that are not whole: give booleans, such as mask > 0.5"
            )
        pixels = pixels.astype(np.int64)
    found: NDArray[Any] = label_values(pixels)  # type: ignore[no-untyped-call]
    return label_mask(as_image(found.astype(np.int32)), image)


def _extremes(mask: xr.DataArray) -> tuple[Any, Any]:
    """Return the least and the greatest number that is not 0, or 0 twice."""
    found = map_blocks(
        _block_extremes, mask.data, chunks=(1,) * mask.ndim + (2,), new_axis=mask.ndim
    )
    pairs = np.asarray(found).reshape(-1, 2)
    pairs = pairs[(pairs != 0).any(axis=1)]
    return (pairs[:, 0].min(), pairs[:, 1].max()) if len(pairs) else (0, 0)


def _block_extremes(block: NDArray[Any]) -> NDArray[Any]:
    told = block[block != 0]
    pair = np.array([told.min(), told.max()] if told.size else [0, 0], block.dtype)
    return pair.reshape((1,) * block.ndim + (2,))
