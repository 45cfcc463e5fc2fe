"""Labels without the objects one does not want; the labels of the others stay."""

from __future__ import annotations

import dask.array as da
import numpy as np
import xarray as xr
from dask.graph_manipulation import clone

from pspy_dask.blocks.images import (
    CONNECTED_LABELS,
    ImageLike,
    as_labels,
    has_frames,
    like,
    spatial_axes,
)
from pspy_dask.blocks.sources import ArraySource, source_of
from pspy_dask.blocks.tree import sweep
from pspy_dask.parameters import check_count
from pspy_dask.segmentation.cleaning import DropObjects


def clear_border(labels: ImageLike) -> xr.DataArray:
    """Return the labels without the objects that touch an edge of the image.

    Parameters
    ----------
    labels
        Integers, 0 for background, of shape ``([t,] [z,] y, x)``.

    Returns
    -------
    xarray.DataArray
        Lazy; of the same type, frame by frame. Equal to ``skimage.segmentation.clear_border``
        where every label is one piece; a label in several pieces goes as a whole.

    Notes
    -----
    To number the objects that stay 1..N, ask :func:`pspy_dask.label` or
    :func:`pspy_dask.segment` to clear the border.

    Examples
    --------
    >>> import numpy as np
    >>> clear_border(np.array([[1, 0, 0], [0, 0, 0], [0, 2, 0], [0, 0, 0]])).values.max()
    np.int64(2)
    """
    return _drop(labels, min_size=0, border=True)


def remove_small_objects(labels: ImageLike, min_size: int) -> xr.DataArray:
    """Return the labels without the objects of fewer than ``min_size`` pixels.

    Parameters
    ----------
    labels
        Integers, 0 for background, of shape ``([t,] [z,] y, x)``.
    min_size
        An object of exactly so many pixels stays.

    Returns
    -------
    xarray.DataArray
        Lazy; of the same type, frame by frame.

    Raises
    ------
    ValueError
        ``min_size`` is negative or not a whole number.

    Examples
    --------
    >>> import numpy as np
    >>> remove_small_objects(np.array([[1, 1, 0], [0, 0, 2]]), 2).values.tolist()
    [[1, 1, 0], [0, 0, 0]]
    """
    return _drop(labels, min_size=check_count("min_size", min_size), border=False)


def _drop(labels: ImageLike, *, min_size: int, border: bool) -> xr.DataArray:
    image = as_labels(labels)
    frames = has_frames(image)
    axes = len(spatial_axes(image))
    connected = str(image.data.name).startswith(CONNECTED_LABELS)
    program = DropObjects(axes, min_size, border, connected)
    data = sweep(
        image.data,
        program,
        halo=(0,) * (image.ndim - frames),
        dtype=image.dtype,
        frames=frames,
        name=CONNECTED_LABELS if connected else "labels",
        reread=_to_reread(image.data),
    )
    return like(image, data, "labels")


def _to_reread(labels: da.Array) -> da.Array | None:
    """Return labels to read once more at the end; none where keeping them is keeping a view."""
    source = source_of(labels)
    if source is None:
        cloned: da.Array = clone(labels)
        return cloned
    array = source.array if isinstance(source, ArraySource) else None
    return None if isinstance(array, np.ndarray) and array.dtype.isnative else labels
