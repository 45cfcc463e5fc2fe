"""The one table of kernels beside what a user would otherwise pick; tests and figures both read it.

A row says what both sides are given, how each is called, and how far they may differ. The tests
hold every row on a small image; ``python -m benchmarks kernels`` times it on a large one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from dask_image import ndfilters
from scipy import ndimage
from skimage import feature, filters, measure, morphology, segmentation

import pspy_dask as ps
from benchmarks import planes
from pspy_dask.kernels.extrema import disk_maximum, disk_minimum
from pspy_dask.kernels.gaussian import gaussian, gaussian_derivative
from pspy_dask.kernels.hessian import hessian_eigenvalues
from pspy_dask.kernels.local_otsu import local_otsu
from pspy_dask.kernels.local_thresholds import (
    half_range,
    local_gaussian,
    local_mean,
    local_median,
    niblack,
    sauvola,
)
from pspy_dask.kernels.median import median
from pspy_dask.kernels.membrane import membrane_features
from pspy_dask.kernels.tophat import white_tophat


@dataclass(frozen=True)
class Comparison:
    """A kernel, and what has the same definition.

    Attributes
    ----------
    name
        What both do.
    against
        Library of the reference.
    given
        Makes the arguments of both from a uint16 micrograph; not timed.
    ours, theirs
        What is timed.
    least
        Ratio that is asked for at 4096 x 4096, per core; 0 for none.
    part
        Side of the piece on which a slow reference is timed; speeds are taken per pixel.
    side
        Largest side of the image on which ours is timed.
    difference
        Measures how far the results differ: the largest difference relative to the largest value.
    tolerance
        The largest difference allowed; 0 is bit for bit.
    why
        What a tolerance comes from.
    """

    name: str
    against: str
    given: Callable[[Any], tuple[Any, ...]]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    least: float = 0.0
    part: int = 4096
    side: int = 4096
    difference: Callable[[Any, Any], float] = planes.largest_difference
    tolerance: float = 0.0
    why: str = ""


def _gaussian(sigma: float, least: float) -> Comparison:
    return Comparison(
        f"Gaussian, sigma {sigma:g}, float32",
        "scikit-image",
        planes.floats,
        lambda image: gaussian(image, sigma),
        lambda image: filters.gaussian(image, sigma, preserve_range=True),
        least,
    )


def _local_otsu(radius: int, least: float) -> Comparison:
    return Comparison(
        f"local Otsu, disk of radius {radius}",
        "scikit-image",
        planes.bytes_,
        lambda image: local_otsu(image, 2 * radius + 1),
        lambda image: filters.rank.otsu(image, morphology.disk(radius)),
        least,
        part=1024,
    )


def _tophat(
    size: int, least: float = 0.0, given: Any = planes.pixels, dtype: str = "uint16"
) -> Comparison:
    return Comparison(
        f"white top-hat, square of {size}, {dtype}",
        "scikit-image",
        given,
        lambda image: white_tophat(image, size),
        lambda image: morphology.white_tophat(image, np.ones((size, size))),
        least,
    )


def _hessian(sigma: float, derivatives: bool) -> Comparison:
    by = "derivatives of a Gaussian" if derivatives else "finite differences"

    def theirs(image: Any) -> Any:
        elements = feature.hessian_matrix(
            image, sigma, order="rc", use_gaussian_derivatives=derivatives
        )
        return feature.hessian_matrix_eigvals(elements)

    return Comparison(
        f"Hessian eigenvalues by {by}, sigma {sigma:g}, float32",
        "scikit-image",
        planes.floats,
        partial(hessian_eigenvalues, sigma=sigma, use_gaussian_derivatives=derivatives),
        theirs,
        5,
    )


def _median(given: Any, kind: str) -> Comparison:
    return Comparison(
        f"median, disk of radius 20, {kind}",
        "SciPy",
        given,
        lambda image: median(image, 20),
        lambda image: ndimage.median_filter(image, footprint=morphology.disk(20)),
        200,
        part=256,
    )


def _extreme(name: str, ours: Any, theirs: Any) -> Comparison:
    return Comparison(
        f"{name}, disk of radius 20, uint16",
        "SciPy",
        planes.pixels,
        lambda image: ours(image, 20),
        lambda image: theirs(image, footprint=morphology.disk(20), mode="nearest"),
        12,
        part=1024,
    )


_SIZE, _SEPARATION, _LEAST = 51, 20, 20


def _chunked(name: str, given: Any, ours: Any, theirs: Any, part: int = 4096) -> Comparison:
    return Comparison(
        f"{name}, in chunks",
        "dask-image",
        given,
        ours,
        lambda image: planes.chunked(theirs, image),
        part=part,
    )


COMPARISONS: tuple[Comparison, ...] = (
    _local_otsu(15, 9),
    _local_otsu(31, 9),
    _local_otsu(64, 6),
    Comparison(
        "local Otsu, square of 31",
        "scikit-image",
        planes.bytes_,
        lambda image: local_otsu(image, 31, footprint="square"),
        lambda image: filters.rank.otsu(image, np.ones((31, 31))),
        15,
        part=1024,
    ),
    Comparison(
        f"Niblack, {_SIZE}, uint16",
        "scikit-image",
        planes.pixels,
        lambda image: niblack(image, _SIZE),
        lambda image: filters.threshold_niblack(image, _SIZE),
        20,
    ),
    Comparison(
        f"Sauvola, {_SIZE}, uint16",
        "scikit-image",
        planes.pixels,
        lambda image: sauvola(image, _SIZE, half_range(image.dtype)),
        lambda image: filters.threshold_sauvola(image, _SIZE),
        20,
    ),
    Comparison(
        f"local mean threshold, {_SIZE}, uint16",
        "scikit-image",
        planes.pixels,
        lambda image: local_mean(image, _SIZE),
        lambda image: filters.threshold_local(image, _SIZE, "mean"),
        12,
        tolerance=1e-12,
        why="scikit-image's running sums of doubles are rounded on the way, ours are exact",
    ),
    Comparison(
        f"local Gaussian threshold, {_SIZE}, uint16",
        "scikit-image",
        planes.pixels,
        lambda image: local_gaussian(image, _SIZE),
        lambda image: filters.threshold_local(image, _SIZE),
        4,
    ),
    Comparison(
        f"local median threshold, {_SIZE}, uint16",
        "scikit-image",
        planes.pixels,
        lambda image: local_median(image, _SIZE),
        lambda image: filters.threshold_local(image, _SIZE, "median"),
        200,
        part=256,
    ),
    _tophat(25, 20),
    _tophat(101, 8),
    _tophat(25, given=planes.bytes_, dtype="uint8"),
    _tophat(25, given=planes.floats, dtype="float32"),
    _median(planes.bytes_, "uint8"),
    _median(planes.pixels, "uint16"),
    _extreme("minimum", disk_minimum, ndimage.minimum_filter),
    _extreme("maximum", disk_maximum, ndimage.maximum_filter),
    _gaussian(2, 5),
    _gaussian(16, 4),
    Comparison(
        "second derivative of a Gaussian down the rows, sigma 2, float32",
        "SciPy",
        planes.floats,
        lambda image: gaussian_derivative(image, 2, (2, 0)),
        lambda image: ndimage.gaussian_filter(image, 2, order=(2, 0), mode="nearest"),
    ),
    _chunked(
        "Gaussian, sigma 2, float32",
        planes.floats,
        lambda image: gaussian(image, 2),
        lambda image: ndfilters.gaussian_filter(image, 2, mode="nearest"),
    ),
    _chunked(
        f"local Gaussian threshold, {_SIZE}, uint16",
        planes.pixels,
        lambda image: local_gaussian(image, _SIZE),
        lambda image: ndfilters.threshold_local(image, _SIZE),
    ),
    _chunked(
        "minimum, disk of radius 20, uint16",
        planes.pixels,
        lambda image: disk_minimum(image, 20),
        lambda image: ndfilters.minimum_filter(
            image, footprint=morphology.disk(20), mode="nearest"
        ),
        part=1024,
    ),
    _hessian(2, derivatives=False),
    _hessian(2, derivatives=True),
    Comparison(
        "membrane features, float64",
        "SciPy and NumPy",
        planes.doubles,
        membrane_features,
        planes.lines,
        18,
        side=2048,
        part=512,
    ),
    Comparison(
        "components, labelled",
        "scikit-image",
        planes.masks,
        partial(planes.computed, ps.label),
        measure.label,
    ),
    Comparison(
        "labels that touch the border, removed",
        "scikit-image",
        planes.labels,
        partial(planes.computed, ps.clear_border),
        segmentation.clear_border,
    ),
    Comparison(
        "small objects, removed",
        "scikit-image",
        planes.labels,
        partial(planes.computed, partial(ps.remove_small_objects, min_size=_LEAST)),
        lambda labels: morphology.remove_small_objects(labels, max_size=_LEAST - 1),
    ),
    Comparison(
        "distance to the background",
        "SciPy",
        planes.masks,
        planes.distances,
        ndimage.distance_transform_edt,
        9,
    ),
    Comparison(
        f"footprint maxima, {_SEPARATION}",
        "scikit-image",
        planes.basins_of(_SEPARATION),
        planes.maxima,
        planes.peaks,
        4.5,
    ),
    Comparison(
        "watershed flood",
        "scikit-image",
        planes.basins_of(_SEPARATION),
        planes.flood,
        planes.watershed,
        10,
        difference=planes.other_pixels,
        tolerance=3e-4,
        why="pixels of equal priority, as tests/segmentation/test_watershed.py shows",
    ),
    Comparison(
        "forest of 200 trees, 7 features, 2 classes",
        "scikit-learn",
        planes.forest_of_pixels,
        planes.forest_classes,
        planes.sklearn_classes,
        10,
        side=1024,
        part=512,
    ),
)
