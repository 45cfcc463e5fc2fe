"""From features to numbers: a fitted model applied to the pixels of a chunk, band by band.

Libraries multiply matrices in an order that may hang on how many rows there are and on where a row
stands among them, and so may the last bit of what they find. Models that are not known to look at
each row alone are therefore shown whole tiles of `TILE` x `TILE` pixels, aligned to the image: what
they are given is then the same whatever the chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.windows import Window
from pspy_dask.pixels.stack import FeatureStack, bands, value_mask

TILE = 128

Rows = NDArray[np.float32]


class PixelModel(Protocol):
    """A fitted model that tells pixels apart by their features."""

    @property
    def rowwise(self) -> bool:
        """Whether the result of a row is the same, bit for bit, whatever rows are beside it."""
        ...

    def numbers(self, rows: Rows) -> NDArray[np.integer[Any]]:
        """Return the class or cluster of each row, above 0; 0 for none."""
        ...

    def probabilities(self, rows: Rows) -> NDArray[np.floating[Any]]:
        """Return the probability of each class, (rows, classes)."""
        ...


@dataclass(frozen=True)
class Numbers:
    """The class of every pixel of a chunk; 0 where the image has no value.

    Attributes
    ----------
    stack
        The features that the model is told.
    model
        The fitted model, or None where tasks are given it as a lazy value.
    dtype
        Type of the numbers.
    """

    stack: FeatureStack
    model: PixelModel | None
    dtype: np.dtype[Any]

    def __call__(self, pixels: NDArray[Any], window: Window, *values: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers of the chunk."""
        model = values[0][0] if self.model is None else self.model
        result = np.empty(window.core.shape, self.dtype)

        def put(at: Box, numbers: NDArray[Any], part: Box) -> None:
            result[at.within(window.core)] = numbers.reshape(part.shape)[at.within(part)]

        _apply(self.stack, model, model.numbers, pixels, window, put)
        finite = value_mask(pixels[window.crop])
        return result if finite is None else np.where(finite, result, result.dtype.type(0))


@dataclass(frozen=True)
class Probabilities:
    """The probability of each class at every pixel of a chunk; NaN where the image has no value."""

    stack: FeatureStack
    model: PixelModel
    classes: int

    def __call__(self, pixels: NDArray[Any], window: Window) -> NDArray[np.float32]:
        """Return the probabilities of the chunk, classes first."""
        result = np.empty((self.classes, *window.core.shape), np.float32)

        def put(at: Box, shares: NDArray[Any], part: Box) -> None:
            planes = shares.T.reshape(-1, *part.shape)
            inner = (slice(None), *at.within(part))
            result[(slice(None), *at.within(window.core))] = planes[inner]

        _apply(self.stack, self.model, self.model.probabilities, pixels, window, put)
        finite = value_mask(pixels[window.crop])
        return result if finite is None else np.where(finite, result, np.float32(np.nan))


def inference_halo(stack: FeatureStack, model: PixelModel | None) -> Index:
    """Return how far a window must reach along each axis: for the features, and for whole tiles.

    A model that is not known yet may be one that is shown tiles.
    """
    alone = model is not None and model.rowwise
    beside = (0,) * (stack.axes - 2) + ((0, 0) if alone else (TILE - 1, TILE - 1))
    return tuple(halo + more for halo, more in zip(stack.halo, beside, strict=True))


def tiles_around(box: Box, shape: Index) -> Box:
    """Return the tiles that a box meets, clipped at the edges of an image of this shape.

    A tile is one plane thick.

    >>> tiles_around(Box((130, 5), (140, 129)), (500, 200))
    Box(start=(128, 0), stop=(256, 200))
    """
    sides = _sides(len(shape))
    start = tuple(a // t * t for a, t in zip(box.start, sides, strict=True))
    stop = tuple(min(n, -(-b // t) * t) for b, t, n in zip(box.stop, sides, shape, strict=True))
    return Box(start, stop)


def tiles_of(box: Box) -> Iterator[Box]:
    """Yield the tiles of a box that is made of whole ones.

    >>> [tile.start for tile in tiles_of(Box((128, 0), (256, 200)))]
    [(128, 0), (128, 128)]
    """
    sides = _sides(len(box.start))
    for start in product(*map(range, box.start, box.stop, sides)):
        stop = tuple(min(a + t, b) for a, t, b in zip(start, sides, box.stop, strict=True))
        yield Box(start, stop)


def _sides(axes: int) -> Index:
    return (1,) * (axes - 2) + (TILE, TILE)


def _apply(
    stack: FeatureStack,
    model: PixelModel,
    function: Callable[[Rows], NDArray[Any]],
    pixels: NDArray[Any],
    window: Window,
    put: Callable[[Box, NDArray[Any], Box], None],
) -> None:
    """Put what a function finds of the rows of a part, at those of its pixels that are wanted."""
    core, outer, shape = window.core, window.outer, window.shape
    whole = core if model.rowwise else tiles_around(core, shape)
    for band in bands(whole, unit=1 if model.rowwise else TILE):
        features = stack.apply(pixels, band, outer, shape)
        for part in [band] if model.rowwise else tiles_of(band):
            rows = features[(slice(None), *part.within(band))].reshape(len(features), -1)
            put(part.overlap(core), function(np.ascontiguousarray(rows.T)), part)
