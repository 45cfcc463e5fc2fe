"""Size and place: what every row knows, whatever is asked."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from pspy_dask.particles.form import Column, TableForm
from pspy_dask.particles.measures.family import Property
from pspy_dask.particles.rows import Rows


def equivalent_diameter(size: NDArray[np.float64], axes: int) -> NDArray[np.float64]:
    """Diameter of the disk (2 axes) or ball (3) of this area or volume.

    >>> equivalent_diameter(np.array([np.pi]), 2).tolist()
    [2.0]
    """
    result: NDArray[np.float64] = np.sqrt(4 * size / pi) if axes == 2 else np.cbrt(6 * size / pi)
    return result


def sides(rows: Rows) -> NDArray[np.int64]:
    """Return the lengths of bounding boxes along z, y, x."""
    result: NDArray[np.int64] = rows["high"] - rows["low"]
    return result


def _area(rows: Rows, form: TableForm) -> list[Column]:
    return form.size("area", rows["area"])


def _pixels(rows: Rows, _form: TableForm) -> list[Column]:
    return [Column("num_pixels", "", rows["area"])]


def _diameter(rows: Rows, form: TableForm) -> list[Column]:
    pixels = equivalent_diameter(rows["area"].astype(np.float64), form.axes)
    physical = equivalent_diameter(rows["area"] * form.pixel, form.axes)
    return form.length("equivalent_diameter", physical, pixels)


def _centroid(rows: Rows, form: TableForm) -> list[Column]:
    physical, pixels = form.along_axes("centroid", rows["sum"] / rows["area"][:, None])
    return physical + pixels


def _centroid_local(rows: Rows, form: TableForm) -> list[Column]:
    area = rows["area"][:, None]
    local = (rows["sum"] - area * rows["low"]) / area
    physical, pixels = form.along_axes("centroid_local", local, absolute=False)
    return physical + pixels


def _bounds(rows: Rows, form: TableForm) -> list[Column]:
    # Coordinates are those of the middles of pixels, bounds those of their outer edges.
    low, low_px = form.along_axes("bbox", rows["low"], suffix="0", shift=-0.5)
    high, high_px = form.along_axes("bbox", rows["high"], suffix="1", shift=-0.5)
    return low + high + low_px + high_px


def _bounds_area(rows: Rows, form: TableForm) -> list[Column]:
    return form.size("area_bbox", sides(rows).prod(axis=1))


def _bounds_length(rows: Rows, form: TableForm) -> list[Column]:
    lengths = sides(rows)[:, form.first :].astype(np.float64)
    return form.length("bbox_length", _diagonal(lengths * np.array(form.steps)), _diagonal(lengths))


def _diagonal(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = np.zeros(len(lengths))
    for k in range(lengths.shape[1]):
        squares += lengths[:, k] ** 2
    return np.sqrt(squares)


def _extent(rows: Rows, form: TableForm) -> list[Column]:
    return [Column("extent", "", rows["area"] / sides(rows).prod(axis=1))]


def _touches(rows: Rows, form: TableForm) -> list[Column]:
    return [Column("touches_border", "", rows["edge"])]


PROPERTIES: tuple[Property, ...] = (
    Property("area", (), _area),
    Property("num_pixels", (), _pixels),
    Property("equivalent_diameter", (), _diameter),
    Property("centroid", (), _centroid),
    Property("bbox", (), _bounds),
    Property("centroid_local", (), _centroid_local),
    Property("area_bbox", (), _bounds_area),
    Property("bbox_length", (), _bounds_length),
    Property("extent", (), _extent),
    Property("touches_border", (), _touches),
)
