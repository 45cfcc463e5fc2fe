"""Medians over disks: the lanes and the plain kernel against SciPy and each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import disk

from pspy_dask.kernels import median as kernel
from pspy_dask.kernels.disks import disk_halo, half_widths
from pspy_dask.kernels.median import median, median_plain
from pspy_dask.kernels.median_bits import median_bits
from pspy_dask.kernels.median_lanes import lanes_take, median_lanes

SHAPES = [(1, 1), (1, 40), (40, 1), (33, 41), (5, 70), (3, 2)]
MODES = {"nearest": "edge", "reflect": "symmetric"}


def pictures(shape, dtype):
    rng = np.random.default_rng(2)
    kind = np.dtype(dtype)
    # SciPy computes in double precision.
    low, high = (-100, 100) if kind.kind == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
    low, high = max(low, -(2**52)), min(high, 2**52)
    yield (rng.random(shape) * high).astype(dtype)
    yield rng.integers(0, 2, shape).astype(dtype)
    yield rng.integers(60, 63, shape).astype(dtype)
    yield np.full(shape, 7, dtype)
    yield (np.arange(np.prod(shape)).reshape(shape) % 120).astype(dtype)
    if kind.kind == "i":
        yield rng.choice(np.array([low, -1, 0, 1, high], dtype), shape)
        yield rng.integers(low, high, shape, dtype, endpoint=True)
    if kind.kind == "f":
        yield rng.normal(0, 1e-3, shape).astype(dtype)
        yield rng.choice(np.array([-np.inf, -1, 0, np.inf], dtype), shape)


def scipy_median(image, radius, border):
    """Pad first: SciPy reads beyond images that are much smaller than a footprint."""
    padded = np.pad(image, radius, MODES[border])
    height, width = image.shape
    whole = ndimage.median_filter(padded, footprint=disk(radius), mode=border)
    return whole[radius : radius + height, radius : radius + width]


def agrees(image, border, radii=(0, 1, 4, 9)):
    for radius in radii:
        got = median(image, radius, border=border)
        assert got.dtype == image.dtype
        np.testing.assert_array_equal(got, scipy_median(image, radius, border))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("border", MODES)
def test_equals_scipy(shape, dtype, border):
    for image in pictures(shape, dtype):
        agrees(image, border)


@pytest.mark.parametrize("dtype", ["i1", "i2", "u4", "i4", "u8", "i8", "f8"])
def test_other_types(dtype):
    for image in pictures((33, 21), dtype):
        agrees(image, "reflect", (4,))
        expected = ndimage.median_filter(image, footprint=disk(4), mode="nearest")
        np.testing.assert_array_equal(median(image, 4, border="nearest"), expected)


def test_integers_that_are_no_doubles():
    image = np.random.default_rng(1).permutation(300).reshape(20, 15)
    large = image.astype(np.uint64) + np.uint64(2**64 - 300)
    expected = median(image, 3).astype(np.uint64) + np.uint64(2**64 - 300)
    np.testing.assert_array_equal(median(large, 3), expected)
    spread = large - image.astype(np.uint64) * np.uint64(2**55)
    np.testing.assert_array_equal(median(spread, 3) > 0, True)
    assert np.isin(median(spread, 3), spread).all()


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    radius=st.integers(0, 40),
    mode=st.sampled_from(["edge", "symmetric"]),
    most=st.sampled_from([0, 1, 200, 255, 256, 300, 5000, 65535]),
    smooth=st.booleans(),
)
def test_lanes_equal_the_plain_kernel(seed, shape, radius, mode, most, smooth):
    rng = np.random.default_rng(seed)
    drawn = rng.random(shape)
    if smooth:
        drawn = ndimage.gaussian_filter(drawn, 4) + 0.01 * drawn
        drawn = (drawn - drawn.min()) / max(np.ptp(drawn), 1e-9)
    ranks = (drawn * most).astype(np.uint16)
    widths = half_widths(radius)
    expected = median_plain(ranks, widths, mode)
    np.testing.assert_array_equal(median_lanes(ranks, widths, mode), expected)
    for kind in (np.uint16, np.uint32):
        np.testing.assert_array_equal(median_bits(ranks.astype(kind), widths, mode), expected)


@pytest.mark.parametrize("radius", [1, 2, 20])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "u8", "f4"])
def test_noise(radius, dtype):
    """Medians of few pixels of it lie far apart."""
    rng = np.random.default_rng(4)
    shape = (50, 60)
    low, high = (0, 1) if dtype == "f4" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    low, high = max(low, -(2**52)), min(high, 2**52)
    ends = np.array([low, high], dtype)
    uniform = (low + rng.random(shape) * (high - low)).astype(dtype)
    pepper = np.where(rng.random(shape) < 0.3, rng.choice(ends, shape), uniform)
    for image in (uniform, rng.choice(ends, shape), pepper, uniform // 32):
        for border in MODES:
            expected = scipy_median(image, radius, border)
            np.testing.assert_array_equal(median(image, radius, border=border), expected)


def test_rows_longer_than_a_chunk_of_bits():
    image = np.random.default_rng(1).integers(0, 2**16, (4, 1100), np.uint16)
    for radius in (0, 1, 3):
        expected = scipy_median(image, radius, "reflect")
        np.testing.assert_array_equal(median(image, radius), expected)


def test_the_largest_disk_fits_its_counters():
    widths = half_widths(102)
    assert lanes_take(widths) and not lanes_take(half_widths(103))
    for image in (np.zeros((34, 50), np.uint16), np.full((34, 50), 300, np.uint16)):
        image[:, :4] = 301
        expected = median_plain(image, widths, "edge")
        np.testing.assert_array_equal(median_lanes(image, widths, "edge"), expected)
    small = (np.arange(34 * 20).reshape(34, 20) % 251).astype(np.uint8)
    found, around = median(small, 110), np.pad(small, 110, "symmetric")
    for row, column in ((0, 0), (33, 19), (11, 4)):
        window = around[row : row + 221, column : column + 221]
        assert found[row, column] == np.median(window[disk(110) > 0])


def test_more_values_than_lanes_take():
    image = np.random.default_rng(1).permutation(300 * 240).reshape(300, 240)
    for pixels in (image.astype("f8") / 3, image.astype("u4")):
        got = median(pixels, 3)
        np.testing.assert_array_equal(got, scipy_median(pixels, 3, "reflect"))


def test_processors_without_vectors(monkeypatch):
    monkeypatch.setattr(kernel, "lanes_pay", lambda: False)
    for image in pictures((33, 40), "u2"):
        np.testing.assert_array_equal(median(image, 5), scipy_median(image, 5, "reflect"))


def test_masks_and_half_floats():
    image = np.random.default_rng(1).random((20, 30)) < 0.4
    np.testing.assert_array_equal(median(image, 3), median(image.astype(np.uint8), 3))
    halves = np.random.default_rng(1).random((20, 30)).astype(np.float16)
    expected = scipy_median(halves.astype(np.float32), 3, "reflect")
    np.testing.assert_array_equal(median(halves, 3), expected.astype(np.float16))
    swapped = np.arange(60).reshape(6, 10).astype(">u2")
    np.testing.assert_array_equal(median(swapped, 1), median(swapped.astype("u2"), 1))


def test_nan_counts_as_highest():
    image = np.random.default_rng(1).random((30, 30))
    image[10:14, 10:18] = np.nan
    highest = np.where(np.isnan(image), np.inf, image)
    expected = median(highest, 3)
    got = median(image, 3)
    np.testing.assert_array_equal(np.isnan(got), np.isinf(expected))
    np.testing.assert_array_equal(got[~np.isnan(got)], expected[~np.isnan(got)])


def test_zeros_have_no_sign():
    for image in (np.zeros((4, 5)), -np.zeros((4, 5))):
        assert not np.signbit(median(image, 2)).any()


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_a_pixel_does_not_depend_on_its_window(windows_agree, dtype):
    rng = np.random.default_rng(5)
    image = rng.normal(120, 30, (70, 90)).clip(0, 255).astype(dtype)
    for radius in (1, 4, 15):
        for border in ("nearest", "reflect"):
            windows_agree(
                lambda p, r=radius, b=border: median(p, r, border=b),
                image,
                disk_halo(radius),
                rng,
            )


def test_empty_images_and_parts():
    assert median(np.zeros((0, 4), np.uint8), 3).shape == (0, 4)
    image = np.random.default_rng(1).integers(0, 999, (40, 50))
    part = image[::2, ::-3]
    np.testing.assert_array_equal(median(part, 4), median(part.copy(), 4))


def test_refusals():
    image = np.zeros((5, 5), np.uint8)
    for radius in (-1, 1.5):
        with pytest.raises(ValueError, match="radius must be"):
            median(image, radius)
    with pytest.raises(ValueError, match="image must have 2 axes"):
        median(image[0], 1)
    with pytest.raises(ValueError, match="image must be of real"):
        median(image.astype(complex), 1)
    with pytest.raises(ValueError, match=r"footprint must be .*, not an array .* extent as radius"):
        median(image, 1, footprint=np.ones((3, 3)))
    with pytest.raises(ValueError, match="not list"):
        median(image.tolist(), 1)
    with pytest.raises(ValueError, match="border must be"):
        median(image, 1, border="wrap")
