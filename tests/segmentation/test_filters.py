import numpy as np
import pytest

from pspy_dask.segmentation.filters import Filters


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "u2"])
@pytest.mark.parametrize("ball", [0, 3])
@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_the_byte_order_does_not_matter(dtype, ball, sigma):
    filters = Filters(invert=True, rolling_ball=ball, gaussian=sigma)
    image = (np.random.default_rng(4).random((20, 30)) * 100).astype(dtype)
    image[3, 4] = 0 if dtype == "u2" else np.nan
    swapped = image.astype(f">{dtype}")
    got, expected = filters.apply(swapped), filters.apply(image)
    np.testing.assert_array_equal(got, expected)
    for pixels, made in ((swapped, got), (image, expected)):
        promised = filters.dtype(pixels.dtype)
        assert (promised.kind, promised.itemsize) == (made.dtype.kind, made.dtype.itemsize)
