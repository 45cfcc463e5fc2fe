import tracemalloc

import numpy as np
import pytest
from skimage import feature

from pspy_dask.kernels import hessian, separable
from pspy_dask.kernels.hessian import hessian_eigenvalues, hessian_halo, hessian_matrix

MODES = ["constant", "nearest", "reflect", "mirror"]
WAYS = pytest.mark.parametrize("derivatives", [False, True])
DTYPES = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">f4", ">u2"]


def random(shape, dtype="f4", seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(
            info.min, info.max, shape, info.dtype.newbyteorder("="), endpoint=True
        ).astype(dtype)
    return (rng.normal(size=shape) * 100).astype(dtype)


def check(image, sigma, mode, derivatives):
    """Both functions equal scikit-image's, bit by bit but for the signs of zeros."""
    knobs = {"mode": mode, "use_gaussian_derivatives": derivatives}
    expected = feature.hessian_matrix(image, sigma, order="rc", **knobs)
    got = hessian_matrix(image, sigma, **knobs)
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    values, references = (
        hessian_eigenvalues(image, sigma, **knobs),
        feature.hessian_matrix_eigvals(expected),
    )
    assert values.dtype == references.dtype
    np.testing.assert_array_equal(values, references)


@WAYS
@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_scikit_image_to_the_last_bit(dtype, derivatives):
    image = random((23, 37), dtype)
    for sigma in (0, 0.1, 0.6, 1, 2.5):
        check(image, sigma, "constant", derivatives)


@WAYS
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(2, 2), (2, 9), (300, 3), (3, 300), (70, 131)])
def test_borders_and_kernels_larger_than_the_image(shape, mode, derivatives):
    for dtype in ("u2", "f4", "f8"):
        for sigma in (0.5, 1.2, 8):
            check(random(shape, dtype), sigma, mode, derivatives)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_one_pixel_has_no_differences_but_derivatives(shape):
    for mode in MODES:
        check(random(shape), 1.2, mode, True)
    with pytest.raises(ValueError, match="2 pixels"):
        hessian_matrix(random(shape), 1.2)
    with pytest.raises(ValueError, match="2 pixels"):
        hessian_eigenvalues(random(shape), 1.2)


@WAYS
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["u2", "f4"])
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 50])
def test_bands_do_not_show(monkeypatch, rows, dtype, mode, derivatives):
    monkeypatch.setattr(hessian, "_band_rows", lambda image: rows)
    check(random((41, 30), dtype), 1.2, mode, derivatives)


@WAYS
def test_plain_loops_equal_lanes(monkeypatch, derivatives):
    image = random((90, 70), "f8")
    values = []
    for pay in (False, True):
        monkeypatch.setattr(separable, "lanes_pay", lambda pay=pay: pay)
        values.append(hessian_eigenvalues(image, 2.0, use_gaussian_derivatives=derivatives))
    np.testing.assert_array_equal(*values)


@WAYS
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_volumes(dtype, mode, derivatives):
    check(random((5, 8, 11), dtype), 1.3, mode, derivatives)


@WAYS
@pytest.mark.parametrize(
    ("shape", "sigma"), [((90, 75), 0.4), ((90, 75), 1.5), ((20, 25, 21), 0.7)]
)
def test_a_pixel_does_not_depend_on_its_window(windows_agree, shape, sigma, derivatives):
    rng = np.random.default_rng(5)
    image = random(shape, "u2")
    halo = hessian_halo(sigma, use_gaussian_derivatives=derivatives)
    for mode in MODES:
        windows_agree(
            lambda part, mode=mode: np.moveaxis(
                hessian_eigenvalues(part, sigma, mode=mode, use_gaussian_derivatives=derivatives),
                0,
                -1,
            ),
            image,
            halo,
            rng,
        )


@WAYS
def test_memory_beside_the_result_grows_with_width_alone(derivatives):
    image = np.zeros((4000, 500), np.uint16)
    hessian_eigenvalues(image[:9], 2.0, use_gaussian_derivatives=derivatives)
    tracemalloc.start()
    hessian_eigenvalues(image, 2.0, use_gaussian_derivatives=derivatives)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * image.size * 8 + 2**24


@WAYS
def test_views_and_read_only_images(derivatives):
    image = random((60, 70), "u2")
    image.flags.writeable = False
    check(image.T[3::2, 5:50], 1.0, "mirror", derivatives)


def test_an_image_without_pixels_has_no_derivatives():
    assert hessian_eigenvalues(np.zeros((0, 4)), 1.0, use_gaussian_derivatives=True).size == 0


@pytest.mark.parametrize("function", [hessian_matrix, hessian_eigenvalues])
@pytest.mark.parametrize(
    ("name", "image", "knobs"),
    [
        ("sigma", np.zeros((4, 4)), {"sigma": -1.0}),
        ("sigma", np.zeros((4, 4)), {"sigma": np.nan}),
        ("sigma", np.zeros((4, 4)), {"sigma": None}),
        ("sigma", np.zeros((4, 4)), {"sigma": "2"}),
        ("sigma", np.zeros((4, 4)), {"sigma": (1.0, 2.0)}),
        ("mode", np.zeros((4, 4)), {"mode": "wrap"}),
        ("axes", np.zeros(4), {}),
        ("image", np.zeros((4, 4), complex), {}),
        ("image", np.zeros((4, 4), "M8[s]"), {}),
    ],
)
def test_names_the_argument_that_makes_no_sense(function, name, image, knobs):
    with pytest.raises(ValueError, match=name):
        function(image, **({"sigma": 1.0} | knobs))
