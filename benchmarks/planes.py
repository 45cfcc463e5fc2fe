"""What both sides of a comparison get, and how kernels for single components run on a plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import dask.array as da
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage
from skimage import feature, filters, measure, segmentation
from sklearn.ensemble import RandomForestClassifier

from benchmarks.features_in_memory import projections
from pspy_dask.datasets import mosaic
from pspy_dask.feature_parameters import PROJECTIONS
from pspy_dask.kernels.distance import squared_distances
from pspy_dask.kernels.forest import forest_labels
from pspy_dask.kernels.gaussian import gaussian
from pspy_dask.kernels.hessian import hessian_eigenvalues
from pspy_dask.kernels.maxima import mark_maxima
from pspy_dask.kernels.parting import grow, raster_size
from pspy_dask.kernels.rasters import neighbours
from pspy_dask.kernels.trees import Forest, forest_of_estimator

Plane = NDArray[Any]
_SIGMA = 2.0


@cache
def micrograph(side: int, seed: int = 7) -> Plane:
    """Return a synthetic HAADF micrograph of uint16."""
    pixels: Plane = mosaic((side, side), seed=seed).data.compute(scheduler="synchronous")
    return pixels


# What is given -----------------------------------------------------------------------------------


def pixels(image: Plane) -> tuple[Plane]:
    """Give the micrograph."""
    return (image,)


def floats(image: Plane) -> tuple[Plane]:
    """Give it as float32."""
    return (image.astype(np.float32),)


def doubles(image: Plane) -> tuple[Plane]:
    """Give it as float64."""
    return (image.astype(np.float64),)


def bytes_(image: Plane) -> tuple[NDArray[np.uint8]]:
    """Give its grey levels in 8 bits."""
    low, high = int(image.min()), int(image.max())
    return ((255 * (image.astype(np.float64) - low) / max(high - low, 1)).astype(np.uint8),)


def masks(image: Plane) -> tuple[NDArray[np.bool_]]:
    """Give the particles after a Gaussian."""
    smooth = filters.gaussian(image.astype(np.float32), _SIGMA, preserve_range=True)
    return (smooth > filters.threshold_otsu(smooth),)


def labels(image: Plane) -> tuple[Plane]:
    """Give the particles labelled."""
    return (measure.label(*masks(image)).astype(np.int32),)


def lines(image: Plane) -> Plane:
    """Return the features of membranes from 30 convolutions with a rotated line."""
    return np.stack(projections(image, PROJECTIONS))


@dataclass(frozen=True)
class Pixels:
    """The pixels of a micrograph as rows of features, and a forest that knows foreground."""

    rows: NDArray[np.float32]
    forest: Forest
    estimator: RandomForestClassifier


def forest_of_pixels(image: Plane) -> tuple[Pixels]:
    """Give 7 features of every pixel, and a forest fitted on 4000, of which 10 % are mistaken.

    So its trees are as large as those of annotations by hand, some 850 nodes.
    """
    (start,) = floats(image)
    fine = [gaussian(start, 1), *hessian_eigenvalues(start, 1)]
    coarse = [gaussian(start, 8), *hessian_eigenvalues(start, 8)]
    stack = [start, *fine, *coarse]  # without the Gaussian that the mask is made of
    rows = np.stack(stack, axis=-1).reshape(-1, len(stack))
    (mask,) = masks(image)
    random = np.random.default_rng(0)
    drawn = random.choice(len(rows), min(4000, len(rows)), replace=False)
    painted = mask.reshape(-1)[drawn] ^ (random.random(len(drawn)) < 0.1)
    estimator = RandomForestClassifier(200, random_state=0, n_jobs=1).fit(rows[drawn], painted)
    return (Pixels(rows, forest_of_estimator(estimator), estimator),)


def forest_classes(pixels: Pixels) -> Plane:
    """Return the class of every pixel."""
    return forest_labels(pixels.forest, pixels.rows)


def sklearn_classes(pixels: Pixels) -> Plane:
    """Return the same by scikit-learn."""
    found: Plane = pixels.estimator.predict(pixels.rows)
    return found


# Ours, and what to compare it with ---------------------------------------------------------------


def computed(function: Callable[..., Any], image: Plane) -> Plane:
    """Return the pixels of a lazy result in one chunk."""
    result: Plane = function(image).data.compute(scheduler="synchronous")
    return result


def chunked(function: Callable[..., Any], image: Plane) -> Plane:
    """Return the pixels of what a function of dask arrays makes of an image in chunks."""
    result: Plane = function(da.from_array(image, chunks=2048)).compute(scheduler="synchronous")
    return result


def distances(mask: NDArray[np.bool_]) -> Plane:
    """Return the distance of every pixel to the background."""
    height, width = mask.shape
    inside = np.pad(mask, 1).view(np.uint8).reshape(-1)
    squared = np.empty(inside.size, np.int32)
    squared_distances(inside, 1, height, width, (1.0, 1.0, 1.0), squared)
    result: Plane = np.sqrt(squared.reshape(height + 2, width + 2)[1:-1, 1:-1], dtype=np.float64)
    return result


@dataclass(frozen=True)
class Basins:
    """Components with their distances and markers, as each side wants them.

    Attributes
    ----------
    components, distance, markers
        Planes.
    own, squared
        Components and squared distances in flat padded rasters of int32.
    boxes
        Bounds of each component: top, bottom, left, right.
    size
        Side of the footprint of the maxima.
    """

    components: Plane
    distance: Plane
    markers: Plane
    own: Plane
    squared: Plane
    boxes: NDArray[np.int64]
    size: int


def basins_of(size: int) -> Callable[[Plane], tuple[Basins]]:
    """Give what lies before the flood."""

    def given(image: Plane) -> tuple[Basins]:
        (components,) = labels(image)
        distance = ndimage.distance_transform_edt(components)
        squared = np.rint(distance**2).astype(np.int32)
        found = ndimage.find_objects(components)
        boxes = np.array([[y.start, y.stop, x.start, x.stop] for y, x in found])
        flat = (np.pad(plane, 1).reshape(-1) for plane in (components, squared))
        start = Basins(components, distance, components, *flat, boxes, size)
        return (replace(start, markers=measure.label(peaks(start)).astype(np.int32)),)

    return given


def maxima(basins: Basins) -> NDArray[np.bool_]:
    """Return where no pixel of the same component in the footprint is farther in."""
    height, width = basins.components.shape
    found = np.zeros(basins.own.size, np.int32)
    members = len(basins.boxes)
    mark_maxima(basins.own, members, basins.squared, 1, height, width, basins.size, found)
    result: NDArray[np.bool_] = found.reshape(height + 2, width + 2)[1:-1, 1:-1] != 0
    return result


def peaks(basins: Basins) -> NDArray[np.bool_]:
    """Return the same by scikit-image."""
    places = feature.peak_local_max(
        basins.distance,
        footprint=np.ones((basins.size, basins.size)),
        labels=basins.components,
        exclude_border=False,
    )
    found = np.zeros(basins.components.shape, bool)
    found[tuple(places.T)] = True
    return found


def flood(basins: Basins) -> Plane:
    """Flood component by component, as the recipe does; copying to and fro counts too."""
    flooded = np.zeros(basins.components.shape, np.int32)
    width = basins.components.shape[1]
    _flood_each(basins.components, basins.squared, width + 2, basins.markers, basins.boxes, flooded)
    return flooded


def watershed(basins: Basins) -> Plane:
    """Return the same by scikit-image."""
    mask = basins.components > 0
    flooded: Plane = segmentation.watershed(-basins.distance, basins.markers, mask=mask)
    return flooded


@njit(nogil=True)
def _flood_each(
    components: Any, squared: Any, row: int, markers: Any, boxes: Any, labels: Any
) -> None:
    sides = boxes[:, 1::2] - boxes[:, ::2] + 2
    room = np.zeros((5, (sides[:, 0] * sides[:, 1]).max()), np.int32)
    heads, tails = np.full(1024, -1, np.int32), np.full(1024, -1, np.int32)
    for c in range(len(boxes)):
        top, bottom, left, right = boxes[c]
        height, width = bottom - top, right - left
        size = raster_size(1, height, width)
        inside, depth, label, rank, queue = room[:, :size]
        inside[:] = 0
        label[:] = 0
        for y in range(height):
            for x in range(width):
                at = (y + 1) * (width + 2) + x + 1
                if components[top + y, left + x] == c + 1:
                    inside[at] = 1
                    depth[at] = squared[(top + y + 1) * row + left + x + 1]
                    label[at] = markers[top + y, left + x]
        faces, around = neighbours(1, height, width)
        heads, tails = grow(inside, size, faces, around, depth, label, rank, queue, heads, tails)
        for y in range(height):
            for x in range(width):
                at = (y + 1) * (width + 2) + x + 1
                if inside[at]:
                    labels[top + y, left + x] = label[at]


# How far results differ --------------------------------------------------------------------------


def largest_difference(ours: Plane, theirs: Plane) -> float:
    """Return the largest difference over the largest value; infinity where shapes or types do."""
    if ours.shape != theirs.shape or ours.dtype.kind != theirs.dtype.kind:
        return float("inf")
    if np.array_equal(ours, theirs):
        return 0.0
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    return float(np.abs(a - b).max() / np.abs(b).max())


def other_pixels(ours: Plane, theirs: Plane) -> float:
    """Return the share of the labelled pixels that have another label."""
    return float((ours != theirs).sum() / max((theirs != 0).sum(), 1))
