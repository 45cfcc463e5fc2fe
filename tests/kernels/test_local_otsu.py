"""Local Otsu thresholds: the lanes and the plain kernel against scikit-image and each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.filters import rank
from skimage.morphology import disk

from pspy_dask.kernels.disks import chords, half_widths
from pspy_dask.kernels.local_otsu import local_otsu, local_otsu_plain
from pspy_dask.kernels.local_otsu_lanes import lanes_take, local_otsu_lanes
from pspy_dask.kernels.local_thresholds import local_halo

SHAPES = [(1, 1), (1, 40), (40, 1), (33, 41), (5, 70), (64, 32), (3, 2)]


def pictures(shape):
    rng = np.random.default_rng(4)
    yield rng.integers(0, 256, shape)
    yield rng.integers(0, 2, shape) * 255
    yield rng.integers(0, 3, shape) * 100
    yield rng.integers(0, 2, shape) + 254
    yield (ndimage.gaussian_filter(rng.random(shape), 3) * 2000) % 256
    yield (rng.random(shape) < 0.03) * 255
    yield np.full(shape, 0)
    yield np.full(shape, 255)
    yield rng.normal(90, 8, shape) + 100 * (rng.random(shape) < 0.3)
    yield np.arange(np.prod(shape)).reshape(shape) % 256


def images(shape):
    for picture in pictures(shape):
        yield picture.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 2, 5, 17, 45])
def test_lanes_equal_scikit_image(shape, size):
    radius = size // 2
    side = 2 * radius + 1
    for image in images(shape):
        got = local_otsu_lanes(image, half_widths(radius))
        np.testing.assert_array_equal(got, rank.otsu(image, disk(radius)))
        got = local_otsu_lanes(image, half_widths(radius, "square"))
        np.testing.assert_array_equal(got, rank.otsu(image, np.ones((side, side), np.uint8)))


@pytest.mark.parametrize("footprint", ["disk", "square"])
def test_windows_too_wide_for_32_bits(footprint):
    """Spreads of more than 5803 pixels are summed in double precision."""
    for image in images((150, 170)):
        for radius in (45, 65):
            got = local_otsu_lanes(image, half_widths(radius, footprint))
            expected = local_otsu_plain(image, chords(radius, 2, footprint))
            np.testing.assert_array_equal(got, expected)


def test_the_largest_footprints_fit_their_counters():
    """Where all pixels have the highest levels, sums of levels are largest."""
    for radius, footprint in ((83, "disk"), (73, "square"), (42, "disk"), (37, "square")):
        widths = half_widths(radius, footprint)
        assert lanes_take(widths)
        for low in (0, 128, 239, 254):
            image = np.full((180, 180), 255, np.uint8)
            image[:, :90] = low
            image[3:9] = np.arange(180)
            got = local_otsu_lanes(image, widths)
            np.testing.assert_array_equal(
                got, local_otsu_plain(image, chords(radius, 2, footprint))
            )
    assert not lanes_take(half_widths(84)) and not lanes_take(half_widths(74, "square"))


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    radius=st.integers(0, 50),
    footprint=st.sampled_from(["disk", "square"]),
    spread=st.floats(0.3, 80),
    levels=st.integers(1, 256),
)
def test_lanes_equal_the_plain_kernel(seed, shape, radius, footprint, spread, levels):
    rng = np.random.default_rng(seed)
    drawn = rng.normal(rng.integers(0, 256), spread, shape) + 60 * (rng.random(shape) < 0.3)
    drawn[rng.random(shape) < 0.2] = 0
    image = (drawn.clip(0, 255) // levels * levels).astype(np.uint8)
    got = local_otsu_lanes(image, half_widths(radius, footprint))
    np.testing.assert_array_equal(got, local_otsu_plain(image, chords(radius, 2, footprint)))


@pytest.mark.parametrize("footprint", ["disk", "square"])
def test_a_pixel_does_not_depend_on_its_window(windows_agree, footprint):
    rng = np.random.default_rng(5)
    image = rng.normal(60, 20, (70, 90)).clip(0, 255).astype(np.uint8)
    for size in (3, 9, 31):
        halo = local_halo("local_otsu", size)
        windows_agree(lambda p, s=size: local_otsu(p, s, footprint=footprint), image, halo, rng)


@pytest.mark.parametrize("shape", [(30, 40), (8, 9, 10)])
def test_squares_and_cubes(shape):
    for image in images(shape):
        for size in (1, 4, 7):
            around = np.ones((2 * (size // 2) + 1,) * image.ndim, np.uint8)
            expected = rank.otsu(image, around)
            np.testing.assert_array_equal(local_otsu(image, size, footprint="square"), expected)
            plain = local_otsu_plain(image, chords(size // 2, image.ndim, "square"))
            np.testing.assert_array_equal(plain, expected)


def test_footprints_too_large_for_lanes():
    image = next(images((40, 30)))
    got = local_otsu(image, 301)
    np.testing.assert_array_equal(got, rank.otsu(image, disk(150)))
    got = local_otsu(image[::2, ::3], 151, footprint="square")
    np.testing.assert_array_equal(got, rank.otsu(image[::2, ::3], np.ones((151, 151), np.uint8)))


def test_parts_of_images_and_empty_ones():
    image = next(images((50, 60)))
    part = image[5:40:2, ::-3]
    np.testing.assert_array_equal(local_otsu(part, 9), local_otsu(part.copy(), 9))
    assert local_otsu(image[:0], 9).shape == (0, 60)


def test_refusals():
    image = np.zeros((5, 5), np.uint8)
    with pytest.raises(ValueError, match="footprint must be"):
        local_otsu(image, 3, footprint="diamond")
    with pytest.raises(ValueError, match=r"footprint must be .*, not an array .* extent as size"):
        local_otsu(np.zeros((5, 5), np.uint8), 3, footprint=np.ones((3, 3)))
    with pytest.raises(ValueError, match="image must be an array of NumPy's, not list"):
        local_otsu([[1, 2], [3, 4]], 3)
    with pytest.raises(ValueError, match="image must be of uint8"):
        local_otsu(image.astype(np.uint16), 3)
    with pytest.raises(ValueError, match="axes"):
        local_otsu(image[0], 3)
    with pytest.raises(ValueError, match="size"):
        local_otsu(image, 0)
