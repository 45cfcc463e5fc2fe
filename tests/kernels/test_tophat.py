import numpy as np
import pytest
from skimage import morphology

from pspy_dask.kernels.tophat import tophat_halo, white_tophat


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4", "f8"])
@pytest.mark.parametrize("shape", [(9, 8), (41, 30), (70, 131), (9, 8, 12)])
def test_equals_scikit_image(dtype, shape):
    image = (np.random.default_rng(1).random(shape) * 250).astype(dtype)
    for size in range(1, 9):
        got = white_tophat(image, size)
        assert got.dtype == image.dtype
        expected = morphology.white_tophat(image, np.ones((size,) * image.ndim))
        np.testing.assert_array_equal(got, expected)


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


def test_refuses_size_zero():
    with pytest.raises(ValueError, match="top-hat"):
        white_tophat(np.zeros((3, 3)), 0)
