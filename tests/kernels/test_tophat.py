import numpy as np
import pytest
from skimage import morphology

from pspy_dask.kernels.tophat import tophat_halo, white_tophat


def noise(shape, dtype, seed=1):
    return (np.random.default_rng(seed).random(shape) * 250).astype(dtype)


def assert_equals_scikit_image(image, size):
    got = white_tophat(image, size)
    assert got.dtype == image.dtype
    expected = morphology.white_tophat(image, np.ones((size,) * image.ndim))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
@pytest.mark.parametrize("shape", [(41, 70), (9, 8, 12)])
def test_equals_scikit_image(dtype, shape):
    for size in range(1, 9):
        assert_equals_scikit_image(noise(shape, dtype), size)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (70, 131), (1, 4, 5), (4, 1, 1)])
@pytest.mark.parametrize("size", [1, 2, 3, 16, 17, 31, 33, 140, 141])
def test_footprints_of_any_size(shape, size):
    # An even footprint of many times the image's side makes scikit-image read outside of it.
    if size in (16, 140) and size > 4 * min(shape):
        image = noise(shape, np.uint16)
        reach = max(shape) * 2 + size % 2
        np.testing.assert_array_equal(white_tophat(image, size), white_tophat(image, reach))
    elif size < 100 or len(shape) == 2:
        assert_equals_scikit_image(noise(shape, np.uint16), size)


def test_the_whole_range_of_a_dtype():
    for dtype in ("u1", "i1", "u2", "i2", "u4", "i4"):  # SciPy rounds more bits to doubles
        limits = np.iinfo(dtype)
        image = np.random.default_rng(5).integers(limits.min, limits.max, (40, 50), dtype)
        assert_equals_scikit_image(image, 4)


def test_integers_that_are_no_doubles():
    image = noise((20, 30), "i8")
    for offset in (2**62, -(2**62)):
        np.testing.assert_array_equal(white_tophat(image + offset, 3), white_tophat(image, 3))


def test_a_footprint_of_any_size_takes_no_more_memory_than_the_image():
    image = noise((20, 30), np.uint16)
    np.testing.assert_array_equal(white_tophat(image, 10**15), image - image.min())


def test_other_layouts_and_half_floats():
    image = noise((30, 41), "f4")
    expected = white_tophat(image, 5)
    np.testing.assert_array_equal(white_tophat(np.asfortranarray(image), 5), expected)
    np.testing.assert_array_equal(white_tophat(image[::-1, ::-1], 5)[::-1, ::-1], expected)
    np.testing.assert_array_equal(white_tophat(image.astype(">f4"), 5), expected)
    half = image.astype("f2")
    got = white_tophat(half, 5)
    assert got.dtype == half.dtype
    expected = morphology.white_tophat(half.astype("f4"), np.ones((5, 5)))
    np.testing.assert_array_equal(got, expected.astype("f2"))


def test_bool_is_read_as_bytes():
    image = np.random.default_rng(2).random((20, 20)) < 0.7
    expected = morphology.white_tophat(image.astype(np.uint8), np.ones((2, 2)))
    np.testing.assert_array_equal(white_tophat(image, 2), expected)


@pytest.mark.parametrize("shape", [(60, 75), (15, 20, 25)])
@pytest.mark.parametrize("size", [2, 5, 8])
def test_a_pixel_does_not_depend_on_its_window(windows_agree, shape, size):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 60000, shape).astype(np.uint16)
    windows_agree(lambda part: white_tophat(part, size), image, tophat_halo(size), rng)


@pytest.mark.parametrize("shape", [(40, 50), (10, 12, 14)])
def test_nan_is_brighter_than_all_else(windows_agree, shape):
    rng = np.random.default_rng(4)
    image = noise(shape, "f8")
    holes = rng.random(shape) < 0.3
    bright = np.where(holes, 1e300, image)
    image[holes] = np.nan
    got = white_tophat(image, 3)
    expected = morphology.white_tophat(bright, np.ones((3,) * len(shape)))
    np.testing.assert_array_equal(got, np.where(holes, np.nan, expected))
    windows_agree(lambda part: white_tophat(part, 3), image, tophat_halo(3), rng)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_zeros_have_no_sign(dtype):
    rng = np.random.default_rng(6)
    for shape in ((30, 40), (4, 5, 6)):
        image = rng.choice(np.array([-0.0, 0.0, 1.0, -1.0], dtype), shape)
        for size in (1, 2, 3):
            assert not np.signbit(white_tophat(image, size)).any()
    image = np.array([[-0.0, 1.0, -0.0]], dtype)
    expected = morphology.white_tophat(image.astype("f8"), np.ones((1, 1)))
    np.testing.assert_array_equal(np.signbit(white_tophat(image, 1)), np.signbit(expected))


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", ">u2"])
def test_the_byte_order_and_the_type_of_the_size_do_not_matter(dtype):
    image = noise((30, 40), dtype)
    native = image.astype(image.dtype.newbyteorder("="))
    got, expected = white_tophat(image, np.int8(100)), white_tophat(native, 100)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


def test_refusals():
    for size in (0, 3.0, None, "3"):
        with pytest.raises(ValueError, match="size must be"):
            white_tophat(np.zeros((3, 3)), size)
    with pytest.raises(ValueError, match="2 or 3 axes"):
        white_tophat(np.zeros(3), 1)
    with pytest.raises(ValueError, match="not of complex128"):
        white_tophat(np.zeros((3, 3), complex), 1)
    assert white_tophat(np.zeros((0, 3)), 3).shape == (0, 3)
