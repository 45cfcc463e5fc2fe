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
from pspy_dask.kernels.finite import finite_pixels
from pspy_dask.kernels.gaussian import gaussian, gaussian_halo
from pspy_dask.pixels.filters import Filter, Smoothing, filters_of

_BAND = 2**20  # pixels whose features are made in one go


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
    def reaches(self) -> dict[Smoothing, int]:
        """How far beyond the pixels wanted each smoothed image is needed, the image itself first.

        >>> stack = FeatureStack(FeatureParameters(membrane=(), median=5, sobel=()), axes=2)
        >>> stack.reaches
        {(): 64, (1.0,): 0, (16.0,): 0}
        """
        reaches: dict[Smoothing, int] = {(): 0}
        for each in self.filters:
            for smoothing in each.inputs:
                for length in range(1, len(smoothing) + 1):
                    reaches.setdefault(smoothing[:length], 0)
                reaches[smoothing] = max(reaches[smoothing], each.halo)
        for smoothing in sorted(reaches, key=len, reverse=True):
            if smoothing:
                need = reaches[smoothing] + gaussian_halo(smoothing[-1])
                reaches[smoothing[:-1]] = max(reaches[smoothing[:-1]], need)
        return dict(sorted(reaches.items(), key=lambda item: len(item[0])))

    @property
    def halo(self) -> int:
        """Pixels that a window must reach beyond its box."""
        return self.reaches[()]

    def apply(
        self, pixels: NDArray[Any], box: Box, outer: Box, shape: Index
    ) -> NDArray[np.float32]:
        """Return the features of the pixels of a box, on a new first axis.

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
        smoothed: dict[Smoothing, tuple[NDArray[Any], Box]] = {}
        for smoothing, reach in self.reaches.items():
            there = self._grown(box, reach, shape)
            if not smoothing:
                smoothed[()] = _single(finite_pixels(pixels[there.within(outer)])), there
                continue
            source, around = smoothed[smoothing[:-1]]
            wide = self._grown(there, gaussian_halo(smoothing[-1]), shape)
            image = gaussian(source[wide.within(around)], smoothing[-1], dtype=np.float32)
            smoothed[smoothing] = image[there.within(wide)], there
        first = 0
        for each in self.filters:
            there = self._grown(box, each.halo, shape)
            images = [smoothed[s][0][there.within(smoothed[s][1])] for s in each.inputs]
            for plane in each(*images):
                result[first] = plane[box.within(there)]
                first += 1
        return result

    def _grown(self, box: Box, halo: int, shape: Index) -> Box:
        return box.grow((halo,) * self.axes, shape)


def bands(box: Box, unit: int = 1) -> Iterator[Box]:
    """Yield the parts of a plane that are worked on one after the other, whole rows.

    They end at rows whose number in the image is a multiple of the unit. A volume is one part.

    >>> [part.start[0] for part in bands(Box((100, 0), (2100, 2048)), unit=128)]
    [100, 512, 1024, 1536, 2048]
    """
    (top, *_), (bottom, *_) = box
    if len(box.start) != 2:
        yield box
        return
    rows = max(1, _BAND // max(1, box.shape[1]) // unit) * unit
    while top < bottom:
        end = min(bottom, (top + rows) // unit * unit)
        yield Box((top, box.start[1]), (end, box.stop[1]))
        top = end


def _single(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return pixels of at most single precision; integers stay, for they are filtered faster."""
    return pixels.astype(np.float32) if pixels.dtype == np.float64 else pixels
