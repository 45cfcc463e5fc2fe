"""What kernels ask of their arguments, refused in one sentence that names the argument."""

from __future__ import annotations

import math
import operator
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray


def whole(name: str, value: int, least: int) -> int:
    """Return a number of pixels as a Python integer, which no power of it overflows.

    Raises
    ------
    ValueError
        If the value is no integer, be it Python's or NumPy's, or less than the least.

    Examples
    --------
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
    if not (_is_finite(value) and value >= 0):
        raise ValueError(f"{name} must be zero or a positive number, not {value!r}.")
    return float(value) if hasattr(value, "__index__") else value


def positive(name: str, value: float) -> float:
    """Return a finite number above zero as a float.

    Raises
    ------
    ValueError
        If the value is anything else.

    Examples
    --------
    >>> positive("half_range", 128)
    128.0
    """
    if not (_is_finite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number, not {value!r}.")
    return float(value)


def finite(name: str, value: float) -> float:
    """Return a finite number as a float.

    Raises
    ------
    ValueError
        If the value is anything else.

    Examples
    --------
    >>> finite("k", -1)
    -1.0
    """
    if not _is_finite(value):
        raise ValueError(f"{name} must be a finite number, not {value!r}.")
    return float(value)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False


def one_of(name: str, value: Any, allowed: Any, remedy: str = "") -> None:
    """Refuse what is none of the words of a `Literal`, be it no word at all.

    Raises
    ------
    ValueError
        If it is none of them; the remedy ends the sentence.

    Examples
    --------
    >>> from typing import Literal
    >>> one_of("shade", 7, Literal["light", "dark"], "name it")
    Traceback (most recent call last):
    ValueError: shade must be "light" or "dark", not 7: name it.
    """
    words = get_args(allowed)
    if isinstance(value, str) and value in words:
        return
    quoted = [f'"{word}"' for word in words]
    given = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else repr(value)
    choice = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    raise ValueError(f"{name} must be {choice}, not {given}{remedy and ': ' + remedy}.")


def real_image(
    image: NDArray[Any], axes: tuple[int, ...] = (2, 3), *, any_width: bool = False
) -> None:
    """Refuse what is no array of real numbers, or has another number of axes.

    Raises
    ------
    ValueError
        If it is no array of NumPy's, holds anything but booleans, integers and floats, of at most
        64 bits if not of any width, or the number of its axes is none of those given.

    Examples
    --------
    >>> real_image(np.zeros(3))
    Traceback (most recent call last):
    ValueError: image must have 2 or 3 axes, not 1.
    """
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f"image must be an array of NumPy's, not {type(image).__name__}: call np.asarray on it."
        )
    if image.ndim not in axes:
        allowed = " or ".join(map(str, axes))
        raise ValueError(f"image must have {allowed} axes, not {image.ndim}.")
    if image.dtype.kind not in "biuf" or not (any_width or image.dtype.itemsize <= 8):
        width = "" if any_width else " of at most 64 bits"
        raise ValueError(f"image must be of real numbers{width}, not of {image.dtype}: convert it.")
