"""One look at all pixels: mean and deviation of every feature, and a sample of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.sampling import Sample, SampleLaw
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.exact_sums import SUM_UNIT, exact_sum
from pspy_dask.kernels.finite import finite_mask
from pspy_dask.pixels.stack import FeatureStack, value_mask


@dataclass(frozen=True)
class Survey:
    """What is known of the pixels that have a value: exact sums of their features, and a sample.

    Attributes
    ----------
    count
        How many they are.
    sums, squares
        Of each feature and of its square, in units of 2**-1074.
    sample
        Rows of (intensity of the pixel, features), float64.
    """

    count: int
    sums: tuple[int, ...]
    squares: tuple[int, ...]
    sample: Sample

    def merge(self, other: Survey) -> Survey:
        """Return what is known of the pixels of both."""
        return Survey(
            self.count + other.count,
            tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)),
            tuple(a + b for a, b in zip(self.squares, other.squares, strict=True)),
            self.sample.merge(other.sample),
        )

    def mean_and_deviation(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return both for each feature, rounded once; the deviation is 1 where it would be 0."""
        n = max(1, self.count)
        means = [total / (n << SUM_UNIT) for total in self.sums]
        deviations = []
        for total, square in zip(self.sums, self.squares, strict=True):
            spread = (square * n << SUM_UNIT) - total * total
            deviations.append(sqrt(spread / (n * n << 2 * SUM_UNIT)) or 1.0)
        return np.array(means), np.array(deviations)


@dataclass(frozen=True)
class SurveyOfPixels:
    """The survey of a chunk.

    Attributes
    ----------
    stack
        Which features.
    law
        Which pixels are drawn.
    first
        Number of the image's first frame in the set; None where each frame is a set of its own.
    """

    stack: FeatureStack
    law: SampleLaw
    first: int | None

    def __call__(self, pixels: NDArray[Any], window: Window) -> Survey:
        """Return what is known of the chunk, put together band by band."""
        frame = 0 if self.first is None else self.first + (window.frame or 0)
        surveys = (
            self._band(pixels, band, window, frame) for band in self.stack.bands(window.core)
        )
        return reduce(Survey.merge, surveys)

    def _band(self, pixels: NDArray[Any], band: Box, window: Window, frame: int) -> Survey:
        features = self.stack.apply(pixels, band, window.outer, window.shape)
        intensity = pixels[band.within(window.outer)]
        valued = _valued(intensity, features)
        planes = [plane if valued is None else plane[valued] for plane in features]
        drawn = self.law.drawn(frame, band, valued)
        at = drawn[0]
        rows = np.empty((at.size, 1 + len(features)))
        rows[:, 0] = intensity.reshape(-1)[at]
        rows[:, 1:] = features.reshape(len(features), -1)[:, at].T
        return Survey(
            band.size if valued is None else int(np.count_nonzero(valued)),
            tuple(map(exact_sum, planes)),
            # The square of a float32 is a float64, exactly, however small or large.
            tuple(exact_sum(np.square(plane, dtype=np.float64)) for plane in planes),
            self.law.sample(frame, band, drawn, rows),
        )


def _valued(intensity: NDArray[Any], features: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return which pixels have a value with all their features; None for all."""
    own, of_features = value_mask(intensity), finite_mask(features)
    if own is None and of_features is None:
        return None
    valued = np.ones(intensity.shape, np.bool_) if own is None else own
    return valued if of_features is None else valued & of_features.all(axis=0)
