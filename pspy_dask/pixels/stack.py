"""All features of the pixels of a window; smoothed images are made once, as far as needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.kernels.finite import finite_mask, finite_pixels
from pspy_dask.kernels.gaussian import gaussian, gaussian_halo
from pspy_dask.pixels.filters import Filter, Smoothing, filters_of

_BAND = 2**20  # pixels whose features are made in one go
_ACROSS = 2**11  # longest rows of them: a band of few, long rows would have little but halo


@dataclass(frozen=True)
class FeatureStack:
    """The features of every pixel of a box, from a window that reaches the halo farther.

    Attributes
    ----------
    parameters
        Which features.
    axes
        Axes of the image, 2 or 3, without time.
    """

    parameters: FeatureParameters
    axes: int

    @cached_property
    def filters(self) -> tuple[Filter, ...]:
        """The filters, in the order of their features."""
        return filters_of(self.parameters, self.axes)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the features are called."""
        return tuple(name for each in self.filters for name in each.names)

    @cached_property
    def reaches(self) -> dict[Smoothing, Index]:
        """How far beyond the pixels wanted each smoothed image is needed, the image itself first.

        >>> stack = FeatureStack(FeatureParameters(membrane=(), median=5, sobel=()), axes=2)
        >>> stack.reaches
        {(): (64, 64), (1.0,): (0, 0), (16.0,): (0, 0)}
        """
        reaches: dict[Smoothing, Index] = {(): (0,) * self.axes}
        for each in self.filters:
            for smoothing in each.inputs:
                for length in range(1, len(smoothing) + 1):
                    reaches.setdefault(smoothing[:length], (0,) * self.axes)
                reaches[smoothing] = _farthest(reaches[smoothing], each.halo(self.axes))
        for smoothing in sorted(reaches, key=len, reverse=True):
            if smoothing:
                more = gaussian_halo(smoothing[-1])
                need = tuple(reach + more for reach in reaches[smoothing])
                reaches[smoothing[:-1]] = _farthest(reaches[smoothing[:-1]], need)
        return dict(sorted(reaches.items(), key=lambda item: len(item[0])))

    @property
    def halo(self) -> Index:
        """Pixels that a window must reach beyond its box, along each axis."""
        return self.reaches[()]

    def bands(self, box: Box, unit: int = 1) -> Iterator[Box]:
        """Yield the parts of a box whose features are made one after the other; see `bands`."""
        return bands(box, unit, halo=self.halo[0])

    def apply(
        self, pixels: NDArray[Any], box: Box, outer: Box, shape: Index
    ) -> NDArray[np.float32]:
        """Return the features of the pixels of a box, on a new first axis.

        Pixels without a value (`value_mask`) are read as 0.

        Parameters
        ----------
        pixels
            The window.
        box, outer
            Where the pixels wanted and those of the window lie.
        shape
            Lengths of the image, at whose edges windows end.
        """
        result = np.empty((len(self.names), *box.shape), np.float32)
        self.fill(result, pixels, box, outer, shape)
        return result

    def fill(
        self,
        result: NDArray[np.float32],
        pixels: NDArray[Any],
        box: Box,
        outer: Box,
        shape: Index,
    ) -> None:
        """Write what `apply` returns."""
        with np.errstate(over="ignore", invalid="ignore"):  # infinity says what is too large
            self._fill(result, pixels, box, outer, shape)

    def _fill(
        self,
        result: NDArray[np.float32],
        pixels: NDArray[Any],
        box: Box,
        outer: Box,
        shape: Index,
    ) -> None:
        smoothed: dict[Smoothing, tuple[NDArray[Any], Box]] = {}
        for smoothing, reach in self.reaches.items():
            there = box.grow(reach, shape)
            if not smoothing:
                smoothed[()] = finite_pixels(_single(pixels[there.within(outer)])), there
                continue
            source, around = smoothed[smoothing[:-1]]
            wide = there.grow((gaussian_halo(smoothing[-1]),) * self.axes, shape)
            image = gaussian(source[wide.within(around)], smoothing[-1], dtype=np.float32)
            smoothed[smoothing] = image[there.within(wide)], there
        first = 0
        for each in self.filters:
            there = box.grow(each.halo(self.axes), shape)
            images = [smoothed[s][0][there.within(smoothed[s][1])] for s in each.inputs]
            for plane in each(*images):
                result[first] = plane[box.within(there)]
                first += 1


def bands(box: Box, unit: int = 1, *, halo: int = 0) -> Iterator[Box]:
    """Yield the parts of a box that are worked on one after the other.

    Those of a plane are rows, long ones in pieces. They end at pixels whose number in the image is
    a multiple of the unit, or where the plane does. Those of a volume are planes, at least twice as
    many as the halo that is made again on either side.

    >>> [part.start for part in bands(Box((100, 0), (2100, 2048)), unit=128)]
    [(100, 0), (512, 0), (1024, 0), (1536, 0), (2048, 0)]
    >>> [part.start for part in bands(Box((0, 5), (400, 5000)))]
    [(0, 5), (0, 2053), (0, 4101)]
    >>> [part.start for part in bands(Box((7, 0, 0), (57, 300, 300)), halo=8)]
    [(7, 0, 0), (20, 0, 0), (33, 0, 0), (46, 0, 0)]
    """
    if len(box.start) == 3:
        (front, *start), (back, *stop) = box.start, box.stop
        thick = max(2 * halo, _BAND // max(1, box.shape[1] * box.shape[2]), 1)
        even = -(-(back - front) // -(-(back - front) // thick))  # none much thinner than others
        for first in range(front, back, even):
            yield Box((first, *start), (min(first + even, back), *stop))
        return
    across = max(1, min(_ACROSS, _BAND) // unit) * unit
    down = max(1, _BAND // min(across, box.shape[1]) // unit) * unit
    for top, bottom in _pieces(box.start[0], box.stop[0], down, unit):
        for left, right in _pieces(box.start[1], box.stop[1], across, unit):
            yield Box((top, left), (bottom, right))


def value_mask(pixels: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return where pixels have a value that single precision holds, or None where all have."""
    return finite_mask(_single(pixels))


def _pieces(start: int, stop: int, length: int, unit: int) -> Iterator[tuple[int, int]]:
    while start < stop:
        end = min(stop, (start + length) // unit * unit)
        yield start, end
        start = end


def _farthest(one: Index, other: Index) -> Index:
    return tuple(map(max, one, other))


def _single(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return floats of at most single precision; integers stay, for they are filtered faster.

    What it cannot hold becomes infinite.
    """
    if pixels.dtype.kind != "f" or pixels.dtype.itemsize <= 4:
        return pixels
    with np.errstate(over="ignore"):
        return pixels.astype(np.float32)
