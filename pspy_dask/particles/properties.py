"""Region properties of lazy labels, as a lazy table."""

from __future__ import annotations

from math import prod
from typing import Any

import dask.array as da
import dask.dataframe as dd
import xarray as xr

from pspy_dask.blocks.images import (
    CONNECTED_LABELS,
    ImageLike,
    as_image,
    axis_units,
    has_frames,
    pixel_size,
    spatial_axes,
)
from pspy_dask.blocks.sources import source_of
from pspy_dask.blocks.table import gather_table
from pspy_dask.particles.finish import TableForm
from pspy_dask.particles.measure import MeasureRegions

# Above this a job reads labels and image a second time rather than have a row of every object
# wait in memory: some 130,000 rows, 20 MB, of a dense image.
_KEEP_PIXELS = 2**28


def region_properties(
    labels: ImageLike, image: ImageLike | None = None, *, connected: bool | None = None
) -> dd.DataFrame:
    """Return one row an object, the same whatever the chunks, in raster order of first pixels.

    Parameters
    ----------
    labels
        Integers, 0 for background, of shape ``([t,] [z,] y, x)``.
    image
        Image of the same shape for the intensities; its non-finite pixels do not count.
    connected
        True promises that every label is one connected object: then only objects on the seams
        between chunks travel. None knows it of the labels that :func:`pspy_dask.segment` and
        :func:`pspy_dask.label` return, and assumes False of all others.

    Returns
    -------
    dask.dataframe.DataFrame
        Lazy. ``label``; in physical units and (``_px``) in pixels ``area``,
        ``equivalent_diameter``, ``centroid_*``, ``bbox_*0`` and ``bbox_*1``; ``intensity_sum``,
        ``_mean``, ``_min``, ``_max``, ``_std`` where there is an image; ``frame`` for a series.
        Computed, its ``attrs["units"]`` names the units of the columns. Bounds in pixels are
        half-open; in physical units they lie on the outer edges of the pixels, half a pixel
        beyond the coordinates of the first and the last.

    Raises
    ------
    ValueError
        The shapes differ, or the labels are not integers.

    Notes
    -----
    Definitions are those of ``skimage.measure.regionprops``. Sums are exact, so that means and
    deviations are correctly rounded and do not depend on the order of summation.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[1, 1, 0], [0, 0, 2]])
    >>> region_properties(labels).compute()[["label", "area_px", "centroid_x_px"]]
       label  area_px  centroid_x_px
    0      1        2            0.5
    1      2        1            2.0
    """
    label_image = as_image(labels)
    if label_image.dtype.kind not in "iu":
        raise ValueError(
            f"labels of type {label_image.dtype} are not integers: label the mask first"
        )
    arrays: list[da.Array] = [label_image.data]
    intensity = None
    if image is not None:
        arrays.append(_matching(as_image(image), label_image))
        intensity = arrays[1].dtype
    if connected is None:
        connected = bool(label_image.data.name.startswith(CONNECTED_LABELS))
    program = MeasureRegions(table_form(label_image, intensity), connected)
    stored = all(source_of(array) is not None for array in arrays)
    frames = has_frames(label_image)
    again = stored and prod(label_image.shape[frames:]) > _KEEP_PIXELS
    return gather_table(arrays, program, frames=frames, again=again)


def table_form(labels: xr.DataArray, intensity: Any = None) -> TableForm:
    """Return the columns and calibration of the table of these labels."""
    dims = spatial_axes(labels)
    steps, units = pixel_size(labels), axis_units(labels)
    origin = [float(labels.coords[d][0]) if d in labels.coords else 0.0 for d in dims]
    return TableForm(
        dims=dims,
        steps=tuple(steps[d] for d in dims),
        origin=tuple(origin),
        units=tuple(units[d] for d in dims),
        intensity=intensity,
        frames=has_frames(labels),
    )


def _matching(image: xr.DataArray, labels: xr.DataArray) -> da.Array:
    if image.shape != labels.shape:
        raise ValueError(
            f"the image has shape {image.shape} and the labels {labels.shape}: "
            "give the image that was segmented"
        )
    data: da.Array = image.data
    if source_of(data) is not None or data.chunks == labels.data.chunks:
        return data
    rechunked: da.Array = data.rechunk(labels.data.chunks)
    return rechunked
