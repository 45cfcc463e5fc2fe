"""What kernels ask of their arguments, refused in one sentence that names the argument."""

from __future__ import annotations

import math
import operator
from typing import Any

from numpy.typing import NDArray


def whole(name: str, value: int, least: int) -> int:
    """Return a number of pixels as a Python integer, which no power of it overflows.

    Raises
    ------
    ValueError
        If the value is no integer, be it Python's or NumPy's, or less than the least.

    Examples
    --------
    >>> import numpy as np
    >>> whole("size", np.uint8(17), 1) ** 2
    289
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(
            f"{name} must be a whole number of at least {least}, not {value!r}: give pixels."
        )
    return number


def nonnegative(name: str, value: float) -> float:
    """Return a finite number that is not negative; an integer as a float.

    A float of NumPy's stays what it is, for SciPy computes weights in its precision.

    Raises
    ------
    ValueError
        If the value is anything else.

    Examples
    --------
    >>> nonnegative("sigma", 2)
    2.0
    """
    try:
        sensible = math.isfinite(value) and value >= 0
    except (TypeError, OverflowError):
        sensible = False
    if not sensible:
        raise ValueError(f"{name} must be zero or a positive number, not {value!r}.")
    return float(value) if hasattr(value, "__index__") else value


def real_image(image: NDArray[Any], axes: tuple[int, ...] = (2, 3)) -> None:
    """Refuse an image that is not of real numbers, or has another number of axes.

    Raises
    ------
    ValueError
        If it holds anything but booleans, integers and floats of at most 64 bits, or the number
        of its axes is none of those given.

    Examples
    --------
    >>> import numpy as np
    >>> real_image(np.zeros(3))
    Traceback (most recent call last):
    ValueError: image must have 2 or 3 axes, not 1.
    """
    if image.ndim not in axes:
        allowed = " or ".join(map(str, axes))
        raise ValueError(f"image must have {allowed} axes, not {image.ndim}.")
    if image.dtype.kind not in "biuf" or image.dtype.itemsize > 8:
        raise ValueError(
            f"image must be of real numbers of at most 64 bits, not of {image.dtype}: convert it."
        )
