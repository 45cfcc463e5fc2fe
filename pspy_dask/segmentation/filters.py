"""What is done to the image before its threshold: invert, remove background, smooth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.finite import finite_pixels, is_half
from pspy_dask.kernels.gaussian import gaussian, gaussian_dtype, gaussian_halo
from pspy_dask.kernels.tophat import tophat_halo, white_tophat
from pspy_dask.parameters import SegmentationParameters


@dataclass(frozen=True)
class Filters:
    """The filters of a recipe, applied to a window.

    Pixels that are not finite are read as 0 here, are never foreground and never counted in the
    statistics of a threshold.

    Attributes
    ----------
    invert
        Particles are dark: unsigned ``v`` becomes its type's maximum - v, signed integers -1 - v,
        floats -v. This comes first, so that the top-hat keeps dark particles too.
    rolling_ball
        Side of the square footprint of the white top-hat; 0 for none.
    gaussian
        Sigma of the Gaussian; 0 for none. It computes in float32, and in float64 for float64.
    """

    invert: bool
    rolling_ball: int
    gaussian: float

    @classmethod
    def of(cls, parameters: SegmentationParameters) -> Filters:
        """Return the filters of a recipe."""
        return cls(parameters.invert, parameters.rolling_ball, float(parameters.gaussian))

    @property
    def halo(self) -> int:
        """Pixels that a window must reach beyond its chunk."""
        background = tophat_halo(self.rolling_ball) if self.rolling_ball else 0
        smoothing = gaussian_halo(self.gaussian) if self.gaussian else 0
        return background + smoothing

    def dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Type of the filtered pixels of an image of this type."""
        if self.gaussian or is_half(dtype):
            return gaussian_dtype(dtype)
        return np.dtype(np.uint8) if dtype == np.bool_ else dtype

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return the filtered window."""
        pixels = finite_pixels(pixels)
        if self.invert:
            pixels = inverted(pixels)
        if self.rolling_ball:
            pixels = white_tophat(pixels, self.rolling_ball)
        if self.gaussian:
            pixels = gaussian(pixels, self.gaussian)
        return pixels


def inverted(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels with bright and dark exchanged, in their own type.

    >>> inverted(np.array([0, 255], np.uint8)).tolist()
    [255, 0]
    """
    result: NDArray[Any] = -pixels if pixels.dtype.kind == "f" else ~pixels
    return result


def eight_bit(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Return grey levels 0 to 255 between two values; 0 where they are the same.

    >>> eight_bit(np.array([2.0, 3.0, 4.0]), 2.0, 4.0).tolist()
    [0, 127, 255]
    """
    if not high > low:
        return np.zeros(pixels.shape, np.uint8)
    levels = 255 * ((pixels.astype(np.float64) - low) / (high - low))
    return levels.clip(0, 255).astype(np.uint8)
