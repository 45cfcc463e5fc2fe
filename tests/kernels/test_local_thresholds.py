import numpy as np
import pytest
from scipy import ndimage
from skimage import filters
from skimage.morphology import ball, disk

from pspy_dask.kernels.local_thresholds import (
    half_range,
    local_gaussian,
    local_halo,
    local_mean,
    local_median,
    local_otsu,
    niblack,
    sauvola,
)

SHAPES = [(9, 8), (40, 31), (1, 12), (12, 1), (8, 9, 10)]
INTEGERS = ["u1", "i1", "u2", "i2", "i4", "u4"]


def noise(shape, dtype, seed=1, scale=120):
    return (np.random.default_rng(seed).random(shape) * scale).astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4", "f8"])
def test_gaussian_mean_equals_scikit_image(shape, dtype):
    image = noise(shape, dtype)
    for size in (1, 3, 9):
        got, expected = local_gaussian(image, size), filters.threshold_local(image, size)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_niblack_and_sauvola_equal_scikit_image_on_integers(shape, dtype):
    image = noise(shape, dtype)
    spread = half_range(image.dtype)
    for size in (1, 3, 7):
        np.testing.assert_array_equal(niblack(image, size), filters.threshold_niblack(image, size))
        got = sauvola(image, size, spread, 0.4)
        np.testing.assert_array_equal(got, filters.threshold_sauvola(image, size, 0.4))


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2"])
def test_integers_of_the_whole_range_in_windows_wider_than_the_image(dtype):
    limits = np.iinfo(dtype)
    image = np.random.default_rng(8).integers(limits.min, limits.max, (13, 40), dtype)
    for size in (13, 51, 101):
        np.testing.assert_array_equal(niblack(image, size), filters.threshold_niblack(image, size))
        got = sauvola(image, size, half_range(image.dtype))
        np.testing.assert_array_equal(got, filters.threshold_sauvola(image, size))


def mean_around(image, size):
    """Means of exact sums, rounded once."""
    padded = np.pad(image.astype(object), size // 2, "symmetric")
    around = np.lib.stride_tricks.sliding_window_view(padded, (size,) * image.ndim)
    total = around.sum(tuple(range(-image.ndim, 0)))
    return (total / size**image.ndim).astype(np.float64)


@pytest.mark.parametrize("shape", [(9, 8), (1, 12), (12, 1), (1, 1), (4, 5, 6)])
@pytest.mark.parametrize("dtype", [*INTEGERS, "?"])
def test_local_mean_of_integers_is_rounded_once(shape, dtype):
    image = noise(shape, dtype, scale=1 if dtype == "?" else 120)
    for size in (1, 3, 9, 31) if image.ndim == 2 else (1, 3, 9):
        got = local_mean(image, size)
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, mean_around(image.astype(int), size))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i8", "u8", "f4", "f8"])
def test_local_mean_equals_scikit_image_but_for_rounding(shape, dtype):
    image = noise(shape, dtype)
    for size in (1, 3, 9):
        got, expected = local_mean(image, size), filters.threshold_local(image, size, "mean")
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-5 if dtype == "f4" else 1e-12)


@pytest.mark.parametrize("shape", [(40, 31), (8, 9, 10)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_niblack_on_floats_is_mean_less_deviation(shape, dtype):
    image = noise(shape, dtype)
    size = 5
    padded = np.pad(image.astype(np.float64), size // 2, "reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, (size,) * image.ndim)
    axes = tuple(range(-image.ndim, 0))
    expected = around.mean(axes) - 0.2 * around.std(axes)
    np.testing.assert_allclose(niblack(image, size), expected, rtol=1e-12)
    np.testing.assert_allclose(niblack(image, size), filters.threshold_niblack(image, size), 1e-5)
    theirs = filters.threshold_sauvola(image, size)
    np.testing.assert_allclose(sauvola(image, size, 1.0), theirs, 1e-5)


@pytest.mark.parametrize("shape", [(40, 31), (1, 12), (9, 8)])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4", "f8"])
def test_local_median_equals_scikit_image(shape, dtype):
    image = noise(shape, dtype)
    for size in (1, 3, 9, 13):
        got, expected = local_median(image, size), filters.threshold_local(image, size, "median")
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def test_mask_counts_as_bytes():
    image = noise((20, 20), "f4") > 50
    np.testing.assert_array_equal(niblack(image, 3), niblack(image.view(np.uint8), 3))


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f4", "f8", "?"])
def test_half_range_is_that_of_scikit_image(dtype):
    low, high = {"u1": (0, 255), "i2": (-32768, 32767), "u2": (0, 65535), "?": (0, 1)}.get(
        dtype, (-1, 1)
    )
    assert half_range(np.dtype(dtype)) == (high - low) / 2


def pictures(shape):
    rng = np.random.default_rng(4)
    yield rng.integers(0, 256, shape)
    yield rng.integers(0, 3, shape) * 100
    yield (ndimage.gaussian_filter(rng.random(shape), 3) * 2000) % 256
    yield (rng.random(shape) < 0.03) * 255
    yield np.full(shape, 9)
    yield rng.normal(90, 8, shape) + 100 * (rng.random(shape) < 0.3)


@pytest.mark.parametrize("shape", [(33, 41), (1, 12), (4, 3), (8, 9, 14)])
def test_local_otsu_equals_scikit_image(shape):
    for picture in pictures(shape):
        image = picture.clip(0, 255).astype(np.uint8)
        for size in (1, 2, 5, 8, 17) if image.ndim == 2 else (1, 3, 7):
            footprint = (disk if image.ndim == 2 else ball)(size // 2)
            expected = filters.rank.otsu(image, footprint)
            np.testing.assert_array_equal(local_otsu(image, size), expected)


@pytest.mark.parametrize("shape", [(60, 75), (15, 20, 25)])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_a_pixel_does_not_depend_on_its_window(windows_agree, shape, dtype):
    rng = np.random.default_rng(5)
    image = (rng.normal(60, 20, shape)).clip(0, 255).astype(dtype)
    for size in (3, 9):
        windows_agree(lambda p, s=size: local_gaussian(p, s), image, local_halo("local", size), rng)
        windows_agree(lambda p, s=size: local_mean(p, s), image, local_halo("mean", size), rng)
        windows_agree(lambda p, s=size: niblack(p, s), image, local_halo("niblack", size), rng)
        windows_agree(
            lambda p, s=size: sauvola(p, s, 127.5), image, local_halo("sauvola", size), rng
        )
        if dtype == "u1":
            halo = local_halo("local_otsu", size)
            windows_agree(lambda p, s=size: local_otsu(p, s), image, halo, rng)


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", ">u2"])
def test_the_byte_order_does_not_matter(dtype):
    image = noise((30, 40), dtype)
    native = image.astype(image.dtype.newbyteorder("="))
    for function in (local_gaussian, local_mean, niblack, local_median):
        got, expected = function(image, 5), function(native, 5)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)
    assert local_gaussian(image, 5).dtype == filters.threshold_local(image, 5).dtype


@pytest.mark.parametrize("size", [np.uint8(17), np.int8(13), np.int16(201)])
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_powers_of_numpy_sizes_do_not_overflow(size, dtype):
    image = noise((40, 50), dtype)
    for function in (local_gaussian, local_mean, niblack, lambda i, s: sauvola(i, s, 1.0)):
        np.testing.assert_array_equal(function(image, size), function(image, int(size)))
    levels = image.astype(np.uint8)
    np.testing.assert_array_equal(local_otsu(levels, size), local_otsu(levels, int(size)))
    assert type(local_halo("niblack", size)) is int


@pytest.mark.parametrize(
    "function", [local_gaussian, local_mean, niblack, lambda i, s: sauvola(i, s, 1.0)]
)
def test_names_the_argument_that_makes_no_sense(function):
    for size in (3.0, None, "3", (3, 3), 0, -1):
        with pytest.raises(ValueError, match="size must be a whole number of at least 1"):
            function(np.zeros((5, 5)), size)
    with pytest.raises(ValueError, match="2 or 3 axes"):
        function(np.zeros(5), 3)
    for dtype in (complex, object, "M8[s]"):
        with pytest.raises(ValueError, match="image must be of real numbers"):
            function(np.zeros((5, 5), dtype), 3)


def test_refusals():
    image = np.zeros((5, 5), np.uint8)
    for function in (local_gaussian, local_mean, niblack, lambda i, s: sauvola(i, s, 1.0)):
        with pytest.raises(ValueError, match="odd"):
            function(image, 4)
    for value in (0, -1.0, np.nan, None, "a", image):
        with pytest.raises(ValueError, match="half_range must be a positive number"):
            sauvola(image, 3, value)
    for value in (np.nan, None, "a", image):
        for function in (niblack, lambda i, s, k: sauvola(i, s, 1.0, k)):
            with pytest.raises(ValueError, match="k must be a finite number"):
                function(image, 3, value)
    with pytest.raises(ValueError, match="uint8"):
        local_otsu(image.astype(float), 3)
    with pytest.raises(ValueError, match="at least 1"):
        local_otsu(image, 0)
    with pytest.raises(ValueError, match="no local threshold"):
        local_halo("otsu", 3)
