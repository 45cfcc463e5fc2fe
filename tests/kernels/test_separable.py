import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from pspy_dask.kernels import separable, separable_lanes
from pspy_dask.kernels.separable import PlaneFilter, separable_filter, symmetric_filter
from pspy_dask.kernels.separable_lanes import filter_plane_by_lanes
from pspy_dask.kernels.taps import Taps

MODES = ["nearest", "reflect", "mirror", "constant"]
SHAPES = [(1, 1), (2, 130), (130, 2), (70, 131), (9, 1500), (5, 6, 70)]


def random(shape, dtype="f4", seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * 1000).astype(dtype)


def random_taps(radius, symmetric, seed=0):
    return Taps(np.random.default_rng(seed).normal(size=radius + 1), symmetric)


def kernel_of(taps):
    return np.concatenate([taps.half, taps.sign * taps.half[-2::-1]])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(
    ("source", "dtype"), [("u1", "f4"), ("f4", "f4"), ("u2", "f8"), ("f8",) * 2]
)
def test_lanes_equal_plain_loops(monkeypatch, shape, symmetric, source, dtype):
    image = random(shape, seed=1).astype(source)
    for radius in (0, 1, 5, 40):
        taps = [random_taps(radius, symmetric, axis) for axis in range(len(shape))]
        for mode in MODES:
            results = []
            for pay in (False, True):
                monkeypatch.setattr(separable, "lanes_pay", lambda pay=pay: pay)
                monkeypatch.setattr(separable, "lanes_take", lambda *weights: True)
                results.append(separable_filter(image, taps, mode, np.dtype(dtype)))
            np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pay", [False, True])
def test_any_weights_equal_correlate(monkeypatch, mode, pay):
    monkeypatch.setattr(separable, "lanes_pay", lambda: pay)
    image = random((20, 130), "f8", 3)
    taps = random_taps(3, True), random_taps(7, False)
    expected = image
    for axis in (0, 1):
        expected = ndimage.correlate1d(expected, kernel_of(taps[axis]), axis, mode=mode)
    np.testing.assert_array_equal(separable_filter(image, taps, mode, image.dtype), expected)


@pytest.mark.parametrize("pay", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_a_band_of_rows_equals_the_whole(monkeypatch, pay, mode):
    monkeypatch.setattr(separable, "lanes_pay", lambda: pay)
    image = random((33, 40))
    filtering = PlaneFilter.of(random_taps(6, True), random_taps(2, False), image.shape, mode)
    whole = np.empty_like(image)
    filtering.apply(image, whole)
    for top, bottom in [(0, 1), (0, 33), (3, 20), (10, 33), (32, 33), (15, 17)]:
        first, stop = filtering.sources(top, bottom)
        band = np.empty((bottom - top, 40), np.float32)
        filtering.apply_to_band(image[first:stop].copy(), first, top, band)
        np.testing.assert_array_equal(band, whole[top:bottom])


@pytest.mark.parametrize("view", [np.s_[2:30, 3:40], np.s_[::2], np.s_[:, ::2], np.s_[::-1, ::-1]])
def test_lanes_read_views_as_they_are(view):
    image = random((41, 50), "u2")
    image.flags.writeable = False
    taps = random_taps(4, True)
    for plane in (image[view], image.T[view]):
        filtering = PlaneFilter.of(taps, taps, plane.shape, "reflect")
        results = np.empty((2, *plane.shape), np.float32)
        filtering.apply(np.ascontiguousarray(plane), results[0])
        filter_plane_by_lanes(
            plane, taps, taps, filtering.row_table, filtering.column_table, results[1]
        )
        np.testing.assert_array_equal(*results)


def test_nothing_of_the_size_of_the_image_is_allocated():
    """The sum of what is allocated beside the result is bounded, whatever the image."""
    image = np.zeros((3000, 2000), np.uint16)
    taps = random_taps(8, True)
    separable_filter(image[:9], (taps, taps), "nearest", np.dtype("f4"))
    tracemalloc.start()
    separable_filter(image, (taps, taps), "nearest", np.dtype("f4"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < image.size * 4 + 2**22


def test_lanes_take_weights_while_their_ring_is_small():
    taken = []
    for width in (1, 64, 256, 1024, 10**6):
        for radius in range(0, 2000, 10):
            taps = Taps(np.ones(radius + 1))
            depth, _, pitch = separable_lanes._ring(taps, taps, width)
            taken.append(separable_lanes.lanes_take(taps, taps, width))
            assert not taken[-1] or 8 * depth * pitch <= 12 * 2**20
            assert taken[-1] or radius > min(width, 200)
    assert 0 < sum(taken) < len(taken)


def test_a_double_image_is_rounded_first_where_the_result_is_single():
    image = random((20, 30), "f8")
    taps = (random_taps(2, True),) * 2
    got = separable_filter(image, taps, "mirror", np.dtype("f4"))
    expected = separable_filter(image.astype("f4"), taps, "mirror", np.dtype("f4"))
    np.testing.assert_array_equal(got, expected)


def test_empty_images_stay_empty():
    for shape in ((0, 4), (4, 0), (3, 0, 2)):
        assert (
            symmetric_filter(np.zeros(shape), np.ones(3), "nearest", np.dtype("f4")).shape == shape
        )


@pytest.mark.parametrize(
    ("name", "shape", "mode", "dtype"),
    [
        ("axes", (4,), "nearest", "f4"),
        ("mode", (4, 4), "edge", "f4"),
        ("dtype", (4, 4), "nearest", "i4"),
    ],
)
def test_names_the_argument_that_makes_no_sense(name, shape, mode, dtype):
    with pytest.raises(ValueError, match=name):
        symmetric_filter(np.zeros(shape), np.ones(1), mode, np.dtype(dtype))
