"""Pixels without a value: which they are, and what filters read in their place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def finite_pixels(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels with 0 for those that are not finite; booleans as 0 and 1."""
    if pixels.dtype == np.bool_:
        return pixels.view(np.uint8)
    if is_half(pixels.dtype):
        pixels = pixels.astype(np.float32)
    finite = finite_mask(pixels)
    return pixels if finite is None else np.where(finite, pixels, pixels.dtype.type(0))


def is_half(dtype: np.dtype[Any]) -> bool:
    """Say whether a type is float16, of either byte order."""
    return dtype.kind == "f" and dtype.itemsize == 2


def finite_mask(pixels: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return where pixels are finite, or None where all are."""
    if pixels.dtype.kind != "f":
        return None
    finite = np.isfinite(pixels)
    return None if finite.all() else finite
