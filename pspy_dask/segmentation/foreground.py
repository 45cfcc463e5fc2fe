"""Which pixels are foreground: the filtered image against its threshold, in one window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.finite import finite_mask
from pspy_dask.kernels.local_otsu import local_otsu
from pspy_dask.kernels.local_thresholds import (
    half_range,
    local_gaussian,
    local_halo,
    niblack,
    sauvola,
)
from pspy_dask.parameters import GLOBAL_METHODS
from pspy_dask.segmentation.filters import Filters, eight_bit


@dataclass(frozen=True)
class Surface:
    """The threshold of every pixel of a chunk, for the methods that have one a pixel.

    Local Otsu works on grey levels 0 to 255 between the lowest and the highest pixel of the
    image (the part after the point dropped); its threshold is such a level too.

    Attributes
    ----------
    filters
        What is done to the image first.
    method, local_size
        The threshold and the side of its neighbourhood.
    half_range
        Sauvola's R: half the range of the image's type.
    """

    filters: Filters
    method: str
    local_size: int
    half_range: float

    @property
    def halo(self) -> int:
        """Pixels that a window must reach beyond its chunk."""
        return self.filters.halo + local_halo(self.method, self.local_size)

    def __call__(
        self, pixels: NDArray[Any], window: Window, *values: NDArray[np.float64]
    ) -> NDArray[Any]:
        """Return the thresholds of the chunk."""
        return self.compare(pixels, window, *values)[1]

    def compare(
        self, pixels: NDArray[Any], window: Window, *values: NDArray[np.float64]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return (filtered pixels, their thresholds) of the chunk, in the same grey levels."""
        filtered = self.filters.apply(pixels)
        if self.method in ("local_otsu", "lg_otsu"):
            filtered = eight_bit(filtered, *values[0])
            surface: NDArray[Any] = local_otsu(filtered, self.local_size)
        elif self.method == "local":
            surface = local_gaussian(filtered, self.local_size)
        elif self.method == "niblack":
            surface = niblack(filtered, self.local_size)
        else:
            surface = sauvola(filtered, self.local_size, self.half_range)
        if self.method == "lg_otsu":  # above the global threshold: at least one level more
            surface = np.maximum(surface, values[1] + 1)
        return filtered[window.crop], surface[window.crop]


@dataclass(frozen=True)
class Foreground:
    """The foreground of a chunk.

    Attributes
    ----------
    filters
        What is done to the image first.
    surface
        The local threshold, or None where there is one global value.
    """

    filters: Filters
    surface: Surface | None

    @property
    def halo(self) -> int:
        """Pixels that a window must reach beyond its chunk."""
        return self.filters.halo if self.surface is None else self.surface.halo

    def __call__(
        self, pixels: NDArray[Any], window: Window, *values: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return the foreground of the chunk."""
        if self.surface is None:
            mask = self.filters.apply(pixels)[window.crop] > values[0]
        else:
            filtered, surface = self.surface.compare(pixels, window, *values)
            inclusive = self.surface.method in ("local_otsu", "lg_otsu")
            mask = filtered >= surface if inclusive else filtered > surface
        finite = finite_mask(pixels[window.crop])
        return mask if finite is None else mask & finite


def make_surface(
    filters: Filters, method: str, local_size: int, dtype: np.dtype[Any]
) -> Surface | None:
    """Return the local threshold of an image of this type, or None for a global method."""
    if method in GLOBAL_METHODS:
        return None
    return Surface(filters, method, local_size, half_range(dtype))


def is_non_zero(pixels: NDArray[Any], window: Window) -> NDArray[np.bool_]:
    """Return the foreground of a mask, to be read only: pixels that are not 0."""
    mask: NDArray[np.bool_] = pixels[window.crop]
    return mask if mask.dtype == np.bool_ else mask != 0
