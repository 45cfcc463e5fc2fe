import numpy as np
import pytest
from scipy import ndimage

from pspy_dask.kernels.gaussian import gaussian_derivative, gaussian_halo

MODES = ["nearest", "reflect", "mirror", "constant"]


def random(shape, dtype, seed=0):
    return (np.random.default_rng(seed).random(shape) * 250).astype(dtype)


def check(image, sigma, order, mode="nearest", truncate=4.0):
    got = gaussian_derivative(image, sigma, order, mode=mode, truncate=truncate)
    pixels = image.astype(np.float64 if image.dtype == np.float64 else np.float32)
    expected = ndimage.gaussian_filter(pixels, sigma, order, mode=mode, truncate=truncate)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", ["?", "u1", "u2", "i4", "f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("order", [0, 1, 2, 3, (1, 0), (0, 1), (2, 1), (0, 3)])
def test_equals_scipy_to_the_last_bit(dtype, order):
    image = random((37, 75), dtype)
    for sigma in (0, 1e-16, 0.1, 0.3, 0.7, 1, 2, 3.3):
        check(image, sigma, order)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (300, 2), (5, 3), (3, 2100)])
def test_borders_and_kernels_larger_than_the_image(shape, mode):
    for dtype in ("u2", "f4", "f8"):
        image = random(shape, dtype, 1)
        for sigma, order in [(0.5, (1, 1)), (2, (2, 0)), (9, (0, 1)), (40, (1, 2))]:
            check(image, sigma, order, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(6, 5), (12, 40), (3, 4, 5)])
def test_zeros_have_the_sign_that_scipy_gives_them(shape, mode):
    rng = np.random.default_rng(6)
    for truncate in (0.4, 4.0):
        for order in (0, 1, 2, 3):
            for image in rng.choice(np.array([-1, -0.0, 0.0, 1], np.float32), (30, *shape)):
                knobs = {"mode": mode, "truncate": truncate}
                got = gaussian_derivative(image, 2.0, order, **knobs)
                expected = ndimage.gaussian_filter(image, 2.0, order, **knobs)
                np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))


@pytest.mark.parametrize("mode", MODES)
def test_volumes(mode):
    image = random((6, 9, 70), "f4", 2)
    for order in [(1, 0, 0), (0, 1, 2), (0, 0, 3), 1]:
        check(image, 1.3, order, mode)


@pytest.mark.parametrize("truncate", [0, 1.5, 8, 100])
def test_where_the_weights_end(truncate):
    """The farthest weights underflow where the kernel is cut off late."""
    image = random((40, 50), "f8", 3)
    for sigma in np.logspace(-2, 0.5, 12):
        for order in range(4):
            check(image, sigma, order, "mirror", truncate)


def test_pixels_under_weights_of_zero_are_not_read():
    image = random((1, 200), "f4", 4)
    image[0, 100] = np.nan
    got = gaussian_derivative(image, 0.5, 1, truncate=100)
    assert np.isnan(got).sum() < 60
    assert np.isnan(ndimage.gaussian_filter(image, 0.5, 1, truncate=100)).sum() == 101


@pytest.mark.parametrize("shape", [(60, 75), (15, 20, 25)])
@pytest.mark.parametrize("mode", MODES)
def test_a_pixel_does_not_depend_on_its_window(windows_agree, shape, mode):
    rng = np.random.default_rng(5)
    image = rng.normal(1000, 300, shape).astype(np.float32)
    order = (2, 1, 1)[: len(shape)]
    halo = gaussian_halo(1.5, truncate=5)
    windows_agree(
        lambda part: gaussian_derivative(part, 1.5, order, mode=mode, truncate=5), image, halo, rng
    )


def test_numpy_integers_and_the_byte_order_do_not_matter():
    image = np.random.default_rng(2).random((20, 30))
    expected = gaussian_derivative(image, 1.5, 1)
    for dtype in ("<f8", ">f8"):
        for order in (np.int64(1), np.uint8(1), np.array([1, 1]), (1, np.int8(1))):
            got = gaussian_derivative(image.astype(dtype), 1.5, order)
            assert got.dtype == np.float64
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sigma", {"sigma": -1.0}),
        ("sigma", {"sigma": np.nan}),
        ("order", {"order": 4}),
        ("order", {"order": -1}),
        ("order", {"order": (1, 0, 0)}),
        ("order", {"order": (0, 1.5)}),
        ("order", {"order": None}),
        ("order", {"order": 1.0}),
        ("order", {"order": "12"}),
        ("sigma", {"sigma": None}),
        ("sigma", {"sigma": "2"}),
        ("sigma", {"sigma": (1.0, 2.0)}),
        ("truncate", {"truncate": None}),
        ("truncate", {"truncate": -1}),
        ("truncate", {"truncate": np.inf}),
        ("mode", {"mode": "wrap"}),
        ("sigma", {"sigma": 2.0**21}),
        ("sigma", {"truncate": 2.0**23}),
        ("dtype", {"dtype": np.float16}),
    ],
)
def test_names_the_argument_that_makes_no_sense(name, arguments):
    given = {"sigma": 1.0, "order": 1} | arguments
    with pytest.raises(ValueError, match=name):
        gaussian_derivative(np.zeros((4, 4)), **given)
