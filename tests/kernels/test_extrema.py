"""Lowest and highest pixels of disks against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import disk

from pspy_dask.kernels import extrema
from pspy_dask.kernels.disks import disk_halo
from pspy_dask.kernels.extrema import disk_maximum, disk_minimum

SHAPES = [(1, 1), (1, 40), (40, 1), (33, 41), (5, 70), (3, 2), (200, 210)]
MODES = {"nearest": "edge", "reflect": "symmetric", "mirror": "reflect"}
PAIRS = [(disk_minimum, ndimage.minimum_filter), (disk_maximum, ndimage.maximum_filter)]


def pictures(shape, dtype):
    rng = np.random.default_rng(2)
    yield (rng.normal(100, 20, shape)).clip(0, 255).astype(dtype)
    yield (rng.random(shape) < 0.01).astype(dtype)
    yield np.full(shape, 7, dtype)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        yield rng.choice(np.array([-np.inf, -1, 0, np.inf], dtype), shape)
        yield rng.normal(0, 1, shape).astype(dtype)
    else:
        # SciPy computes in double precision.
        low, high = max(np.iinfo(kind).min, -(2**53)), min(np.iinfo(kind).max, 2**53)
        yield rng.choice(np.array([low, high, 0, 1], dtype), shape)


def filtered(theirs, image, radius, mode):
    """Pad first: SciPy reads beyond images that are much smaller than a footprint."""
    padded = np.pad(image, radius, MODES[mode])
    height, width = image.shape
    whole = theirs(padded, footprint=disk(radius), mode=mode)
    return whole[radius : radius + height, radius : radius + width]


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_equals_scipy(ours, theirs, shape, dtype):
    for image in pictures(shape, dtype):
        for radius in (0, 1, 2, 5) if image.size > 10**4 else (0, 1, 3, 12):
            got = ours(image, radius)
            assert got.dtype == image.dtype
            for mode in MODES:
                np.testing.assert_array_equal(got, filtered(theirs, image, radius, mode))


def test_integers_that_are_no_doubles():
    image = np.random.default_rng(1).permutation(300).reshape(20, 15)
    large = image.astype(np.uint64) + np.uint64(2**64 - 300)
    for ours, _ in PAIRS:
        expected = ours(image, 3).astype(np.uint64) + np.uint64(2**64 - 300)
        np.testing.assert_array_equal(ours(large, 3), expected)


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("dtype", ["i1", "i2", "u4", "i4", "u8", "i8"])
def test_other_integers(ours, theirs, dtype):
    for image in pictures((20, 30), dtype):
        expected = theirs(image, footprint=disk(4))
        np.testing.assert_array_equal(ours(image, 4), expected)


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    radius=st.integers(0, 12),
    side=st.integers(1, 60),
)
def test_whatever_the_tiles(seed, shape, radius, side):
    image = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extrema, "_SIDE", side)
        for ours, theirs in PAIRS:
            expected = filtered(theirs, image, radius, "nearest")
            np.testing.assert_array_equal(ours(image, radius), expected)


def test_disks_that_hold_the_image():
    image = np.random.default_rng(1).integers(0, 999, (30, 20))
    assert (disk_minimum(image, 60) == image.min()).all()
    assert (disk_maximum(image, 60) == image.max()).all()


def test_masks_half_floats_and_byte_order():
    image = np.random.default_rng(1).random((20, 30)) < 0.1
    expected = ndimage.maximum_filter(image, footprint=disk(3))
    np.testing.assert_array_equal(disk_maximum(image, 3), expected.view(np.uint8))
    halves = np.random.default_rng(1).random((20, 30)).astype(np.float16)
    got = disk_minimum(halves, 3)
    assert got.dtype == np.float16
    np.testing.assert_array_equal(got, disk_minimum(halves.astype("f8"), 3).astype(np.float16))
    swapped = np.arange(60).reshape(6, 10).astype(">u2")
    np.testing.assert_array_equal(disk_minimum(swapped, 1), disk_minimum(swapped.astype("u2"), 1))
    np.testing.assert_array_equal(disk_minimum(halves.astype(">f2"), 3), got)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_nan_spreads(dtype):
    image = np.random.default_rng(1).random((60, 50)).astype(dtype)
    image[10, 10], image[59, 30:33] = np.nan, np.nan
    touched = ndimage.maximum_filter(np.isnan(image), footprint=disk(5))
    for ours, theirs in PAIRS:
        got = ours(image, 5)
        np.testing.assert_array_equal(np.isnan(got), touched)
        finite = np.where(np.isnan(image), 0.5, image).astype(np.float64)
        expected = theirs(finite, footprint=disk(5)).astype(dtype)
        np.testing.assert_array_equal(got[~touched], expected[~touched])


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_a_pixel_does_not_depend_on_its_window(windows_agree, dtype):
    rng = np.random.default_rng(5)
    image = rng.normal(120, 30, (250, 230)).clip(0, 255).astype(dtype)
    for ours, _ in PAIRS:
        for radius in (1, 4, 15):
            windows_agree(lambda p, f=ours, r=radius: f(p, r), image, disk_halo(radius), rng)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_zeros_have_no_sign(dtype):
    rng = np.random.default_rng(5)
    image = rng.choice([-0.0, 0.0, 1.0, -1.0], (250, 230), p=[0.45, 0.45, 0.05, 0.05])
    for ours, _ in PAIRS:
        for radius in (0, 2):
            got = ours(image.astype(dtype), radius)
            assert (got == 0).any()
            assert not np.signbit(got[got == 0]).any()


def test_empty_images_and_parts():
    assert disk_minimum(np.zeros((0, 4), np.uint8), 3).shape == (0, 4)
    image = np.random.default_rng(1).integers(0, 999, (40, 50))
    part = image[::2, ::-3]
    np.testing.assert_array_equal(disk_minimum(part, 4), disk_minimum(part.copy(), 4))


def test_refusals():
    image = np.zeros((5, 5), np.uint8)
    for ours, _ in PAIRS:
        for radius in (-1, 1.5):
            with pytest.raises(ValueError, match="radius must be"):
                ours(image, radius)
        with pytest.raises(ValueError, match="image must have 2 axes"):
            ours(image[0], 1)
        with pytest.raises(ValueError, match="image must be of real"):
            ours(image.astype(complex), 1)
