"""Shapes drawn on an image: points, lines and polygons, each of one class.

A pixel is a square of side 1 around whole coordinates. Coordinates are given in the order of the
axes of the image, in pixels; those before y and x are numbers of planes or frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from skimage import draw as rasters

MOST_CLASSES = 65535

_FARTHEST = 2**26  # a line is drawn pixel by pixel, also where it runs outside the image

Pixels = NDArray[np.int64]
Vertices = tuple[tuple[float, ...], ...]
_Raster = Callable[..., tuple[NDArray[Any], NDArray[Any]]]

_disk: _Raster = rasters.disk
_line: _Raster = rasters.line
_polygon: _Raster = rasters.polygon


@dataclass(frozen=True)
class Shape:
    """Something drawn on an image in one class.

    Attributes
    ----------
    label
        The class, 1 to 65535.
    coordinates
        Its points: ``(y, x)``, ``(z, y, x)``, ``(t, y, x)`` or ``(t, z, y, x)`` in pixels.
    """

    label: int
    coordinates: Sequence[Sequence[float]]

    least: ClassVar[int] = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", _label(self._what, self.label))
        vertices = _vertices(self._what, self.coordinates)
        if len(vertices) < self.least:
            raise ValueError(
                f"a {self._what} has {len(vertices)} points: give at least {self.least}"
            )
        object.__setattr__(self, "coordinates", vertices)

    @property
    def _what(self) -> str:
        return type(self).__name__

    def cover(self, extent: tuple[int, ...]) -> Pixels:
        """Return the pixels covered, of an image so long along each axis; maybe some outside."""
        raise NotImplementedError


@dataclass(frozen=True)
class Points(Shape):
    """Dots of one class: the pixels nearer than ``radius + 0.5`` to the pixel of each point.

    Parameters
    ----------
    label
        The class, 1 to 65535.
    coordinates
        The points: ``(y, x)`` each, or ``(z, y, x)``, ``(t, y, x)``, ``(t, z, y, x)``; in pixels.
    radius
        In pixels; 0 is the pixel of the point alone.

    Raises
    ------
    ValueError
        No points, or numbers out of range.

    Examples
    --------
    >>> Points(2, [(10, 4), (11.5, 8)], radius=3).label
    2
    """

    radius: float = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _length("radius", self.radius, least=0)

    def cover(self, extent: tuple[int, ...]) -> Pixels:
        """Return the pixels of the dots."""
        return _stamped(_nearest(self.coordinates), 2 * self.radius + 1)


@dataclass(frozen=True)
class Line(Shape):
    """A stroke of one class: straight from point to point, as a round brush leaves it.

    Parameters
    ----------
    label
        The class, 1 to 65535.
    coordinates
        The points: ``(y, x)`` each, or ``(z, y, x)``, ``(t, y, x)``, ``(t, z, y, x)``; in pixels,
        all in one plane.
    width
        Diameter of the brush in pixels: it covers what is nearer than half of it.

    Raises
    ------
    ValueError
        No points, points in several planes, or numbers out of range.

    Examples
    --------
    >>> Line(1, [(0, 0), (9, 4), (20, 4)], width=5).width
    5
    """

    width: float = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _one_plane(self._what, self.coordinates)
        _length("width", self.width, least=1)

    def cover(self, extent: tuple[int, ...]) -> Pixels:
        """Return the pixels of the stroke."""
        corners = _nearest(self.coordinates)
        ways = [np.transpose(_line(*a[-2:], *b[-2:])) for a, b in pairwise(corners)]
        path = np.unique(np.concatenate([corners[:, -2:], *ways]), axis=0)
        return _stamped(_in_plane(path, corners[0]), self.width)


@dataclass(frozen=True)
class Polygon(Shape):
    """An area of one class: the pixels whose centres lie inside a polygon.

    Parameters
    ----------
    label
        The class, 1 to 65535.
    coordinates
        The corners: ``(y, x)`` each, or ``(z, y, x)``, ``(t, y, x)``, ``(t, z, y, x)``; in pixels,
        all in one plane. The last is joined to the first.

    Raises
    ------
    ValueError
        Fewer than three corners, corners in several planes, or numbers out of range.

    Examples
    --------
    >>> Polygon(1, [(0, 0), (0, 5), (5, 0)]).coordinates
    ((0.0, 0.0), (0.0, 5.0), (5.0, 0.0))
    """

    least: ClassVar[int] = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        _one_plane(self._what, self.coordinates)

    def cover(self, extent: tuple[int, ...]) -> Pixels:
        """Return the pixels of the area that the image has."""
        y, x = np.transpose(self.coordinates)[-2:]
        inside = np.transpose(_polygon(y, x, shape=extent[-2:]))
        return _in_plane(inside, _nearest(self.coordinates)[0])


def draw(shape: Any, extent: tuple[int, ...]) -> Pixels:
    """Return the pixels ``(n, axes)`` of an image that a shape covers, in any order.

    What lies outside is left out. Leading axes of length 1 may be missing in the coordinates.

    Raises
    ------
    ValueError
        The shape covers no pixel of the image, or has coordinates for other axes.
    TypeError
        It is no shape.
    """
    if not isinstance(shape, Shape):
        raise TypeError(f"annotations hold a {type(shape).__name__}: give Points, Line and Polygon")
    what = type(shape).__name__
    given = len(shape.coordinates[0])
    missing = len(extent) - given
    if missing < 0 or any(n > 1 for n in extent[:missing]):
        raise ValueError(
            f"a {what} has {given} coordinates a point but the image has shape {extent}: "
            f"give {len(extent)}"
        )
    covered = shape.cover(extent)
    here = np.all((covered >= 0) & (covered < extent[missing:]), axis=1)
    if not here.any():
        raise ValueError(
            f"a {what} of class {shape.label} from {shape.coordinates[0]} covers no pixel of the "
            f"image of shape {extent}: give coordinates in pixels, in the order of its axes"
        )
    inside = covered[here]
    return np.concatenate([np.zeros((len(inside), missing), np.int64), inside], axis=1)


def _stamped(centres: Pixels, diameter: float) -> Pixels:
    """Return the pixels that a round brush covers when it is put on each of these."""
    brush = np.transpose(_disk((0, 0), diameter / 2))
    if len(brush) == 1:
        return centres
    around = np.zeros((len(brush), centres.shape[1]), np.int64)
    around[:, -2:] = brush
    return np.unique((centres[:, None] + around).reshape(-1, centres.shape[1]), axis=0)


def _nearest(coordinates: Sequence[Sequence[float]]) -> Pixels:
    """Return the pixels that points lie in."""
    return np.floor(np.array(coordinates) + 0.5).astype(np.int64)


def _in_plane(places: NDArray[Any], beside: NDArray[np.int64]) -> Pixels:
    """Return places (y, x) with the leading coordinates of a pixel put before them."""
    before = np.tile(beside[:-2], (len(places), 1))
    return np.concatenate([before, places.astype(np.int64)], axis=1)


def _label(what: str, label: Any) -> int:
    whole = isinstance(label, Integral) and not isinstance(label, bool)
    if not whole or not 0 < label <= MOST_CLASSES:
        raise ValueError(f"the label of a {what} is {label!r}: number classes 1 to {MOST_CLASSES}")
    return int(label)


def _length(name: str, value: Any, *, least: int) -> None:
    number = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    if not number or value < least:
        raise ValueError(f"{name} is {value!r}: give a number of pixels, {least} or more")


def _vertices(what: str, coordinates: Any) -> Vertices:
    try:
        points = tuple(tuple(float(c) for c in point) for point in coordinates)
    except (TypeError, ValueError):
        raise ValueError(
            f"the coordinates of a {what} are no points: give a list of (y, x)"
        ) from None
    axes = {len(point) for point in points}
    if len(axes) > 1 or not axes <= {2, 3, 4}:
        raise ValueError(
            f"the points of a {what} have {sorted(axes)} coordinates: give (y, x), or 3 or 4 of "
            "them in the order of the axes of the image"
        )
    for point in points:
        if not all(abs(c) <= _FARTHEST for c in point):
            raise ValueError(
                f"a {what} has the point {point}: give pixels, at most {_FARTHEST} from the first"
            )
        if any(c != round(c) for c in point[:-2]):
            raise ValueError(
                f"a {what} has the point {point}: what comes before y and x is the number of a "
                "plane or frame, a whole one"
            )
    return points


def _one_plane(what: str, coordinates: Iterable[Sequence[float]]) -> None:
    planes = {tuple(point[:-2]) for point in coordinates}
    if len(planes) > 1:
        raise ValueError(
            f"a {what} runs through several planes, {min(planes)} to {max(planes)}: "
            "draw one in each"
        )
