"""Region properties of lazy labels, as a lazy table."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod

import dask.array as da
import dask.dataframe as dd
import numpy as np
import xarray as xr
from numpy.typing import DTypeLike

from pspy_dask.blocks.calibration import share_calibration
from pspy_dask.blocks.coordinates import SAME_STEP, first_positions
from pspy_dask.blocks.images import (
    CONNECTED_LABELS,
    ImageLike,
    as_image,
    as_labels,
    axis_units,
    has_frames,
    pixel_size,
    require_ascending,
    spatial_axes,
)
from pspy_dask.blocks.sources import source_of
from pspy_dask.blocks.table import gather_table
from pspy_dask.particles.catalogue import choose
from pspy_dask.particles.form import TableForm
from pspy_dask.particles.measure import MeasureRegions

# Above this a job reads labels and image a second time rather than have a row of every object
# wait in memory: some 130,000 rows, 20 MB, of a dense image.
_KEEP_PIXELS = 2**28


def region_properties(
    labels: ImageLike,
    image: ImageLike | None = None,
    *,
    properties: Sequence[str] | str | None = None,
    spacing: float | Sequence[float] | None = None,
    connected: bool | None = None,
) -> dd.DataFrame:
    """Return one row an object, the same whatever the chunks, in raster order of first pixels.

    Parameters
    ----------
    labels
        Integers, 0 for background, of shape ``([t,] [z,] y, x)``. They may have gaps.
    image
        Image of the same shape for the intensities; its non-finite pixels do not count. Its
        pixel size is taken where the labels state none.
    properties
        Names of properties (see Notes), or ``"all"``. By default area, equivalent diameter,
        centroid, bounds, extent, axes, eccentricity, orientation, whether the object touches an
        edge of the image and, where there is one, sum, mean, minimum, maximum and standard
        deviation of the image. Only what these take is measured.
    spacing
        Pixel size along the spatial axes, one number or one for each, instead of the stated one.
    connected
        True promises that every label is one connected object: then only objects on the seams
        between chunks travel. None knows it of the labels that :func:`pspy_dask.segment` and
        :func:`pspy_dask.label` return, and assumes False of all others.

    Returns
    -------
    dask.dataframe.DataFrame
        Lazy. ``frame`` for a series, ``label``, then the properties in the order asked. Lengths,
        areas and positions have a column in physical units and one in pixels (``_px``); those of
        several values one for each axis (``centroid_y``) or element (``moments_2_0``). Computed,
        its ``attrs["units"]`` names the units of the columns. Bounds in pixels are half-open; in
        physical units they lie on the outer edges of the pixels, half a pixel beyond the
        coordinates of the first and the last.

    Raises
    ------
    ValueError
        The shapes differ, labels and image state different pixel sizes, the labels are not
        integers, an unknown or undefined property, a pixel size that is not positive, coordinates
        in space that do not ascend evenly; on computing, negative labels.

    Notes
    -----
    Names and definitions are those of ``skimage.measure.regionprops`` where it has them; the
    error about an unknown name lists all. Pictures, lists of pixels and ``area_filled`` are not
    among them. ``equivalent_diameter``, ``bbox_length`` (diagonal of the bounds),
    ``aspect_ratio`` (longest by shortest axis) and ``touches_border`` are added;
    ``local_background`` is the mean of the image in the ring that dilating the object twice by a
    cross adds to dilating it once, within the image, pixels of other objects included;
    ``intensity_percentile_5`` and the like are exact, from the distinct values of each object:
    of an object of floats these are nearly as many as its pixels, and are together in memory.

    Sums are exact integers up to the end, so that means and deviations are correctly rounded and
    nothing depends on the order of summation. Moments count 1 (or the intensity) a pixel and
    scale with the pixel size to their order; normalized ones start at second order. What is
    defined for square pixels alone, ``moments_hu`` and all perimeters, is nan in physical units
    where the sides of a pixel differ, by more than a millionth.

    Rows are small, but for medians and percentiles every distinct value of an object travels with
    its count, up to 16 bytes for both. Of a float image these are about as many as the object's
    pixels, and they meet in one task: those of an object that fills the image take more memory
    than the image.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[1, 1, 0], [0, 0, 2]])
    >>> region_properties(labels).compute()[["label", "area_px", "centroid_x_px"]]
       label  area_px  centroid_x_px
    0      1        2            0.5
    1      2        1            2.0
    >>> region_properties(labels, properties=["area", "extent"], spacing=0.5).compute()
       label  area  area_px  extent
    0      1  0.50        2     1.0
    1      2  0.25        1     1.0
    """
    label_image = as_labels(labels)
    arrays: list[da.Array] = [label_image.data]
    intensity = None
    if image is not None:
        pixels = as_image(image)
        arrays.append(_matching(pixels, label_image))
        intensity = arrays[1].dtype
        if spacing is None:
            label_image, _ = share_calibration(label_image, pixels)
    if connected is None:
        connected = bool(label_image.data.name.startswith(CONNECTED_LABELS))
    form = table_form(label_image, intensity, spacing=spacing)
    choice = choose(properties, form)
    program = MeasureRegions(form, choice, connected)
    stored = all(source_of(array) is not None for array in arrays)
    frames = has_frames(label_image)
    again = stored and prod(label_image.shape[frames:]) > _KEEP_PIXELS
    return gather_table(arrays, program, frames=frames, again=again, halo=choice.halo)


def table_form(
    labels: xr.DataArray,
    intensity: DTypeLike | None = None,
    *,
    spacing: float | Sequence[float] | None = None,
) -> TableForm:
    """Return the calibration of the table of these labels."""
    dims = spatial_axes(labels)
    require_ascending(labels)
    own, units, origin = pixel_size(labels), axis_units(labels), first_positions(labels)
    steps = _given(spacing, dims) if spacing is not None else {d: own[d] for d in dims}
    for dim, step in steps.items():
        if not 0 < step < inf:
            raise ValueError(
                f"the pixel size along {dim} is {step}: give a positive one as spacing="
            )
    if spacing is not None:
        origin = {d: origin[d] * steps[d] / own[d] for d in dims}
        units = {d: "" if unit == "px" else unit for d, unit in units.items()}
    return TableForm(
        dims=dims,
        steps=_alike([steps[d] for d in dims], [units[d] for d in dims]),
        origin=tuple(origin[d] for d in dims),
        units=tuple(units[d] for d in dims),
        intensity=None if intensity is None else np.dtype(intensity),
        frames=has_frames(labels),
    )


def table_units(
    labels: xr.DataArray,
    intensity: DTypeLike | None = None,
    *,
    properties: Sequence[str] | str | None = None,
    spacing: float | Sequence[float] | None = None,
) -> dict[str, str]:
    """Return the units of the columns of the table of these labels and an image of this type."""
    form = table_form(labels, intensity, spacing=spacing)
    units: dict[str, str] = (
        MeasureRegions(form, choose(properties, form), True).empty().attrs["units"]
    )
    return units


def _alike(steps: Sequence[float], units: Sequence[str]) -> tuple[float, ...]:
    """Return the steps, those that differ by rounding alone as the first of them.

    Steps come of coordinates, in which the last digits of equal ones differ.

    >>> _alike([0.1, 0.1 + 1e-15, 0.2], ["nm", "nm", "nm"])
    (0.1, 0.1, 0.2)
    """
    result: list[float] = []
    for step, unit in zip(steps, units, strict=True):
        same = (
            other
            for other, its in zip(result, units, strict=False)
            if its == unit and np.isclose(step, other, rtol=SAME_STEP, atol=0)
        )
        result.append(next(same, step))
    return tuple(result)


def _given(spacing: float | Sequence[float], dims: tuple[str, ...]) -> dict[str, float]:
    try:
        values = np.asarray(spacing, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"spacing {spacing!r} is not numbers: give one number, or one for each axis"
        ) from None
    if values.shape not in ((), (len(dims),)):
        raise ValueError(
            f"spacing {spacing!r} does not fit the axes {', '.join(dims)}: give one number, "
            "or one for each"
        )
    return dict(zip(dims, np.broadcast_to(values, len(dims)).tolist(), strict=True))


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
