import numpy as np
import pytest

from pspy_dask.kernels.checks import real_image, whole
from pspy_dask.kernels.disks import check_radius, chords, disk_halo


@pytest.mark.parametrize("radius", [np.int8(100), np.uint8(100), np.uint16(300)])
def test_squares_of_radii_do_not_overflow(radius):
    assert type(check_radius(radius)) is int
    assert disk_halo(radius) == radius
    for ndim in (2, 3) if radius < 101 else (2,):
        np.testing.assert_array_equal(chords(radius, ndim), chords(int(radius), ndim))


@pytest.mark.parametrize("value", [3.0, np.float32(3), "3", None, (3,), 2, np.array([3])])
def test_refuses_what_is_no_whole_number_of_that_size(value):
    with pytest.raises(ValueError, match=r"^size must be a whole number of at least 3, not "):
        whole("size", value, 3)


def test_refuses_other_images():
    real_image(np.zeros((2, 2), ">f2"))
    with pytest.raises(ValueError, match="image must have 2 axes, not 3"):
        real_image(np.zeros((2, 2, 2)), (2,))
    for dtype in (complex, object, "M8[s]", "m8[s]", "S2"):
        with pytest.raises(ValueError, match="image must be of real numbers"):
            real_image(np.zeros((2, 2), dtype))
