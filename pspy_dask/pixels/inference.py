"""From features to numbers: a fitted model applied to the pixels of a chunk, band by band.

Libraries multiply matrices in an order that may hang on how many rows there are and on where a row
stands among them, and so may the last bit of what they find. Models that are not known to look at
each row alone are therefore shown whole tiles of `TILE` x `TILE` pixels, aligned to the image: what
they are given is then the same whatever the chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.one_thread import one_thread
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.finite import finite_mask
from pspy_dask.pixels.stack import FeatureStack, value_mask

TILE = 128

_PIECE = 2**18  # rows of features that are copied in one go

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
    """The class of every pixel of a chunk.

    It is 0 where the image has no value, or a feature of the pixel is not finite.

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

        _apply(self.stack, model, model.numbers, 0, pixels, window, put)
        finite = value_mask(pixels[window.crop])
        return result if finite is None else np.where(finite, result, result.dtype.type(0))


@dataclass(frozen=True)
class Probabilities:
    """The probability of each class at every pixel of a chunk.

    It is NaN where the image has no value, or a feature of the pixel is not finite.
    """

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

        _apply(self.stack, self.model, self.model.probabilities, np.nan, pixels, window, put)
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


def pieces_of(box: Box) -> Iterator[Box]:
    """Yield the parts of a box whose rows are told to a model in one go: planes, and not too large.

    >>> [piece.start for piece in pieces_of(Box((3, 0, 5), (5, 700, 1005)))]
    [(3, 0, 5), (3, 262, 5), (3, 524, 5), (4, 0, 5), (4, 262, 5), (4, 524, 5)]
    """
    height = max(1, _PIECE // box.shape[-1])
    steps = (1,) * (len(box.start) - 2) + (height,)
    for start in product(*map(range, box.start, box.stop, steps)):
        stop = tuple(min(a + n, b) for a, n, b in zip(start, steps, box.stop, strict=False))
        yield Box((*start, box.start[-1]), (*stop, box.stop[-1]))


def _sides(axes: int) -> Index:
    return (1,) * (axes - 2) + (TILE, TILE)


def _apply(
    stack: FeatureStack,
    model: PixelModel,
    function: Callable[[Rows], NDArray[Any]],
    nothing: float,
    pixels: NDArray[Any],
    window: Window,
    put: Callable[[Box, NDArray[Any], Box], None],
) -> None:
    """Put what a function finds of the rows of a part, at those of its pixels that are wanted."""
    core, outer, shape = window.core, window.outer, window.shape
    whole = core if model.rowwise else tiles_around(core, shape)
    with nullcontext() if model.rowwise else one_thread():  # held once for all tiles
        for band in stack.bands(whole, unit=1 if model.rowwise else TILE):
            features = stack.apply(pixels, band, outer, shape)
            for part in pieces_of(band) if model.rowwise else tiles_of(band):
                rows = features[(slice(None), *part.within(band))].reshape(len(features), -1)
                found = _of_finite(function, nothing, np.ascontiguousarray(rows.T))
                put(part.overlap(core), found, part)


def _of_finite(
    function: Callable[[Rows], NDArray[Any]], nothing: float, rows: Rows
) -> NDArray[Any]:
    """Return what a function finds of rows, and nothing of those that are not finite.

    It is shown zeros in their place, so that the others stand where they stood.
    """
    if finite_mask(rows) is None:
        return function(rows)
    finite = np.isfinite(rows).all(axis=1)
    rows[~finite] = 0
    found = np.array(function(rows))
    found[~finite] = nothing
    return found
