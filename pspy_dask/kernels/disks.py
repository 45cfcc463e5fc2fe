"""Disks, balls, squares and cubes as the lines of pixels that they are made of."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.checks import one_of, whole

#: What lies around a pixel: a disk (in 3-D a ball) or a square (a cube), the pixel in its middle.
Footprint = Literal["disk", "square"]

Ints = NDArray[np.int64]


def disk_halo(radius: int) -> int:
    """Return how far a filter over a disk looks from its pixel.

    Examples
    --------
    >>> disk_halo(20)
    20
    """
    return check_radius(radius)


def half_widths(radius: int, footprint: Footprint = "disk") -> Ints:
    """Return how far each row of a footprint reaches to both sides of its middle.

    Rows are those of ``skimage.morphology.disk(radius)``, the pixels of which are no farther from
    the middle than the radius, or of a square of ``2 * radius + 1`` pixels a side.

    Examples
    --------
    >>> half_widths(3), half_widths(1, "square")
    (array([0, 2, 2, 3, 2, 2, 0]), array([1, 1, 1]))
    """
    return chords(radius, 2, footprint)[:, 2]


def pixels_of(widths: Ints) -> int:
    """Return the pixels of a footprint given by the half-widths of its rows.

    Examples
    --------
    >>> pixels_of(half_widths(1)), pixels_of(half_widths(1, "square"))
    (5, 9)
    """
    return int(np.sum(2 * widths + 1))


def chords(radius: int, ndim: int, footprint: Footprint = "disk") -> Ints:
    """Return the rows of a footprint as (plane offset, row offset, half of the length).

    Examples
    --------
    >>> chords(1, 3).tolist()
    [[-1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    """
    radius = check_radius(radius)
    rows = range(-radius, radius + 1)
    planes = rows if ndim == 3 else range(1)
    if footprint == "square":
        lines = [(plane, row, radius) for plane in planes for row in rows]
    else:
        lines = [
            (plane, row, math.isqrt(radius**2 - plane**2 - row**2))
            for plane in planes
            for row in rows
            if plane**2 + row**2 <= radius**2
        ]
    return np.array(lines, np.int64)


def check_radius(radius: int) -> int:
    """Return a radius as a Python integer, of which squares do not overflow.

    Raises
    ------
    ValueError
        If the radius is negative or not whole.
    """
    return whole("radius", radius, 0)


def check_footprint(footprint: Footprint, extent: str) -> None:
    """Refuse what is no name of a footprint, such as an array that is one.

    Parameters
    ----------
    footprint
        What was given.
    extent
        The argument that says how far it reaches.

    Raises
    ------
    ValueError
        If there is no such footprint.
    """
    one_of("footprint", footprint, Footprint, f"give its name here and its extent as {extent}")
