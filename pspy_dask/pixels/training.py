"""What a classifier is fitted to: the features of annotated pixels, and which of these count.

Pixels of images of all kinds have coordinates ``(t, z, y, x)``, 0 where there is no such axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from pspy_dask.pixels.annotations import DrawLaw
from pspy_dask.pixels.class_samples import ClassPixels, ClassSamples, class_samples
from pspy_dask.pixels.features import halo_along
from pspy_dask.pixels.seeds import checked_seed, whole_number
from pspy_dask.pixels.stack import FeatureStack, value_mask

_TILE = (1, 32, 256, 256)  # pixels whose features are made in one go lie in one of these

Points = NDArray[np.int64]


@dataclass(frozen=True)
class Sampling:
    """Which annotated pixels a classifier is fitted to, where there are too many.

    Of every class as many are drawn as its share of all annotated pixels allows, at least one; or,
    ``balanced``, as many as of every other: as there are of the smallest class, or as fit below the
    limit. Which, a hash says: of the seed and of the place of a pixel in a set of images, and in
    pixels of several rounds of its place in its image and of its features.

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
        object.__setattr__(self, "most", whole_number("max_pixels", self.most, least=2))
        object.__setattr__(self, "seed", checked_seed(self.seed))

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
        quotas = [max(1, count * self.most // total) for count in counts]
        while sum(quotas) > self.most:  # by those of which there is but one
            quotas[quotas.index(max(quotas))] -= 1
        return quotas

    @property
    def law(self) -> DrawLaw:
        """Which pixels of images may be drawn."""
        return DrawLaw(self.seed, self.most)

    def drawn(self, found: ClassSamples) -> ClassPixels:
        """Return the pixels drawn, of samples of all that there are."""
        quotas = self.quotas([*found.counts.values()])
        return found.lowest(dict(zip(found.counts, quotas, strict=True)))

    def taken(self, training: TrainingRows) -> TrainingRows:
        """Return as many of pixels with features as are drawn; all, where they were drawn so."""
        kinds, counts = np.unique(training.classes, return_counts=True)
        if self.quotas(counts.tolist()) == counts.tolist() or not kinds.size:
            return training
        keys = np.column_stack([training.points, _bits(training.rows).astype(np.int64)])
        numbers = np.arange(len(training))
        found = class_samples(
            point_hashes(self.seed, keys), training.points, training.classes, self.most, numbers
        )
        return training.take(np.sort(self.drawn(found).rows))


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Annotated pixels with their features.

    They are in the order of (z, y, x), of their features, of their classes and of t. So it matters
    neither which image came first nor whether images are the frames of a series. Pixels of several
    images are different ones, also at one place and with the same features.

    Attributes
    ----------
    points
        ``(t, z, y, x)`` of each pixel in its image, int64 ``(n, 4)``.
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

        Pixels of equal coordinates and features, bit for bit, are the same: all of these in this
        one make way for those in the other. It is associative.
        """
        first = self.take(np.flatnonzero(~self._among(other)))
        return training_rows(
            np.concatenate([first.points, other.points]),
            np.concatenate([first.classes, other.classes]),
            np.concatenate([first.rows, other.rows]),
        )

    def take(self, numbers: NDArray[np.intp]) -> TrainingRows:
        """Return some of the pixels, given in ascending order."""
        return TrainingRows(self.points[numbers], self.classes[numbers], self.rows[numbers])

    def _among(self, other: TrainingRows) -> NDArray[np.bool_]:
        """Return which pixels are in the other one too."""
        points = np.concatenate([self.points, other.points])
        keys = np.column_stack([points, _bits(np.concatenate([self.rows, other.rows]))])
        _, which = np.unique(keys, axis=0, return_inverse=True)
        which = which.reshape(-1)
        return np.isin(which[: len(self)], which[len(self) :])


def training_rows(
    points: Points, classes: NDArray[np.int32], rows: NDArray[np.float32]
) -> TrainingRows:
    """Return pixels given in any order."""
    t, *place = points.T
    order = np.lexsort((t, classes, *_bits(rows).T[::-1], *place[::-1]))
    return TrainingRows(points, classes, rows).take(order)


def _bits(rows: NDArray[np.float32]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(rows, np.float32).view(np.uint32)


def check_training(
    training: TrainingRows, numbers: Sequence[int] = (), features: int | None = None
) -> None:
    """Raise ValueError where pixels are of no use, or a class of these numbers has none left."""
    if not len(training):
        raise ValueError(
            "no annotated pixel has a value: all, or their features, are NaN or infinite"
        )
    if not np.isfinite(training.rows).all():
        raise ValueError("features of annotated pixels are infinite: scale the image down")
    found = np.unique(training.classes).tolist()
    for number in numbers:
        if number not in found:
            raise ValueError(
                f"no annotated pixel of class {number} has a value, all or their features are NaN "
                "or infinite: label others"
            )
    width = training.rows.shape[1] if features is None else features
    count = len(training)
    shapes = training.points.shape, training.classes.shape, training.rows.shape
    if shapes != ((count, len(AXES)), (count,), (count, width)):
        raise ValueError(f"pixels, classes and features of shapes {shapes} do not fit {width}")


@dataclass(frozen=True, eq=False)
class PointRows:
    """Features of some points of a list: those that have a value, and finite features.

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
        kept = np.isfinite(rows).all(axis=1)
        known = value_mask(pixels[window.crop])
        if known is not None:
            kept &= known[at]
        return PointRows(numbers[kept], rows[kept])


def _by_tile(points: Points, axes: int) -> list[tuple[NDArray[np.intp], Points]]:
    """Return the points of each tile: their numbers, and where they lie along the axes of space."""
    _, tile = np.unique(points // _TILE, axis=0, return_inverse=True)
    order = np.argsort(tile.reshape(-1), kind="stable")
    cuts = np.cumsum(np.bincount(tile.reshape(-1)))[:-1]
    return [(numbers, points[numbers, -axes:]) for numbers in np.split(order, cuts)]


def _around(points: Points) -> Box:
    return Box(tuple(points.min(axis=0).tolist()), tuple((points.max(axis=0) + 1).tolist()))
