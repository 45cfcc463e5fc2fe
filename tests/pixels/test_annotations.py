"""Annotated pixels: the same whatever the chunks; shapes cover what scikit-image draws."""

from __future__ import annotations

import pickle

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import draw

import pspy_dask as ps
from pspy_dask.blocks.images import as_image, make_image
from pspy_dask.blocks.sources import source_of
from pspy_dask.pixels.annotations import Annotated, annotated, annotated_pixels
from tests.shapes import chunkings

FAST = settings(max_examples=40)
AXES = {
    "plane": ("yx", (19, 27)),
    "volume": ("zyx", (4, 9, 11)),
    "one plane": ("zyx", (1, 19, 27)),
    "series": ("tyx", (3, 9, 11)),
    "series of volumes": ("tzyx", (2, 3, 7, 8)),
    "series of planes": ("tzyx", (2, 1, 9, 11)),
}


def sparse(shape, dtype=np.uint8):
    rng = np.random.default_rng(7)
    return (rng.integers(1, 6, shape) * (rng.random(shape) < 0.05)).astype(dtype)


def image_of(shape, dims=None):
    return make_image(da.zeros(shape, chunks=5), tuple(dims or "tzyx"[-len(shape) :]))


def found(annotations, image):
    lazy = annotated_pixels(annotations, image)
    assert isinstance(lazy, da.Array)
    assert (lazy.shape, lazy.dtype) == ((1,), object)
    (result,) = lazy.compute(scheduler="sync")
    assert isinstance(result, Annotated)
    assert (result.coordinates.dtype, result.classes.dtype) == (np.int64, np.int32)
    assert result.coordinates.shape == (len(result), image.ndim)
    return result


def assert_labels(result, labels):
    """The pixels are those that are not 0, in raster order."""
    np.testing.assert_array_equal(result.coordinates, np.argwhere(labels))
    np.testing.assert_array_equal(result.classes, labels[labels != 0])


@pytest.mark.parametrize("kind", AXES)
@FAST
@given(data=st.data(), at_random=st.booleans())
def test_pixels_do_not_depend_on_chunks(kind, data, at_random):
    dims, shape = AXES[kind]
    labels = sparse(shape)
    chunks = data.draw(chunkings(shape))
    lazy = da.from_array(labels, chunks=chunks)
    if at_random:
        lazy = as_image(xr.DataArray(labels, dims=tuple(dims)), chunks=chunks).data
        assert source_of(lazy) is not None
    assert_labels(found(lazy, image_of(shape, dims)), labels)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, ">i4"])
def test_any_integers(dtype):
    labels = sparse((19, 27), dtype)
    for same in (labels, da.from_array(labels, chunks=7), xr.DataArray(labels, dims=("y", "x"))):
        result = found(same, image_of(labels.shape))
        assert_labels(result, labels.astype(np.int32))
    assert dtype is not bool or set(result.classes) == {1}


def test_zarr_arrays():
    labels = sparse((19, 27))
    stored = zarr.create_array({}, shape=labels.shape, chunks=(6, 6), dtype=labels.dtype)
    stored[:] = labels
    assert_labels(found(stored, image_of(labels.shape)), labels)


def test_leading_axes_of_length_1_may_be_left_out():
    labels = sparse((9, 11))
    expected = labels[None, None]
    assert_labels(found(labels, image_of((1, 1, 9, 11))), expected)
    assert_labels(found(xr.DataArray(labels, dims=("y", "x")), image_of((1, 1, 9, 11))), expected)


def test_no_pixel():
    assert len(found(np.zeros((9, 11), int), image_of((9, 11)))) == 0
    assert len(found([], image_of((9, 11)))) == 0


def test_only_labelled_pixels_travel():
    labels = np.zeros((600, 600), np.uint8)
    labels[5:8, 590:] = 3
    lazy = annotated_pixels(da.from_array(labels, chunks=100), image_of(labels.shape))
    keys = [key for key in lazy.dask if isinstance(key, tuple) and "partial-" in key[0]]
    partials = dask.get(lazy.dask, keys)
    assert sum(map(len, partials)) == 30
    assert sum(len(pickle.dumps(partial)) for partial in partials) < 36 * 800


some = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9)), max_size=8).map(
    lambda rows: annotated(
        np.array([row[:2] for row in rows]).reshape(-1, 2), np.array([row[2] for row in rows])
    )
)


def painted(*parts):
    labels = np.zeros((4, 4), np.int32)
    for part in parts:
        labels[tuple(part.coordinates.T)] = part.classes
    return labels


@given(some, some, some)
def test_merging_is_associative_and_the_later_wins(a, b, c):
    expected = painted(a, b, c)
    assert_labels(a.merge(b).merge(c), expected)
    assert_labels(a.merge(b.merge(c)), expected)


def test_control_merging_in_another_order_differs():
    a = annotated(np.array([[0, 1]]), np.array([1]))
    b = annotated(np.array([[0, 1]]), np.array([2]))
    assert a.merge(b).classes.tolist() == [2]
    assert b.merge(a).classes.tolist() == [1]


SHAPES = [
    ps.Polygon(1, [(2, 2), (2, 15.5), (14, 9)]),
    ps.Line(2, [(0, 0), (18, 26), (3, 20)]),
    ps.Points(3, [(5, 5), (12, 20)]),
]


def drawn(extent):
    """The three shapes, by scikit-image, the later above the earlier."""
    labels = np.zeros(extent, np.int32)
    labels[draw.polygon([2, 2, 14], [2, 15.5, 9])] = 1
    labels[draw.line(0, 0, 18, 26)] = 2
    labels[draw.line(18, 26, 3, 20)] = 2
    labels[[5, 12], [5, 20]] = 3
    return labels


def test_shapes_are_drawn_one_above_the_other():
    image = image_of((19, 27))
    assert_labels(found(SHAPES, image), drawn(image.shape))
    assert_labels(
        found(SHAPES[0], image),
        np.where(draw.polygon2mask((19, 27), [(2, 2), (2, 15.5), (14, 9)]), 1, 0),
    )


def test_control_in_another_order_they_differ():
    image = image_of((19, 27))
    backwards = found(SHAPES[::-1], image)
    assert (painted_on(backwards, image.shape) != drawn(image.shape)).any()


def painted_on(result, extent):
    labels = np.zeros(extent, np.int32)
    labels[tuple(result.coordinates.T)] = result.classes
    return labels


@given(st.floats(-5, 25), st.floats(-5, 25), st.integers(0, 6))
def test_dots_are_disks_around_a_pixel(y, x, radius):
    expected = np.zeros((20, 20), np.int32)
    centre = (np.floor(y + 0.5), np.floor(x + 0.5))
    expected[draw.disk(centre, radius + 0.5, shape=expected.shape)] = 4
    dots = ps.Points(4, [(y, x), (10, 10)], radius=radius)
    expected[draw.disk((10, 10), radius + 0.5, shape=expected.shape)] = 4
    assert_labels(found([dots], image_of(expected.shape)), expected)


@given(st.integers(-5, 25), st.integers(-5, 25), st.integers(1, 7))
def test_strokes_are_disks_along_a_line(y, x, width):
    expected = np.zeros((20, 20), np.int32)
    for centre in zip(*draw.line(10, 9, y, x), strict=True):
        expected[draw.disk(centre, width / 2, shape=expected.shape)] = 1
    stroke = ps.Line(1, [(10, 9), (y, x)], width=width)
    assert_labels(found([stroke], image_of(expected.shape)), expected)


@pytest.mark.parametrize("extent", [(3, 19, 27), (1, 3, 19, 27)])
def test_shapes_in_a_plane_of_several(extent):
    shapes = [type(s)(s.label, [(2, *point) for point in s.coordinates]) for s in SHAPES] + [
        ps.Points(5, [(0, 1, 1), (1, 4, 4)], radius=1)
    ]
    labels = np.zeros((3, 19, 27), np.int32)
    labels[2] = drawn((19, 27))
    labels[0][draw.disk((1, 1), 1.5)] = 5
    labels[1][draw.disk((4, 4), 1.5)] = 5
    assert_labels(found(shapes, image_of(extent)), labels.reshape(extent))


def test_shapes_are_cut_at_the_edges():
    labels = np.zeros((10, 10), np.int32)
    labels[:3, 7:] = 1
    around = ps.Polygon(1, [(-9, 7), (-9, 30), (2, 30), (2, 7)])
    assert_labels(found([around], image_of((10, 10))), labels)


@pytest.mark.parametrize(
    "shape",
    [
        ps.Points(1, [(30, 4)]),
        ps.Points(1, [(-3, -3)], radius=2),
        ps.Line(1, [(-2, 0), (-2, 9)]),
        ps.Polygon(1, [(20, 20), (20, 30), (30, 30)]),
    ],
)
def test_shapes_outside_are_refused(shape):
    with pytest.raises(ValueError, match=r"covers no pixel of the image of shape \(10, 10\)"):
        annotated_pixels([shape], image_of((10, 10)))


def test_coordinates_for_other_axes_are_refused():
    for shape in (ps.Points(1, [(2, 2)]), ps.Points(1, [(0, 0, 2, 2)])):
        with pytest.raises(ValueError, match=r"coordinates a point but .*\(3, 9, 9\): give 3"):
            annotated_pixels([shape], image_of((3, 9, 9)))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ps.Points(0, [(1, 1)]), "label of a Points is 0: number classes 1 to 65535"),
        (lambda: ps.Points(True, [(1, 1)]), "label of a Points is True"),
        (lambda: ps.Points(1.5, [(1, 1)]), "label of a Points is 1.5"),
        (lambda: ps.Points(65536, [(1, 1)]), "label of a Points is 65536"),
        (lambda: ps.Points(1, []), "Points has 0 points: give at least 1"),
        (lambda: ps.Points(1, [(1, 1)], radius=-1), "radius is -1: give a number of pixels, 0"),
        (lambda: ps.Points(1, (1, 1)), "no points: give a list of"),
        (lambda: ps.Points(1, [(1, 1), (1, 1, 1)]), "have .2, 3. coordinates"),
        (lambda: ps.Points(1, [(1, np.nan)]), "give pixels, at most"),
        (lambda: ps.Line(1, [(1, 1), (1e9, 1)]), "give pixels, at most"),
        (lambda: ps.Points(1, [(0.5, 1, 1)]), "number of a plane or frame, a whole one"),
        (lambda: ps.Line(1, [(1, 1)], width=0), "width is 0: give a number of pixels, 1"),
        (lambda: ps.Line(1, [(0, 1, 1), (1, 1, 1)]), "runs through several planes"),
        (lambda: ps.Polygon(1, [(1, 1), (2, 2)]), "Polygon has 2 points: give at least 3"),
        (lambda: ps.Polygon(1, [(0, 1, 1), (0, 5, 1), (1, 1, 5)]), "several planes"),
    ],
)
def test_shapes_that_are_none_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("labels", "error", "sentence"),
    [
        (np.zeros((9, 12), int), ValueError, r"shape \(9, 12\) but the image \(9, 11\): label"),
        (np.zeros((2, 9, 11), int), ValueError, r"shape \(2, 9, 11\) but the image"),
        (np.zeros((9, 11, 3), np.uint8), ValueError, "with toggle_channels"),
        (np.zeros((9, 11)), TypeError, "are float64, not whole numbers"),
        ([np.zeros((9, 11), int)], TypeError, "hold a ndarray: give Points, Line and Polygon"),
        (xr.DataArray(np.zeros((9, 11), int), dims=("x", "y")), ValueError, "transpose them"),
        ("labels.png", TypeError, "is a str: .* open files with open_annotations"),
    ],
)
def test_labels_that_do_not_fit_are_refused_at_once(labels, error, sentence):
    with pytest.raises(error, match=sentence):
        annotated_pixels(labels, image_of((9, 11)))


@pytest.mark.parametrize("wrong", [-1, 65536])
def test_labels_out_of_range_are_refused_when_they_are_read(wrong):
    labels = np.zeros((9, 11), np.int64)
    labels[4, 4] = wrong
    lazy = annotated_pixels(labels, image_of((9, 11)))
    with pytest.raises(ValueError, match=f"hold the label {wrong}: number classes 1 to 65535"):
        lazy.compute(scheduler="sync")
