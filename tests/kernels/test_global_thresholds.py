import math
import warnings
from itertools import product

import numpy as np
import pytest
from skimage import filters

from pspy_dask.kernels.global_thresholds import bins_for, global_threshold
from pspy_dask.kernels.histograms import (
    float_centers,
    float_histogram,
    integer_histogram,
    value_range,
)

METHODS = ["otsu", "mean", "minimum", "yen", "isodata", "li", "triangle"]


def images(dtype):
    rng = np.random.default_rng(1)
    for _ in range(3):
        shape = (50, 60)
        bright = rng.random(shape) < 0.3
        yield (rng.random(shape) * 200).astype(dtype)
        yield rng.normal(120, 10, shape).astype(dtype) + (80 * bright).astype(dtype)
        yield rng.gamma(2, 20, shape).clip(0, 255).astype(dtype)
        yield (rng.integers(0, 4, shape) * 10).astype(dtype)
        yield (bright * 7).astype(dtype)
        if np.dtype(dtype).itemsize > 1:
            two = np.where(bright, rng.normal(1000, 30, shape), rng.normal(300, 60, shape))
            yield two.astype(dtype)
            if np.dtype(dtype).kind != "u":
                yield (two - 700).astype(dtype)
        if np.dtype(dtype).kind == "f":
            yield (two * 1e-3 - 0.4).astype(dtype)


def ours(method, image):
    if image.dtype.kind != "f":
        histogram = integer_histogram(image)
        return global_threshold(method, histogram.counts, histogram.centers, integer=True)
    found, bins = value_range(image), bins_for(method)
    counts = float_histogram(image, found.low, found.high, bins)
    centers = float_centers(image.dtype, found.low, found.high, bins)
    return global_threshold(method, counts, centers, integer=False)


def theirs(method, image):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(getattr(filters, f"threshold_{method}")(image))


INTEGERS, FLOATS = ("u1", "u2", "i2"), ("f4", "f8")
# Of floats, the mean is an exact sum and Li's threshold near; both have tests of their own.
FROM_COUNTS = [m for m in METHODS if m not in ("mean", "li")]


@pytest.mark.parametrize(
    ("method", "dtype"), [*product(METHODS, INTEGERS), *product(FROM_COUNTS, FLOATS)]
)
def test_equals_scikit_image(method, dtype):
    for image in images(dtype):
        try:
            expected = theirs(method, image)
        except (RuntimeError, IndexError):
            with pytest.raises(ValueError, match="choose another threshold"):
                ours(method, image)
            continue
        assert ours(method, image) == expected


@pytest.mark.parametrize(("dtype", "bound"), [("f4", 1e-4), ("f8", 2e-5)])
def test_li_on_floats_is_near_scikit_image(dtype, bound):
    for image in images(dtype):
        difference = abs(ours("li", image) - theirs("li", image))
        assert difference <= bound * (float(image.max()) - float(image.min()))


@pytest.mark.parametrize("method", METHODS)
def test_constant_image_has_its_value(method):
    cases = [(np.array([12]), np.array([7]), True), (np.array([12]), np.array([0.3]), False)]
    for counts, centers, integer in cases:
        if method == "minimum":
            with pytest.raises(ValueError, match="no two peaks"):
                global_threshold(method, counts, centers, integer)
        else:
            assert global_threshold(method, counts, centers, integer) == centers[0]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_constant_float_image_in_many_bins_is_not_bright(dtype):
    for value in np.random.default_rng(2).normal(size=50) * 1000:
        image = np.full((3, 3), value, dtype)
        threshold = ours("otsu", image)
        assert image[0, 0] <= threshold <= image[0, 0] + 16 * np.spacing(abs(image[0, 0]) + 1)


@pytest.mark.parametrize("method", METHODS)
def test_no_pixels_have_no_threshold(method):
    for counts in (np.zeros(0, np.int64), np.zeros(256, np.int64)):
        assert math.isnan(global_threshold(method, counts, np.arange(counts.size), integer=True))


def test_zero_bins_at_the_ends_do_not_count():
    image = next(images("u1"))
    counts = np.bincount(image.ravel(), minlength=256)
    for method in METHODS:
        try:
            expected = ours(method, image)
        except ValueError:
            continue
        assert global_threshold(method, counts, np.arange(256), integer=True) == expected


def test_mean_of_large_counts_is_correctly_rounded():
    counts = np.array([2**50 + 1, 0, 3], np.int64)
    exact = (2**50 + 1) * (2**31) + 3 * (2**31 + 2)
    centers = np.arange(2**31, 2**31 + 3)
    assert global_threshold("mean", counts, centers, integer=True) == exact / (2**50 + 4)


def test_refusals():
    counts, centers = np.array([1, 2]), np.array([0.0, 1.0])
    with pytest.raises(ValueError, match="no global threshold"):
        global_threshold("best", counts, centers, integer=False)
    with pytest.raises(ValueError, match="exact sum"):
        global_threshold("mean", counts, centers, integer=False)
