import numpy as np
import pytest

from pspy_dask.kernels.checks import finite, nonnegative, positive, real_image, whole
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


@pytest.mark.parametrize("value", [np.nan, np.inf, None, "2", (1.0, 2.0), 1j, 10**400, np.ones(2)])
@pytest.mark.parametrize("check", [nonnegative, positive, finite])
def test_refuses_what_is_no_number(check, value):
    with pytest.raises(ValueError, match=r"^k must be .*number, not "):
        check("k", value)


def test_signs_of_numbers():
    assert [finite("k", value) for value in (-1, 0, np.float32(2))] == [-1, 0, 2]
    assert [positive("k", value) for value in (1, np.float32(0.5), True)] == [1, 0.5, 1]
    for check, value in [(nonnegative, -1), (positive, -1), (positive, 0), (positive, 0.0)]:
        with pytest.raises(ValueError, match=r"k must be .*positive number, not"):
            check("k", value)


def test_refuses_other_images():
    real_image(np.zeros((2, 2), ">f2"))
    with pytest.raises(ValueError, match="image must have 2 axes, not 3"):
        real_image(np.zeros((2, 2, 2)), (2,))
    with pytest.raises(ValueError, match=r"image must be an array of NumPy's, not list: call"):
        real_image([[1, 2], [3, 4]])
    real_image(np.zeros((2, 2), np.longdouble), any_width=True)
    for dtype in (complex, object, "M8[s]", "m8[s]", "S2"):
        with pytest.raises(ValueError, match="image must be of real numbers"):
            real_image(np.zeros((2, 2), dtype))
