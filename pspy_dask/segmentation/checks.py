"""What the recipe is asked for, made whole or refused before any work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import DTypeLike

from pspy_dask.blocks.images import spatial_axes
from pspy_dask.parameters import (
    GLOBAL_METHODS,
    SegmentationParameters,
    check_local_size,
    check_method,
)


def resolve(
    parameters: SegmentationParameters | None, overrides: dict[str, Any]
) -> SegmentationParameters:
    """Return the parameters with single ones replaced; unknown names are an error."""
    if parameters is not None and not isinstance(parameters, SegmentationParameters):
        raise TypeError(
            f"parameters is a {type(parameters).__name__}: give SegmentationParameters(...)"
        )
    if not overrides:
        return parameters or SegmentationParameters()
    asked = SegmentationParameters.from_mapping(overrides)  # refuses unknown names
    return replace(parameters, **overrides) if parameters else asked


def check_recipe(image: xr.DataArray, parameters: SegmentationParameters) -> None:
    """Raise ValueError where the recipe does not fit the image."""
    check_method(parameters.threshold)
    check_local_size(parameters.local_size)
    shortest = min(image.sizes[d] for d in spatial_axes(image))
    sides: dict[str, float] = {
        "rolling_ball": parameters.rolling_ball,
        "gaussian": parameters.gaussian,
    }
    if parameters.threshold not in GLOBAL_METHODS:
        sides["local_size"] = parameters.local_size
    for name, side in sides.items():
        if side > shortest:
            raise ValueError(
                f"{name} is {side} pixels but the image only {shortest}: choose a smaller {name}"
            )


def check_identity(
    numbering: str, dtype: DTypeLike | None, parameters: SegmentationParameters
) -> None:
    """Raise ValueError where labels cannot be numbered so, not in this type or not exactly."""
    if numbering != "identity":
        raise ValueError(f"numbering is {numbering!r}: choose 'raster' or 'identity'")
    if dtype is not None and np.dtype(dtype) != np.int64:
        raise ValueError(f"identities do not fit labels of type {np.dtype(dtype)}: leave dtype out")
    if parameters.watershed and parameters.watershed_exact:
        raise ValueError(
            "labels numbered by identity show large particles as far as a window sees them: "
            "choose numbering='raster' or leave watershed_exact out"
        )


def label_type(shape: tuple[int, ...], dtype: DTypeLike | None) -> np.dtype[Any]:
    """Return the type of the labels: as asked, else int32 unless N could pass its end.

    >>> label_type((10, 10), None), label_type((2**17, 2**17), None)
    (dtype('int32'), dtype('int64'))
    """
    if dtype is not None:
        try:
            chosen = np.dtype(dtype)
        except TypeError:
            raise TypeError(f"labels cannot be of type {dtype}: choose an integer type") from None
        if chosen.kind not in "iu":
            raise TypeError(f"labels cannot be of type {chosen}: choose an integer type")
        return chosen.newbyteorder("=")
    most = 1
    for length in shape:
        most *= (length + 1) // 2  # two objects are at least one pixel apart along every axis
    return np.dtype(np.int32 if most <= np.iinfo(np.int32).max else np.int64)
