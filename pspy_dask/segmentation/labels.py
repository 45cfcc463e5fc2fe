"""Labels of a foreground: its components, or what a watershed makes of them."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.graph_manipulation import clone
from numpy.typing import DTypeLike

from pspy_dask.blocks.images import (
    CONNECTED_LABELS,
    ImageLike,
    as_image,
    has_frames,
    like,
    pixel_size,
)
from pspy_dask.blocks.sources import source_of
from pspy_dask.blocks.tree import Program, sweep
from pspy_dask.kernels.split import SplitRule
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.segmentation.checks import label_type
from pspy_dask.segmentation.components import ForegroundFunction, LabelComponents
from pspy_dask.segmentation.foreground import is_non_zero
from pspy_dask.segmentation.watershed import SplitObjects, default_separation

# Above these, a pass reads or computes again rather than have results wait in memory.
_KEEP_PIXELS = 2**31
_SHARE_BYTES = 2**28


def label(
    foreground: ImageLike,
    *,
    min_size: int = 0,
    clear_border: bool = False,
    dtype: DTypeLike | None = None,
) -> xr.DataArray:
    """Return the connected components of a mask, 1..N in raster order of their first pixels.

    Parameters
    ----------
    foreground
        Mask of shape ``([t,] [z,] y, x)``; what is not 0 is foreground.
    min_size
        Components of fewer pixels are dropped before numbering.
    clear_border
        Components on an edge of the image are dropped before numbering.
    dtype
        Integer type of the labels; by default int32, or int64 where N could pass its end.

    Returns
    -------
    xarray.DataArray
        Lazy labels, 0 for background, equal to ``skimage.measure.label``. Neighbours meet
        corners included (8 in a plane, 26 in a volume). Frames are labelled one by one.

    Raises
    ------
    OverflowError
        On computing, where there are more components than the type can number.

    Examples
    --------
    >>> import numpy as np
    >>> label(np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0]], bool)).values.tolist()
    [[1, 0, 1], [0, 1, 0], [0, 0, 0], [2, 2, 0]]
    """
    recipe = SegmentationParameters(min_size=min_size, clear_border=clear_border)
    return labels_of(as_image(foreground), is_non_zero, 0, recipe, dtype, ())


def watershed(
    foreground: ImageLike,
    *,
    separation: int | None = None,
    erosion: int = 0,
    min_size: int = 0,
    clear_border: bool = False,
    dtype: DTypeLike | None = None,
) -> xr.DataArray:
    """Return the particles of a mask, those that touch parted where they are narrowest.

    Every pixel gets its distance to the background; pixels that none of their component exceeds
    within the footprint are markers, those that touch one marker; the component is flooded from
    them, innermost pixels first. The result is the same whatever the chunks.

    Parameters
    ----------
    foreground
        Mask of shape ``([t,] [z,] y, x)``; what is not 0 is foreground.
    separation
        Side in pixels of the square (cube) footprint; an even one reaches one pixel farther
        towards the origin. By default the diameter of a disk (ball) of ``min_size`` pixels, 20
        where that is 0.
    erosion
        Markers are looked for in what is left of the foreground after erosion by a disk (ball) of
        this radius. A component of which nothing is left stays one particle.
    min_size
        Particles of fewer pixels are dropped, after they are parted.
    clear_border
        Particles on an edge of the image are dropped, after they are parted.
    dtype
        Integer type of the labels; by default int32, or int64 where N could pass its end.

    Returns
    -------
    xarray.DataArray
        Lazy labels, 0 for background, 1..N in raster order of first pixels. Frames are treated
        one by one.

    Raises
    ------
    ValueError
        ``separation`` below 1, ``erosion`` or ``min_size`` below 0.
    OverflowError
        On computing, where there are more particles than the type can number.

    Notes
    -----
    Distances, and markers, are those of ``scipy.ndimage.distance_transform_edt`` and of
    ``skimage.feature.peak_local_max(distance, footprint=np.ones((separation, separation)),
    labels=label(foreground), exclude_border=False)``; in volumes distances count in pixel sizes
    along x. ``skimage.segmentation.watershed`` leaves the order among equal pixels to its heap;
    here the one reached first comes first, markers in raster order. Parts that hang on by corners
    alone, which it leaves out, belong to the nearest particle. Where the foreground fills the
    image, distances are those to the image's outside.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.indices((5, 11))
    >>> discs = ((x - 2) ** 2 + (y - 2) ** 2 < 8) | ((x - 7) ** 2 + (y - 2) ** 2 < 8)
    >>> watershed(discs, separation=3).values[2].tolist()
    [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 0]
    """
    recipe = SegmentationParameters(
        watershed=True,
        watershed_separation=separation,
        watershed_erosion=erosion,
        min_size=min_size,
        clear_border=clear_border,
    )
    return labels_of(as_image(foreground), is_non_zero, 0, recipe, dtype, ())


def labels_of(
    image: xr.DataArray,
    function: ForegroundFunction,
    halo: int,
    parameters: SegmentationParameters,
    dtype: DTypeLike | None,
    values: tuple[da.Array, ...],
) -> xr.DataArray:
    """Return the labels of the foreground that a function finds in windows of the image."""
    frames = has_frames(image)
    spatial = image.shape[1:] if frames else image.shape
    chosen = label_type(spatial, dtype)
    waits = image.size > _KEEP_PIXELS  # runs of so many pixels do not stay in memory
    program = _program(image, function, parameters, chosen)
    data = sweep(
        image.data,
        program,
        halo=halo_of(image, halo),
        dtype=chosen,
        frames=frames,
        values=values,
        name=CONNECTED_LABELS,
        again=again(image).data if waits else None,
    )
    return like(image, data, "labels")


def _program(
    image: xr.DataArray,
    function: ForegroundFunction,
    parameters: SegmentationParameters,
    dtype: np.dtype[Any],
) -> Program:
    axes = image.ndim - has_frames(image)
    least, clear = parameters.min_size, parameters.clear_border
    if not parameters.watershed:
        return LabelComponents(function, axes, least, clear, dtype)
    sizes = pixel_size(image)
    step = sizes["z"] / sizes["x"] if "z" in image.dims else 1.0
    separation = parameters.watershed_separation or default_separation(least, axes)
    erosion = parameters.watershed_erosion
    rule = SplitRule(separation, erosion, least, clear, (step, 1.0, 1.0))
    return SplitObjects(function, axes, rule, dtype)


def halo_of(image: xr.DataArray, width: int) -> tuple[int, ...]:
    """Return the halo of this width along every axis of a frame."""
    return (width,) * (image.ndim - has_frames(image))


def again(image: xr.DataArray) -> xr.DataArray:
    """Return the image under other names where its chunks would wait in memory between passes."""
    if source_of(image.data) is not None or image.nbytes <= _SHARE_BYTES:
        return image
    return image.copy(data=clone(image.data))
