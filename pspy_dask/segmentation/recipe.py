"""The recipe: filters, threshold, foreground, components, which objects are kept, numbers."""

from __future__ import annotations

from typing import Any, Literal

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import DTypeLike

from pspy_dask.blocks.images import ImageLike, as_image, has_frames, like
from pspy_dask.blocks.windows import map_windows
from pspy_dask.parameters import GLOBAL_METHODS, SegmentationParameters, ThresholdMethod
from pspy_dask.segmentation.checks import check_identity, check_recipe, resolve
from pspy_dask.segmentation.filters import Filters
from pspy_dask.segmentation.foreground import Foreground, make_surface
from pspy_dask.segmentation.identity import identity_labels
from pspy_dask.segmentation.labels import for_another_pass, halo_of, labels_of, split_rule
from pspy_dask.segmentation.thresholds import lazy_level, lazy_range, lazy_threshold


def threshold(
    image: ImageLike,
    method: ThresholdMethod = "otsu",
    *,
    local_size: int = 51,
    over: Literal["frame", "series"] = "frame",
) -> xr.DataArray:
    """Return the threshold that separates particles from background, one value or one a pixel.

    Parameters
    ----------
    image
        Pixels of shape ``([t,] [z,] y, x)``.
    method
        ``otsu``, ``mean``, ``minimum``, ``yen``, ``isodata``, ``li`` or ``triangle`` for one
        value; ``local``, ``local_otsu``, ``lg_otsu``, ``niblack`` or ``sauvola`` for one a pixel.
    local_size
        Side in pixels (odd) of the neighbourhood of a local threshold; the diameter of a disk
        for the two local Otsu methods.
    over
        ``frame``: each frame of a series has its own value; ``series``: all share one.

    Returns
    -------
    xarray.DataArray
        Lazy: 0-d, or with axis ``t``; or the shape of the image. ``local_otsu`` and ``lg_otsu``
        give grey levels 0 to 255 between the lowest and the highest pixel of the image, and a
        pixel at the level is foreground; for the others foreground is above the threshold.
        NaN where no pixel is finite.

    Raises
    ------
    ValueError
        Unknown method; ``local_size`` even, not positive or larger than the image.

    Notes
    -----
    Definitions and values are those of the ``threshold_*`` functions of ``skimage.filters``
    and of ``skimage.filters.rank.otsu``. Non-finite pixels do not count; local thresholds see
    them as 0. ``li`` on floats, filtered integers among them, iterates on 65536 equal bins instead
    of on all pixels: it differs from scikit-image by less than 1e-4 of the range of the pixels,
    mostly by less than 1e-5, which is what scikit-image's own sums in float32 leave open.

    Examples
    --------
    >>> import numpy as np
    >>> float(threshold(np.array([[1, 1, 1], [1, 9, 9]], np.uint8)))
    1.0
    """
    pixels = as_image(image)
    parameters = SegmentationParameters(
        threshold=method,
        local_size=local_size,
        threshold_over=over,
    )
    check_recipe(pixels, parameters)
    filters, frames = Filters.of(parameters), has_frames(pixels)
    if method in GLOBAL_METHODS:
        value = lazy_threshold(pixels, filters, method, per_frame=_per_frame(parameters))
        data = value[..., 0]
        dims = ("t",) if data.ndim else ()
        coords = {"t": pixels.coords["t"]} if dims and "t" in pixels.coords else None
        return xr.DataArray(data, coords, dims, name="threshold", attrs={"method": method})
    surface = make_surface(filters, method, local_size, pixels.dtype)
    assert surface is not None
    dtype = np.uint8 if method == "local_otsu" else np.float64
    values = global_values(pixels, parameters)
    data = map_windows(
        pixels.data,
        surface,
        halo=halo_of(pixels, surface.halo),
        dtype=dtype,
        frames=frames,
        values=values,
    )
    return like(pixels, data, "threshold", method=method)


def foreground(
    image: ImageLike, parameters: SegmentationParameters | None = None, **overrides: Any
) -> xr.DataArray:
    """Return True where a pixel, filtered, passes the recipe's threshold.

    Parameters
    ----------
    image
        Pixels of shape ``([t,] [z,] y, x)``.
    parameters
        The recipe; what it says of objects (``min_size``, ``clear_border``, ``watershed`` and all
        ``watershed_...``) plays no part.
    **overrides
        Single parameters, as in :class:`SegmentationParameters`.

    Returns
    -------
    xarray.DataArray
        Lazy booleans. Pixels above the threshold are foreground; for ``local_otsu`` and
        ``lg_otsu`` those at their level, too. A window reads itself and its halo, and a global
        threshold the image.

    Examples
    --------
    >>> import numpy as np
    >>> foreground(np.array([[1, 1, 1], [1, 9, 9]], np.uint8)).values.tolist()
    [[False, False, False], [False, True, True]]
    """
    pixels = as_image(image)
    recipe = resolve(parameters, overrides)
    check_recipe(pixels, recipe)
    function = _foreground(pixels, recipe)
    data = map_windows(
        for_another_pass(pixels).data,
        function,
        halo=halo_of(pixels, function.halo),
        dtype=np.bool_,
        frames=has_frames(pixels),
        values=global_values(pixels, recipe),
    )
    return like(pixels, data, "foreground")


def segment(
    image: ImageLike,
    parameters: SegmentationParameters | None = None,
    *,
    numbering: Literal["raster", "identity"] = "raster",
    dtype: DTypeLike | None = None,
    **overrides: Any,
) -> xr.DataArray:
    """Return the particles of an image as lazy labels, the same whatever the chunks.

    The image is inverted, freed of its background, smoothed and thresholded as the parameters
    say; connected components become objects, or a watershed parts them; those on the border and
    those that are too small are dropped; the others are numbered 1..N in raster order of their
    first pixels.

    Parameters
    ----------
    image
        DataArray, or dask, NumPy or Zarr array, of shape ``([t,] [z,] y, x)``. A series is
        segmented frame by frame.
    parameters
        The recipe; Otsu's threshold by default.
    numbering
        ``raster`` numbers 1..N, for which all of the image is read. ``identity`` numbers an
        object by 1 + the position of its first pixel in its frame: a part of the labels reads
        itself, a halo of 128 to 639 pixels (volumes: 32 to 95) and what filters need. Objects
        that reach farther than 128 (32) pixels are shown as far as a window sees them, with or
        without a watershed: so ``watershed_exact`` is refused. Windows are never flooded in parts:
        ``watershed_budget`` plays no part. A global threshold reads the image all the same.
    dtype
        Integer type of the labels; by default int32, or int64 where N could pass its end, and
        for identities.
    **overrides
        Single parameters, as in :class:`SegmentationParameters`.

    Returns
    -------
    xarray.DataArray
        Lazy labels, 0 for background, on the axes and chunks of the image.

    Raises
    ------
    ValueError, TypeError
        Parameters or image that the recipe cannot take.
    OverflowError
        On computing, where there are more objects than the type can number.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((5, 7), np.uint8)
    >>> image[1, 1:3] = image[3, 4] = 200
    >>> int(segment(image).max())
    2
    """
    pixels = as_image(image)
    recipe = resolve(parameters, overrides)
    check_recipe(pixels, recipe)
    values = global_values(pixels, recipe)
    if numbering == "raster":
        return segment_with(pixels, recipe, values, dtype=dtype)
    check_identity(numbering, dtype, recipe)
    return preview_with(pixels, recipe, values)


def segment_with(
    image: xr.DataArray,
    parameters: SegmentationParameters,
    values: tuple[da.Array, ...],
    *,
    dtype: DTypeLike | None = None,
) -> xr.DataArray:
    """Return the labels of :func:`segment` from the :func:`global_values` of the image."""
    function = _foreground(image, parameters)
    return labels_of(for_another_pass(image), function, function.halo, parameters, dtype, values)


def preview_with(
    image: xr.DataArray, parameters: SegmentationParameters, values: tuple[da.Array, ...]
) -> xr.DataArray:
    """Return the labels of :func:`segment`, numbered by identity."""
    function, rule = _foreground(image, parameters), split_rule(image, parameters)
    by_watershed = parameters.watershed
    return identity_labels(
        for_another_pass(image),
        function,
        function.halo,
        rule,
        watershed=by_watershed,
        values=values,
    )


def _foreground(image: xr.DataArray, parameters: SegmentationParameters) -> Foreground:
    filters = Filters.of(parameters)
    method, size = parameters.threshold, parameters.local_size
    return Foreground(filters, make_surface(filters, method, size, image.dtype))


def global_values(image: xr.DataArray, parameters: SegmentationParameters) -> tuple[da.Array, ...]:
    """Return the lazy numbers of the whole image that the foreground of a window needs."""
    filters, per_frame = Filters.of(parameters), _per_frame(parameters)
    if parameters.threshold in GLOBAL_METHODS:
        return (lazy_threshold(image, filters, parameters.threshold, per_frame=per_frame),)
    if parameters.threshold not in ("local_otsu", "lg_otsu"):
        return ()
    limits = lazy_range(image, filters, per_frame=per_frame)
    if parameters.threshold == "local_otsu":
        return (limits,)
    return limits, lazy_level(image, filters, limits, per_frame=per_frame)


def _per_frame(parameters: SegmentationParameters) -> bool:
    return parameters.threshold_over == "frame"
