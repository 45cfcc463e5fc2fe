"""What a classifier is fitted to: the features of annotated pixels, and which of these count.

Pixels of images of all kinds have coordinates ``(t, z, y, x)``, 0 where there is no such axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.boxes import Part, map_boxes
from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import AXES, has_frames
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.coordinate_hash import point_hashes
from pspy_dask.pixels.features import halo_along
from pspy_dask.pixels.stack import FeatureStack, value_mask

_TILE = (1, 32, 256, 256)  # pixels whose features are made in one go lie in one of these

Points = NDArray[np.int64]


@dataclass(frozen=True)
class Sampling:
    """Which annotated pixels a classifier is fitted to, where there are too many.

    They are drawn by a hash of the seed and the coordinates of each pixel. Of every class as many
    are drawn as its share of all annotated pixels allows, at least one; or, ``balanced``, as many
    as of every other: as there are of the smallest class, or as fit below the limit.

    Attributes
    ----------
    balanced
        Whether every class has the same number of pixels.
    most
        Pixels of all classes together.
    seed
        Another seed, another draw.
    """

    balanced: bool = False
    most: int = 100_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, called, least in (("most", "max_pixels", 2), ("seed", "seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
                raise ValueError(f"{called} is {value!r}: give a whole number, {least} or more")
            object.__setattr__(self, name, int(value))
        if self.seed >= 2**32:
            raise ValueError(f"seed is {self.seed}: give a number below 2**32")

    def quotas(self, counts: Sequence[int]) -> list[int]:
        """Return how many pixels of each class are drawn, of so many.

        >>> Sampling(most=100).quotas([900, 90, 10]), Sampling(balanced=True).quotas([900, 90, 10])
        ([90, 9, 1], [10, 10, 10])
        """
        if self.most < len(counts):
            raise ValueError(
                f"max_pixels is {self.most} and there are {len(counts)} classes: give more"
            )
        if self.balanced:
            return [min(*counts, self.most // len(counts))] * len(counts)
        total = sum(counts)
        if total <= self.most:
            return list(counts)
        return [max(1, count * self.most // total) for count in counts]

    def chosen(self, points: Points, classes: NDArray[np.int32]) -> NDArray[np.intp]:
        """Return the numbers of the pixels drawn, in ascending order."""
        kinds, counts = np.unique(classes, return_counts=True)
        quotas = self.quotas(counts.tolist())
        if quotas == counts.tolist():
            return np.arange(len(classes))
        hashes = point_hashes(self.seed, points)
        drawn = []
        for kind, quota in zip(kinds, quotas, strict=True):
            members = np.flatnonzero(classes == kind)
            order = np.argsort(hashes[members], kind="stable")
            drawn.append(members[order[:quota]])
        return np.sort(np.concatenate(drawn))


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Annotated pixels with their features, each pixel once.

    They are in the order of their coordinates; pixels of several images at the same place in that
    of their features. So it does not matter which image came first.

    Attributes
    ----------
    points
        ``(t, z, y, x)`` of each pixel, int64 ``(n, 4)``.
    classes
        int32 ``(n,)``, above 0.
    rows
        float32 ``(n, features)``.
    """

    points: Points
    classes: NDArray[np.int32]
    rows: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.classes)

    def merge(self, other: TrainingRows) -> TrainingRows:
        """Return the pixels of both; one that is in both has the class that ``other`` says.

        Pixels of equal coordinates and features, bit for bit, are the same.
        """
        return training_rows(
            np.concatenate([self.points, other.points]),
            np.concatenate([self.classes, other.classes]),
            np.concatenate([self.rows, other.rows]),
        )

    def take(self, numbers: NDArray[np.intp]) -> TrainingRows:
        """Return some of the pixels, given in ascending order."""
        return TrainingRows(self.points[numbers], self.classes[numbers], self.rows[numbers])


def training_rows(
    points: Points, classes: NDArray[np.int32], rows: NDArray[np.float32]
) -> TrainingRows:
    """Return pixels given in any order; of one that is there twice the last counts."""
    bits = np.ascontiguousarray(rows, np.float32).view(np.uint32)
    order = np.lexsort((*bits.T[::-1], *points.T[::-1]))  # stable
    points, classes, rows, bits = points[order], classes[order], rows[order], bits[order]
    same = (points[1:] == points[:-1]).all(axis=1) & (bits[1:] == bits[:-1]).all(axis=1)
    last = np.flatnonzero(np.append(~same, True)[: len(classes)])
    return TrainingRows(points, classes, rows).take(last)


def check_training(
    training: TrainingRows, numbers: Sequence[int] = (), features: int | None = None
) -> None:
    """Raise ValueError where pixels are of no use, or a class of these numbers has none left."""
    if not len(training):
        raise ValueError("no annotated pixel has a value: all are NaN or infinite in the image")
    if not np.isfinite(training.rows).all():
        raise ValueError("features of annotated pixels are infinite: scale the image down")
    found = np.unique(training.classes).tolist()
    for number in numbers:
        if number not in found:
            raise ValueError(
                f"no annotated pixel of class {number} has a value, all are NaN or infinite: "
                "label others"
            )
    width = training.rows.shape[1] if features is None else features
    count = len(training)
    shapes = training.points.shape, training.classes.shape, training.rows.shape
    if shapes != ((count, len(AXES)), (count,), (count, width)):
        raise ValueError(f"pixels, classes and features of shapes {shapes} do not fit {width}")


def points_of(coordinates: NDArray[np.int64], image: xr.DataArray) -> Points:
    """Return coordinates along the axes of an image as those along all axes there may be."""
    points = np.zeros((len(coordinates), len(AXES)), np.int64)
    for column, dim in zip(coordinates.T, image.dims, strict=True):
        points[:, AXES.index(str(dim))] = column
    return points


@dataclass(frozen=True, eq=False)
class PointRows:
    """Features of some points of a list: those that have a value.

    Attributes
    ----------
    numbers
        Where in the list they stand.
    rows
        float32 ``(n, features)``.
    """

    numbers: NDArray[np.intp]
    rows: NDArray[np.float32]


def point_features(image: xr.DataArray, stack: FeatureStack, points: Points) -> da.Array:
    """Return the features of some pixels as a lazy array of `PointRows`.

    Only windows around the pixels are read: those of the pixels in a tile of 256 x 256 (and 32
    planes) in one go, by the box around them. There is at least one pixel.
    """
    series = has_frames(image)
    parts = [
        Part(int(points[numbers[0], 0]) if series else None, box, (numbers, inside))
        for numbers, inside in _by_tile(points, stack.axes)
        for box in [_around(inside)]
    ]
    halo = halo_along(image, stack.halo)
    return map_boxes(image.data, _WindowRows(stack), parts, halo=halo, frames=series)


def joined_rows(parts: Iterable[PointRows]) -> PointRows:
    """Return the features of all points that have a value, in the order of the list."""
    several = list(parts)
    numbers = np.concatenate([part.numbers for part in several])
    order = np.argsort(numbers)
    return PointRows(numbers[order], np.concatenate([part.rows for part in several])[order])


@dataclass(frozen=True)
class _WindowRows:
    """The features of some pixels of a window."""

    stack: FeatureStack

    def __call__(
        self, pixels: NDArray[Any], window: Window, what: tuple[NDArray[np.intp], Points]
    ) -> PointRows:
        numbers, points = what
        features = self.stack.apply(pixels, window.core, window.outer, window.shape)
        at = tuple((points - window.core.start).T)
        rows = np.ascontiguousarray(features[(slice(None), *at)].T)
        known = value_mask(pixels[window.crop])
        kept = slice(None) if known is None else known[at]
        return PointRows(numbers[kept], rows[kept])


def _by_tile(points: Points, axes: int) -> list[tuple[NDArray[np.intp], Points]]:
    """Return the points of each tile: their numbers, and where they lie along the axes of space."""
    _, tile = np.unique(points // _TILE, axis=0, return_inverse=True)
    order = np.argsort(tile.reshape(-1), kind="stable")
    cuts = np.cumsum(np.bincount(tile.reshape(-1)))[:-1]
    return [(numbers, points[numbers, -axes:]) for numbers in np.split(order, cuts)]


def _around(points: Points) -> Box:
    return Box(tuple(points.min(axis=0).tolist()), tuple((points.max(axis=0) + 1).tolist()))
