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
    spatial_axes,
)
from pspy_dask.blocks.sources import source_of
from pspy_dask.blocks.tree import Program, at_the_root, has_roots, sweep
from pspy_dask.blocks.workers import memory_of_a_task
from pspy_dask.kernels.parting import BYTES_A_PIXEL, SplitRule
from pspy_dask.parameters import (
    LEAST_BUDGET,
    MOST_BUDGET,
    SegmentationParameters,
    check_budget,
    check_count,
)
from pspy_dask.segmentation.checks import label_type
from pspy_dask.segmentation.components import ForegroundFunction, LabelComponents
from pspy_dask.segmentation.foreground import is_non_zero
from pspy_dask.segmentation.watershed import SplitObjects, default_separation, doubts

# Above these, a pass reads or computes again rather than have results wait in memory.
_KEEP_PIXELS = 2**31
_SHARE_BYTES = 2**28

_PARTED = f"{CONNECTED_LABELS}-watershed"


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
    budget: int | None = None,
    exact: bool = False,
    dtype: DTypeLike | None = None,
) -> xr.DataArray:
    """Return the particles of a mask, those that touch parted where they are narrowest.

    Every pixel gets its distance to the background; pixels that none of their component exceeds
    within the footprint are markers, those that touch one marker; the component is flooded from
    them, innermost pixels first. The result is the same whatever the chunks.

    Parameters
    ----------
    foreground
        Booleans of shape ``([t,] [z,] y, x)``.
    separation
        Side in pixels of the square (cube) footprint; an even one reaches one pixel farther
        towards the origin. By default the diameter of a disk (ball) of ``min_size`` pixels, 20
        where that is 0. Below about 10 pixels that is a footprint of 1 to 3, in which nearly every
        pixel is a marker, so that particles break up, or (1) all markers of one touch and nothing
        is parted: give ``separation`` then. One larger than the image leaves a component as many
        markers as there are pixels, or patches of them, of its greatest distance: two equal discs
        that touch are parted at any separation.
    erosion
        Markers are looked for in what is left of the foreground after erosion by a disk (ball) of
        this radius. A component of which nothing is left stays one particle.
    min_size
        Particles of fewer pixels are dropped, after they are parted.
    clear_border
        Particles on an edge of the image are dropped, after they are parted.
    budget
        A component whose bounding box holds more pixels is flooded window by window, with a
        warning. By default what takes up a quarter of a worker's memory as it is now (a power of
        two; 2 GiB: 16.8 million): give a number where machines must agree on such components.
    exact
        True refuses such components: computing fails.
    dtype
        Integer type of the labels; by default int32, or int64 where N could pass its end.

    Returns
    -------
    xarray.DataArray
        Lazy labels, 0 for background, 1..N in raster order of first pixels. Frames are treated
        one by one. The attribute ``watershed_budget`` says what the budget was, and
        :func:`pspy_dask.flooding` what became of components beyond it.

    Raises
    ------
    TypeError
        The foreground is not boolean.
    ValueError
        ``separation`` below 1, ``erosion`` or ``min_size`` below 0, ``budget`` below 4096 or
        above 2**30; a volume without pixel size along an axis; on computing, a component beyond
        the budget where ``exact``.
    OverflowError
        On computing, where there are more particles than the type can number.

    Notes
    -----
    Distances, and markers, are those of ``scipy.ndimage.distance_transform_edt`` and of
    ``skimage.feature.peak_local_max(distance, footprint=np.ones((separation, separation)),
    labels=label(foreground), exclude_border=False)``; in volumes distances count in pixel sizes
    along x. Where every pixel of a component is a maximum that function drops all but those
    that opening takes off; here all are kept, and the component is one particle (that differs
    for an even footprint of 2, in components at an edge of the image).
    ``skimage.segmentation.watershed`` leaves the order among equal pixels to its heap; here the
    one reached first comes first, markers in raster order. Parts that hang on by corners alone,
    which it leaves out, belong to the nearest particle. Where the foreground fills the image,
    distances are those to the image's outside.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.indices((5, 11))
    >>> discs = ((x - 2) ** 2 + (y - 2) ** 2 < 8) | ((x - 7) ** 2 + (y - 2) ** 2 < 8)
    >>> watershed(discs, separation=3).values[2].tolist()
    [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 0]
    """
    check_count("erosion", erosion)
    if separation is not None:
        check_count("separation", separation, least=1)
    if budget is not None:
        check_budget("budget", budget)
    recipe = SegmentationParameters(
        watershed=True,
        watershed_separation=separation,
        watershed_erosion=erosion,
        min_size=min_size,
        clear_border=clear_border,
        watershed_budget=budget,
        watershed_exact=exact,
    )
    mask = as_image(foreground)
    if mask.dtype != np.bool_:
        raise TypeError(
            f"the foreground is of type {mask.dtype}, not boolean: compare it with a threshold or "
            "with 0"
        )
    return labels_of(mask, is_non_zero, 0, recipe, dtype, ())


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
        name=_PARTED if isinstance(program, SplitObjects) else CONNECTED_LABELS,
        reread=for_another_pass(image).data if waits else None,
    )
    more = {"watershed_budget": program.rule.budget} if isinstance(program, SplitObjects) else {}
    labels = like(image, data, "labels", **more)
    for of_classes in ("class_numbers", "class_names", "colors"):
        labels.attrs.pop(of_classes, None)  # they do not describe particles
    return labels


def flooding(labels: xr.DataArray) -> xr.Dataset:
    """Return how many components passed the budget of a watershed, and how far they are in doubt.

    Parameters
    ----------
    labels
        As :func:`pspy_dask.watershed` or :func:`pspy_dask.segment` returned them: not cut, and
        not persisted.

    Returns
    -------
    xarray.Dataset
        Lazy, with axis ``t`` for a series: ``giant_components``, the components that were flooded
        window by window; ``seam_disagreement``, the share of the pixels beside seams of windows
        about which two windows disagree. Computed together with the labels it costs nothing. A
        job writes both to the attribute ``pspy_dask`` of the labels that it stores.

    Raises
    ------
    ValueError
        Other labels.

    Examples
    --------
    >>> import numpy as np
    >>> int(flooding(watershed(np.ones((9, 9), bool))).giant_components)
    0
    """
    if not _is_parted(labels):
        raise ValueError(
            "these labels are not as a watershed returned them: ask before they are cut, "
            "persisted or stored"
        )
    data, frames = labels.data, has_frames(labels)
    numbers = at_the_root(data, doubts, length=2, dtype=np.float64, frames=frames)
    dims = ("t",) if frames else ()
    coords = {"t": labels.coords["t"]} if frames and "t" in labels.coords else None
    giants, share = numbers[..., 0].astype(np.int64), numbers[..., 1]
    found = {"giant_components": (dims, giants), "seam_disagreement": (dims, share)}
    return xr.Dataset(found, coords)


def _is_parted(labels: object) -> bool:
    """Whether labels are as a watershed returned them, with all that leads to them."""
    if not isinstance(labels, xr.DataArray) or not isinstance(labels.data, da.Array):
        return False
    data = labels.data
    return data.name.startswith(_PARTED) and has_roots(data, frames=has_frames(labels))


def _program(
    image: xr.DataArray,
    function: ForegroundFunction,
    parameters: SegmentationParameters,
    dtype: np.dtype[Any],
) -> Program:
    axes = len(spatial_axes(image))
    if not parameters.watershed:
        least, clear = parameters.min_size, parameters.clear_border
        return LabelComponents(function, axes, least, clear, dtype)
    return SplitObjects(function, axes, split_rule(image, parameters), dtype)


def split_rule(image: xr.DataArray, parameters: SegmentationParameters) -> SplitRule:
    """Return how a watershed treats the components of this image."""
    axes = len(spatial_axes(image))
    least, clear = parameters.min_size, parameters.clear_border
    separation = parameters.watershed_separation or default_separation(least, axes)
    budget = parameters.watershed_budget or _default_budget()
    erosion, exact = parameters.watershed_erosion, parameters.watershed_exact
    return SplitRule(separation, erosion, least, clear, _steps(image), budget, exact)


def _steps(image: xr.DataArray) -> tuple[float, float, float]:
    """Return the distances between the pixels of a volume in those along x; of a plane, ones."""
    if len(spatial_axes(image)) == 2:
        return 1.0, 1.0, 1.0
    sizes = pixel_size(image)
    z, y, x = (abs(sizes[d]) for d in "zyx")
    if not all(1e-6 < size / x < 1e6 for size in (z, y) if x > 0) or not 0 < x < np.inf:
        raise ValueError(
            f"pixels of {z:g} x {y:g} x {x:g} (z, y, x) have no shape to measure distances in: "
            "assign coordinates with the real steps"
        )
    return z / x, y / x, 1.0


def _default_budget() -> int:
    """Return how many pixels a component may take: a power of two, alike on similar machines."""
    pixels = memory_of_a_task() // (4 * BYTES_A_PIXEL)
    return int(min(max(LEAST_BUDGET, 2 ** (int(pixels).bit_length() - 1)), MOST_BUDGET))


def halo_of(image: xr.DataArray, width: int) -> tuple[int, ...]:
    """Return the halo of this width along every axis of a frame."""
    return (width,) * (image.ndim - has_frames(image))


def for_another_pass(image: xr.DataArray) -> xr.DataArray:
    """Return the image under other names where its chunks would wait in memory between passes."""
    if source_of(image.data) is not None or image.nbytes <= _SHARE_BYTES:
        return image
    return image.copy(data=clone(image.data))
