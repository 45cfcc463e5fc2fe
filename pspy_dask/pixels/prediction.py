"""Classes of all pixels of an image, and their probabilities, as lazy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from pspy_dask.blocks.images import has_frames, like
from pspy_dask.blocks.windows import map_windows
from pspy_dask.pixels.features import halo_along, layered
from pspy_dask.pixels.inference import Numbers, PixelModel, Probabilities, inference_halo
from pspy_dask.pixels.stack import FeatureStack


def class_image(
    image: xr.DataArray,
    stack: FeatureStack,
    model: PixelModel,
    numbers: Sequence[int],
    attrs: Mapping[str, Any],
) -> xr.DataArray:
    """Return the class of every pixel: features and inference in one task a chunk.

    Parameters
    ----------
    image
        Shape ``([t,] [z,] y, x)``.
    stack, model
        The features, and the classifier that was fitted to them.
    numbers
        The numbers of the classes, which say what type holds them.
    attrs
        What is told of the classes.
    """
    dtype = np.min_scalar_type(max(numbers))
    data = map_windows(
        image.data,
        Numbers(stack, model, dtype),
        halo=halo_along(image, inference_halo(stack, model)),
        dtype=dtype,
        frames=has_frames(image),
    )
    return like(image, data, "classes", **attrs)


def probability_image(
    image: xr.DataArray,
    stack: FeatureStack,
    model: PixelModel,
    names: Sequence[str],
    attrs: Mapping[str, Any],
) -> xr.DataArray:
    """Return the probability of each class at every pixel, float32, one task a chunk."""
    data = map_windows(
        image.data,
        Probabilities(stack, model, len(names)),
        halo=halo_along(image, inference_halo(stack, model)),
        dtype=np.float32,
        frames=has_frames(image),
        layers=len(names),
    )
    return layered(image, data, "class", names, name="probabilities").assign_attrs(attrs)
