import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from pspy_dask.kernels.gaussian import gaussian, gaussian_halo
from pspy_dask.kernels.separable import symmetric_filter

DTYPES = ["?", "u1", "u2", "i4", "f2", "f4", "f8", ">f4", ">u2"]
SHAPES = [(1, 1), (5, 3), (70, 131), (6, 9, 70)]


def reference(image, sigma, mode="nearest"):
    dtype = np.float64 if image.dtype == np.float64 else np.float32
    return ndimage.gaussian_filter(image.astype(dtype), sigma, mode=mode, truncate=4.0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_scipy_to_the_last_bit(shape, dtype):
    rng = np.random.default_rng(1)
    image = (rng.random(shape) * 250).astype(dtype)
    for sigma in (0, 0.1, 0.7, 1, 2, 3.3):
        got, expected = gaussian(image, sigma), reference(image, sigma)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("mode", ["nearest", "reflect", "mirror"])
def test_border_modes_equal_scipy(mode):
    image = np.random.default_rng(2).normal(size=(4, 90)).astype(np.float32)
    np.testing.assert_array_equal(gaussian(image, 2.0, mode), reference(image, 2.0, mode))


@pytest.mark.parametrize("shape", [(9, 9), (64, 64), (300, 40), (5, 6, 7)])
@pytest.mark.parametrize("mode", ["nearest", "reflect", "mirror", "constant"])
def test_weights_much_wider_than_the_image(shape, mode):
    image = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    for sigma in (100.0, 2000.0):
        np.testing.assert_array_equal(gaussian(image, sigma, mode), reference(image, sigma, mode))


def test_wide_weights_take_no_memory_but_their_tables():
    image = np.ones((64, 64), np.float32)
    gaussian(image, 1000.0)
    tracemalloc.start()
    gaussian(image, 1000.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_other_symmetric_weights_equal_correlate():
    image = np.random.default_rng(3).normal(size=(20, 30))
    half = np.array([0.5, 2.0, -1.0])
    expected = image
    for axis in (0, 1):
        kernel = np.append(half, half[1::-1])
        expected = ndimage.correlate1d(expected, kernel, axis, mode="mirror")
    np.testing.assert_array_equal(symmetric_filter(image, half, "mirror", image.dtype), expected)


def test_strided_and_read_only_images():
    image = np.random.default_rng(4).random((40, 50)).astype(np.float32)
    image.flags.writeable = False
    np.testing.assert_array_equal(gaussian(image.T[::2], 1.5), reference(image.T[::2], 1.5))


@pytest.mark.parametrize("shape", [(60, 75), (15, 20, 25)])
@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.5])
def test_a_pixel_does_not_depend_on_its_window(windows_agree, shape, sigma):
    rng = np.random.default_rng(5)
    image = rng.normal(1000, 300, shape).astype(np.float32)
    windows_agree(lambda part: gaussian(part, sigma), image, gaussian_halo(sigma), rng)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "u2"])
def test_the_byte_order_does_not_matter(dtype):
    image = (np.random.default_rng(2).random((20, 30)) * 100).astype(dtype)
    got, expected = gaussian(image.astype(f">{dtype}"), 1.5), gaussian(image, 1.5)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


def test_numpy_integers_are_sigmas():
    image = np.random.default_rng(2).random((20, 90))
    np.testing.assert_array_equal(gaussian(image, np.uint8(17)), gaussian(image, 17))


@pytest.mark.parametrize("sigma", [-1.0, np.nan, np.inf, None, "2", (1.0, 2.0), 1j, 10**400])
def test_refuses_a_senseless_sigma(sigma):
    with pytest.raises(ValueError, match="sigma"):
        gaussian(np.zeros((2, 2)), sigma)


def test_refuses_sigmas_whose_weights_would_fill_the_memory():
    for function in (lambda sigma: gaussian(np.zeros((2, 2)), sigma), gaussian_halo):
        for sigma in (2**21, 1e300, np.float32(1e38)):
            with pytest.raises(ValueError, match="sigma must be at most 1048576"):
                function(sigma)


@pytest.mark.parametrize("mode", ["edge", None, ["nearest"], np.ones(3)])
def test_refuses_other_modes_even_where_there_are_no_pixels(mode):
    for shape in ((0, 3), (3, 3), (0, 3, 3)):
        with pytest.raises(ValueError, match="mode must be"):
            gaussian(np.zeros(shape), 1.0, mode)


@pytest.mark.parametrize("dtype", ["nonsense", "i4", ">f4", complex])
def test_refuses_other_types_of_the_result(dtype):
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        gaussian(np.zeros((3, 3)), 1.0, dtype=dtype)


def test_refuses_one_axis():
    with pytest.raises(ValueError, match="axes"):
        gaussian(np.zeros(5), 1.0)


@pytest.mark.parametrize("dtype", [complex, object, "M8[s]", "U3", np.longdouble])
def test_refuses_what_is_not_of_real_numbers(dtype):
    if np.dtype(dtype) == np.float64:
        pytest.skip("long doubles are doubles here")
    with pytest.raises(ValueError, match="image must be of real numbers"):
        gaussian(np.zeros((4, 4), dtype), 1.0)
