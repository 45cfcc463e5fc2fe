"""How scikit-image turns images into floating-point numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def float_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that scikit-image computes in: float32 for shorter floats, else float64.

    Raises
    ------
    ValueError
        If pixels are neither booleans, integers nor real numbers.
    """
    if dtype.kind not in "biuf":
        raise ValueError(
            f"image must hold booleans, integers or real numbers, not {dtype}; "
            "take the magnitude of complex ones."
        )
    return np.dtype(np.float32 if dtype.kind == "f" and dtype.itemsize <= 4 else np.float64)


def as_float(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image in that type, integers scaled to at most 1, as `skimage.img_as_float` does.

    A float image of that type is returned itself.

    Examples
    --------
    >>> import numpy as np
    >>> as_float(np.array([0, 51, 255], np.uint8))
    array([0. , 0.2, 1. ])
    """
    dtype = float_type(image.dtype)
    if image.dtype.kind in "bf":
        return image.astype(dtype, copy=False)
    scaled: NDArray[Any] = np.multiply(image, 1.0 / np.iinfo(image.dtype).max, dtype=dtype)
    return np.maximum(scaled, -1.0, out=scaled) if image.dtype.kind == "i" else scaled
