import numpy as np
import pytest
from numba import njit
from scipy import ndimage
from skimage.transform import rotate

from pspy_dask.kernels.lines import COUNT, RADIUS, ordering
from pspy_dask.kernels.membrane import (
    MEMBRANE_FEATURES,
    membrane_features,
    membrane_halo,
    plain_features,
)
from pspy_dask.kernels.membrane_lanes import LANES, features_by_lanes
from pspy_dask.kernels.simd import store
from pspy_dask.kernels.unrolled import weighted_sums
from pspy_dask.kernels.vectors import vector

LINE = np.zeros((19, 19))
LINE[:, 9] = 1
SHAPES = [(1, 1), (1, 30), (30, 1), (5, LANES - 1), (7, LANES), (3, LANES + 1), (20, 31), (9, 270)]


def reference(image):
    kernels = [rotate(LINE, 6 * direction) for direction in range(30)]
    stack = np.stack([ndimage.convolve(image.astype("f8"), k) for k in kernels], axis=-1)
    summaries = (np.sum, np.mean, np.std, np.median, np.max, np.min)
    return np.stack([summary(stack, axis=-1) for summary in summaries])


def by_both(image):
    """The plain loop and the lanes, whatever the processor would take."""
    padded = np.pad(image.astype("f8"), RADIUS, "symmetric")
    plain, lanes = np.empty((2, 6, *image.shape))
    plain_features(padded, plain)
    if image.shape[1] < LANES:
        return plain, plain
    features_by_lanes(padded, lanes)
    return plain, lanes


def noise(shape, dtype, seed=0):
    return (np.random.default_rng(seed).random(shape) * 250).astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "u2", "f4", "f8"])
def test_equals_scipy_and_numpy(shape, dtype):
    image = noise(shape, dtype)
    expected = reference(image)
    got = membrane_features(image)
    assert got.dtype == np.float64 and len(got) == len(MEMBRANE_FEATURES)
    np.testing.assert_array_equal(got, expected)
    for result in by_both(image):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("shape", [(5, 2), (2, 2), (4, 4), (3, 1)])
def test_images_of_a_few_pixels_equal_scipy_on_padded_ones(shape):
    image = noise(shape, "u1")
    padded = np.pad(image, RADIUS, "symmetric")
    expected = reference(padded)[:, RADIUS:-RADIUS, RADIUS:-RADIUS]
    np.testing.assert_array_equal(membrane_features(image), expected)


@pytest.mark.parametrize(
    "image",
    [
        np.full((24, 25), 7.0),
        np.zeros((24, 25)),
        -noise((24, 25), "f8"),
        np.outer(np.arange(24), np.arange(25.0)) - 100,
        noise((24, 25), "f8") * 1e300,
        noise((24, 25), "f8").T,
        noise((48, 50), "f4")[::2, ::2],
    ],
    ids=["constant", "zero", "negative", "ramp", "large", "in columns", "in steps"],
)
def test_images_of_other_kinds(image):
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(membrane_features(image), reference(image))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spreads_as_in_numpy(number):
    image = noise((50, 60), "f8")
    image[20, 30] = number
    image[45, 3:9] = number
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(membrane_features(image), reference(image))


def test_infinities_of_both_signs():
    image = noise((30, 40), "f8")
    image[10, 10], image[14, 12] = np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(membrane_features(image), reference(image))


def test_lanes_equal_the_plain_loop_to_the_last_bit():
    """A zero has a sign, which comparisons do not see."""
    plain, lanes = by_both(noise((40, 61), "f8") - 125)
    np.testing.assert_array_equal(plain.view("u8"), lanes.view("u8"))


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
def test_a_pixel_does_not_depend_on_its_window(windows_agree, dtype):
    image = noise((45, 70), dtype)
    windows_agree(
        lambda part: np.moveaxis(membrane_features(part), 0, -1),
        image,
        membrane_halo(),
        np.random.default_rng(3),
    )


def test_exchanges_bring_wanted_ranks_to_their_places():
    values = np.random.default_rng(0).integers(0, 40, (500, COUNT))
    network = ordering(COUNT, {0, 14, 15, 29})
    ordered = np.sort(values, axis=1)
    for low, high, wants_smaller, wants_larger in network:
        a, b = values[:, low].copy(), values[:, high].copy()
        if wants_smaller:
            values[:, low] = np.minimum(a, b)
        if wants_larger:
            values[:, high] = np.maximum(a, b)
    for rank in (0, 14, 15, 29):
        np.testing.assert_array_equal(values[:, rank], ordered[:, rank])


def test_bounds_are_checked_on_demand():
    taps = [(0, 1, {0: 1.0}), (2, 3, {0: 2.0, 1: 0.5})]
    sums = weighted_sums(vector("f64", 4), lambda: taps, 2)

    @njit(boundscheck=True)
    def work(array, index, stride, out):
        first, second = sums(array, index, stride)
        store(out, 0, first)
        store(out, 4, second)

    numbers, out = np.arange(40.0), np.zeros(8)
    work(numbers, 13, 10, out)
    np.testing.assert_array_equal(out[:4], numbers[14:18] + 2 * numbers[36:])
    np.testing.assert_array_equal(out[4:], numbers[36:] / 2)
    for index in (14, -2):
        with pytest.raises(IndexError):
            work(numbers, index, 10, out)


def test_an_empty_image_has_no_features():
    assert membrane_features(np.zeros((0, 5))).shape == (6, 0, 5)


@pytest.mark.parametrize(
    "image", [np.zeros(5), np.zeros((3, 4, 5)), np.zeros((3, 4), complex), [[1, 2], [3, 4]]]
)
def test_images_that_do_not_fit_are_refused(image):
    with pytest.raises(ValueError, match="image must"):
        membrane_features(image)
