"""Annotated pixels: the same whatever the chunks; shapes cover what scikit-image draws."""

from __future__ import annotations

import pickle
import tracemalloc

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
from pspy_dask.kernels.coordinate_hash import point_hashes
from pspy_dask.pixels import annotations
from pspy_dask.pixels.annotations import DrawLaw, annotated_pixels
from pspy_dask.pixels.class_samples import ClassPixels, ClassSamples, class_samples
from tests.shapes import chunkings

FAST = settings(max_examples=40)
LAW = DrawLaw(0, 1000)
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


def samples(given_, images, seed=0, most=10**6):
    lazy = annotated_pixels(given_, images, DrawLaw(seed, most))
    assert isinstance(lazy, da.Array)
    assert (lazy.shape, lazy.dtype) == ((1,), object)
    (result,) = lazy.compute(scheduler="sync")
    assert isinstance(result, ClassSamples)
    return result


def found(given_, image):
    result = samples([given_], [image])
    pixels = result.lowest(result.counts)
    assert (pixels.places.dtype, pixels.classes.dtype) == (np.int64, np.int32)
    axes = ["tzyx".index(dim) for dim in image.dims]
    assert not np.delete(pixels.places, axes, axis=1).any()
    return ClassPixels(pixels.places[:, axes], pixels.classes, pixels.rows)


def assert_labels(result, labels):
    """The pixels are those that are not 0, in raster order."""
    np.testing.assert_array_equal(result.places, np.argwhere(labels))
    np.testing.assert_array_equal(result.classes, labels[labels != 0])


def drawn_of(result, quotas):
    return sorted(map(tuple, result.lowest(quotas).places.tolist()))


def lowest_hashes(labels, number, seed, count):
    """The pixels of a class that have the lowest hashes, of labels (t, z, y, x)."""
    places = np.argwhere(labels == number)
    order = np.argsort(point_hashes(seed, places))[:count]
    return sorted(map(tuple, places[order].tolist()))


@FAST
@given(st.data(), st.integers(0, 9), st.integers(1, 12))
def test_the_lowest_hashes_of_each_class_are_kept_and_all_are_counted(data, seed, most):
    shape = (3, 2, 19, 27)
    labels = sparse(shape)
    given_ = [da.from_array(labels[k], data.draw(chunkings(shape[1:]))) for k in (1, 2)]
    first = as_image(labels[:1])
    result = samples([labels[:1], *given_], [first, *map(as_image, given_)], seed, most)
    assert result.counts == {n: (labels == n).sum() for n in range(1, 6)}
    for number in range(1, 6):
        kept = drawn_of(result, {number: most})
        assert kept == lowest_hashes(labels, number, seed, most)
    series = samples([labels], [as_image(da.from_array(labels, chunks=2))], seed, most)
    assert drawn_of(series, dict.fromkeys(range(1, 6), most)) == drawn_of(
        result, dict.fromkeys(range(1, 6), most)
    )


def test_pieces_of_a_chunk_are_merged(monkeypatch):
    labels = sparse((40, 50))
    expected = samples([labels], [image_of(labels.shape)], most=7)
    monkeypatch.setattr(annotations, "_PIECE", 64)
    pieces = samples([labels], [image_of(labels.shape)], most=7)
    assert pieces.counts == expected.counts
    assert drawn_of(pieces, pieces.counts) == drawn_of(expected, pieces.counts)


def test_shapes_on_some_images_and_labels_of_others_are_drawn_alike():
    images = [image_of((19, 27)), image_of((2, 19, 27), "tyx"), image_of((19, 27))]
    labels = [drawn((19, 27)), np.stack([sparse((19, 27)), drawn((19, 27))]), sparse((19, 27))]
    expected = samples(labels, images, most=9)
    moved = [type(s)(s.label, [(1, *point) for point in s.coordinates]) for s in SHAPES]
    mixed = samples([SHAPES, labels[1], labels[2]], images, most=9)
    assert mixed.counts == expected.counts
    assert drawn_of(mixed, mixed.counts) == drawn_of(expected, mixed.counts)
    only = samples([SHAPES, moved, SHAPES[:1]], images, most=9)
    assert max(place[0] for place in drawn_of(only, only.counts)) == 3
    assert {len(sample) for sample in only.samples.values()} <= {2, 3, 4, 9}


def test_memory_does_not_grow_with_labels():
    labels = da.full((4096, 2048), 3, chunks=512, dtype=np.uint8)
    image, law = image_of((4096, 2048)), DrawLaw(0, 1000)
    polygon = ps.Polygon(1, [(0, 0), (0, 2048), (1100, 2048), (1100, 0)])
    tracemalloc.start()
    result = annotated_pixels([labels], [image], law).compute(scheduler="sync")[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.counts == {3: 4096 * 2048} and len(result.samples[3]) == 1000
    assert peak < 4096 * 2048 * 8
    held = annotated_pixels([polygon], [image], law).compute(scheduler="sync")[0]
    assert held.counts == {1: 1101 * 2048} and len(held.samples[1]) == 1000


def test_control_another_seed_or_frame_draws_others():
    labels = np.ones((30, 30), np.uint8)
    one, two = image_of((30, 30)), image_of((30, 30))
    apart = samples([labels, labels], [one, two], most=100)
    by_frame = [[p[1:] for p in drawn_of(apart, {1: 100}) if p[0] == k] for k in (0, 1)]
    assert 30 < len(by_frame[0]) < 70 and by_frame[0] != by_frame[1]
    assert drawn_of(apart, {1: 100}) != drawn_of(
        samples([labels] * 2, [one, two], 1, 100), {1: 100}
    )


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
    for nothing in (np.zeros((9, 11), int), []):
        assert samples([nothing], [image_of((9, 11))]).counts == {}


def test_only_labelled_pixels_travel():
    labels = np.zeros((600, 600), np.uint8)
    labels[5:8, 590:] = 3
    given_ = da.from_array(labels, chunks=100)
    lazy = annotated_pixels([given_], [image_of(labels.shape)], DrawLaw(0, 1000))
    keys = [key for key in lazy.dask if isinstance(key, tuple) and "partial-" in key[0]]
    partials = dask.get(lazy.dask, keys)
    assert sum(sum(partial.counts.values()) for partial in partials) == 30
    assert sum(len(pickle.dumps(partial)) for partial in partials) < 36 * 800


some = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 3), st.integers(0, 4)),
    max_size=8,
    unique_by=lambda row: row[0],
)


def sampled(rows, most=2):
    places = np.zeros((len(rows), 4), np.int64)
    places[:, 3] = [row[0] for row in rows]
    numbers, hashes = np.array([row[1:] for row in rows], np.int64).reshape(-1, 2).T
    return class_samples(hashes.astype(np.uint64), places, numbers, most)


def as_plain(result):
    return result.counts, {
        n: (s.places.tolist(), s.hashes.tolist()) for n, s in result.samples.items()
    }


@given(some, st.integers(0, 8), st.integers(0, 8))
def test_merging_is_associative_and_commutative(rows, one, two):
    a, b, c = map(sampled, (rows[:one], rows[one : one + two], rows[one + two :]))
    expected = as_plain(sampled(rows))
    assert as_plain(a.merge(b).merge(c)) == as_plain(a.merge(b.merge(c))) == expected
    assert as_plain(c.merge(a).merge(b)) == expected


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
    assert (painted(backwards, image.shape) != drawn(image.shape)).any()


def painted(result, extent):
    labels = np.zeros(extent, np.int32)
    labels[tuple(result.places.T)] = result.classes
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
        annotated_pixels([[shape]], [image_of((10, 10))], LAW)


def test_coordinates_for_other_axes_are_refused():
    for shape in (ps.Points(1, [(2, 2)]), ps.Points(1, [(0, 0, 2, 2)])):
        with pytest.raises(ValueError, match=r"coordinates a point but .*\(3, 9, 9\): give 3"):
            annotated_pixels([[shape]], [image_of((3, 9, 9))], LAW)


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
        annotated_pixels([labels], [image_of((9, 11))], LAW)


@pytest.mark.parametrize("wrong", [-1, 65536])
def test_labels_out_of_range_are_refused_when_they_are_read(wrong):
    labels = np.zeros((9, 11), np.int64)
    labels[4, 4] = wrong
    lazy = annotated_pixels([labels], [image_of((9, 11))], LAW)
    with pytest.raises(ValueError, match=f"hold the label {wrong}: number classes 1 to 65535"):
        lazy.compute(scheduler="sync")
