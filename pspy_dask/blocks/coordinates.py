"""Coordinates along the axes of an image: evenly spaced, they are a pixel size and a position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

#: By what part pixel sizes may differ that are equal but for rounding.
SAME_STEP = 1e-6

# How far a coordinate may lie from its even place, in steps.
_UNEVEN = 0.01

_UNNAMED = ("px", "frame", "")


def step_along(image: xr.DataArray, dim: str) -> float:
    """Return the step of an axis in its units, 1 where it has none or counts in dates."""
    values = _values(image, dim)
    if values is None:
        return 1.0
    stated = float(image.coords[dim].attrs.get("step", 1.0))
    if values.size < 2:
        return stated
    measured = _mean_step(values)
    return stated if np.isclose(measured, stated, rtol=SAME_STEP, atol=0) else measured


def first_positions(image: xr.DataArray) -> dict[str, float]:
    """Return the coordinate of the first pixel along each axis, 0 where it has none."""
    found = {str(dim): _values(image, str(dim)) for dim in image.dims}
    return {dim: 0.0 if values is None else float(values[0]) for dim, values in found.items()}


def all_units(stated: Mapping[str, Any], steps: Mapping[str, float]) -> dict[str, str]:
    """Return the units of axes of which some, or all, state none.

    Where nothing says what a length is, and it is not 1, nobody knows whether it is in pixels: its
    units are empty. One such axis of space makes all of them so that state none.

    >>> all_units({"t": None, "y": None, "x": None}, {"t": 1.0, "y": 1.0, "x": 1.0})
    {'t': 'frame', 'y': 'px', 'x': 'px'}
    >>> all_units({"z": None, "y": None, "x": "nm"}, {"z": 2.0, "y": 1.0, "x": 0.5})
    {'z': '', 'y': '', 'x': 'nm'}
    """
    unstated = [dim for dim, unit in stated.items() if unit is None]
    pixels = all(steps[dim] == 1 for dim in unstated if dim != "t")
    default = dict.fromkeys(unstated, "px" if pixels else "")
    if "t" in default:
        default["t"] = "frame" if steps["t"] == 1 else ""
    return {dim: default[dim] if unit is None else str(unit) for dim, unit in stated.items()}


def is_named(unit: str) -> bool:
    """Whether this is a unit that lengths or times have outside the image."""
    return unit not in _UNNAMED


def require_even(image: xr.DataArray, dims: Iterable[str]) -> None:
    """Raise ValueError where coordinates along these axes are no numbers or not evenly spaced."""
    for dim in dims:
        if dim not in image.coords:
            continue
        values = _values(image, dim)
        if values is None:
            raise ValueError(
                f"the coordinates along {dim} are no numbers but of type "
                f"{image.coords[dim].dtype}: leave them out with .drop_vars({dim!r})"
            )
        if not _is_even(values):
            raise ValueError(
                f"the coordinates along {dim} are not evenly spaced, so that pixels have no one "
                f"size: resample the image, or leave them out with .drop_vars({dim!r})"
            )


def _values(image: xr.DataArray, dim: str) -> NDArray[Any] | None:
    """Return the coordinates along an axis, or None where there are none or they are no numbers."""
    if dim not in image.coords or image.coords[dim].dtype.kind not in "iuf":
        return None
    values: NDArray[Any] = image.coords[dim].values
    return values


def _mean_step(values: NDArray[Any]) -> float:
    return (float(values[-1]) - float(values[0])) / (values.size - 1)


def _is_even(values: NDArray[Any]) -> bool:
    """Whether all lie at even places, but for a small part of a step or the rounding of the type.

    >>> _is_even(np.float32(1e5) + np.arange(99, dtype=np.float32) / 3)
    True
    >>> _is_even(np.array([0, 1, 3]))
    False
    """
    wide = values.astype(np.float64)
    if not np.isfinite(wide).all():
        return False
    if values.size < 3:
        return True
    step = _mean_step(values)
    rounding = np.finfo(values.dtype).eps * np.abs(wide).max() if values.dtype.kind == "f" else 0.0
    off = np.abs(wide - (wide[0] + step * np.arange(wide.size))).max()
    return bool(off <= _UNEVEN * abs(step) + 4 * rounding)
