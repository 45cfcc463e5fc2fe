"""Hulls of chunks against those of the whole, and what is made of them against scikit-image."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import ConvexHull, QhullError
from skimage import measure

from pspy_dask.kernels.hull_shapes import convex_areas, feret_diameters, least_feret_diameters
from pspy_dask.kernels.hulls import concatenate_hulls, find_hulls, join_rows
from tests.shapes import NAMED, chunkings

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12))
LABELS = SHAPES.flatmap(
    lambda s: (
        arrays(np.int32, s, elements=st.sampled_from([0, 0, 0, 1, 1, 2]))
        | arrays(np.int32, s, elements=st.integers(1, 3), fill=st.just(0))
    )
)
PLANES = LABELS.map(lambda labels: labels[:1])


def whole_hulls(labels):
    return find_hulls(labels, int(labels.max()), (0, 0, 0))


def hulls_of_chunks(labels, chunks):
    """Return the rows of each chunk, one for each of the labels that the image has."""
    edges = [list(pairwise(np.cumsum((0, *lengths)).tolist())) for lengths in chunks]
    for bounds in product(*edges):
        block = labels[tuple(slice(*bound) for bound in bounds)]
        yield find_hulls(block, int(labels.max()), tuple(start for start, _ in bounds))


def joined(parts, count):
    target = np.tile(np.arange(count), len(parts))
    return join_rows(concatenate_hulls(parts), target, count)


def assert_equal(one, other):
    np.testing.assert_array_equal(one.starts, other.starts)
    np.testing.assert_array_equal(one.points, other.points)


@settings(max_examples=60)
@given(LABELS.flatmap(lambda a: st.tuples(st.just(a), chunkings(a.shape))), st.randoms())
def test_hulls_of_chunks_join_to_the_hull_of_the_whole(both, random):
    labels, chunks = both
    whole, count = whole_hulls(labels), int(labels.max())
    parts = list(hulls_of_chunks(labels, chunks))
    random.shuffle(parts)
    assert_equal(joined(parts, count), whole)
    cut = random.randint(0, len(parts))
    some = [joined(part, count) for part in (parts[:cut], parts[cut:]) if part]
    assert_equal(joined(some, count), whole)


@pytest.mark.parametrize("name", NAMED)
@settings(max_examples=5)
@given(data=st.data())
def test_hulls_of_objects_in_many_chunks(name, data):
    labels = measure.label(NAMED[name])[None].astype(np.int32)
    chunks = data.draw(chunkings(labels.shape))
    parts = list(hulls_of_chunks(labels, chunks))
    assert_equal(joined(parts, int(labels.max())), whole_hulls(labels))


@settings(max_examples=100)
@given(PLANES)
def test_points_are_the_corners_that_qhull_finds(labels):
    hulls = whole_hulls(labels)
    for row in range(len(hulls)):
        pixels = np.argwhere(labels == row + 1)
        expected = pixels[[0, -1]][: len(pixels)] if len(pixels) else pixels
        try:
            expected = pixels[np.sort(ConvexHull(pixels[:, 1:]).vertices)]
        except (QhullError, ValueError):  # none, or all in a line
            expected = np.unique(expected, axis=0)
        assert hulls.take(slice(row, row + 1)).points.tolist() == expected.tolist()


def test_taking_rows():
    hulls = whole_hulls(np.array([[[1, 0, 3], [1, 2, 2]]], np.int32))
    assert_equal(hulls.take(np.array([2, 0])), joined([hulls.take(np.array([2, 0]))], 2))
    assert hulls.take(np.array([False, True, False])).points.tolist() == [[0, 1, 1], [0, 1, 2]]
    assert len(hulls.take(slice(1, None))) == 2 and len(hulls.take(np.zeros(3, bool))) == 0
    assert_equal(hulls.take(slice(None)), hulls)


def test_rows_without_a_source_are_empty():
    hulls = join_rows(whole_hulls(np.ones((1, 1, 2), np.int32)), np.array([1]), 3)
    assert hulls.starts.tolist() == [0, 0, 2, 2]
    assert convex_areas(hulls).tolist() == [0, 2, 0]
    assert feret_diameters(hulls).tolist() == [0, 2, 0]
    assert least_feret_diameters(hulls).tolist() == [0, 1, 0]


def assert_as_scikit_image(plane, spacing=(1.0, 1.0)):
    hulls = find_hulls(plane[None], int(plane.max()), (0, 1000, 2**40))
    names = ["area_convex", "feret_diameter_max", "solidity", "num_pixels"]
    table = measure.regionprops_table(plane, properties=["label", *names], spacing=spacing)
    at = table["label"] - 1
    areas = convex_areas(hulls)[at]
    np.testing.assert_allclose(areas * np.prod(spacing), table["area_convex"], rtol=1e-12)
    np.testing.assert_allclose(table["num_pixels"] / areas, table["solidity"], rtol=1e-12)
    diameters = feret_diameters(hulls, spacing)[at]
    np.testing.assert_allclose(diameters, table["feret_diameter_max"], rtol=1e-12)


@settings(max_examples=100)
@given(PLANES, st.sampled_from([(1.0, 1.0), (0.3, 2.5)]))
def test_as_scikit_image(labels, spacing):
    assert_as_scikit_image(labels[0], spacing)


@pytest.mark.parametrize("name", NAMED)
def test_shapes_that_are_hard_to_follow(name):
    assert_as_scikit_image(NAMED[name].astype(np.int32))
    assert_as_scikit_image(measure.label(NAMED[name]).astype(np.int32))
    assert_as_scikit_image(np.where(NAMED[name], 1, 2).astype(np.int32))


@pytest.mark.parametrize("seed", range(8))
def test_large_hulls_as_scikit_image(seed):
    rng = np.random.default_rng(seed)
    y, x = np.indices((160, 230))
    ellipse = (y - 80) ** 2 / rng.uniform(9, 70) ** 2 + (x - 110) ** 2 / rng.uniform(9, 110) ** 2
    scattered = np.zeros((160, 230), np.int32)
    scattered.reshape(-1)[rng.choice(scattered.size, 12)] = 1
    for plane in ((ellipse <= 1).astype(np.int32), scattered):
        assert_as_scikit_image(plane)


def least_width(pixels):
    """Return the least width of squares, over the directions of all pairs of their corners."""
    halves = np.array(list(product((-0.5, 0.5), repeat=2)))
    corners = np.unique((pixels[:, None] + halves).reshape(-1, 2), axis=0)
    sides = (corners[:, None] - corners).reshape(-1, 2)
    sides = sides[sides.any(axis=1)]
    normals = sides[:, ::-1] * (1, -1) / np.hypot(*sides.T)[:, None]
    return np.ptp(corners @ normals.T, axis=0).min()


@settings(max_examples=60)
@given(PLANES.map(lambda labels: labels[:, :8, :8]), st.sampled_from([(1.0, 1.0), (0.5, 3.0)]))
def test_least_feret_diameter(labels, spacing):
    diameters = least_feret_diameters(whole_hulls(labels))
    for label in np.unique(labels[labels > 0]):
        expected = least_width(np.argwhere(labels[0] == label))
        assert diameters[label - 1] == pytest.approx(expected, rel=1e-12)


def test_least_feret_diameters_of_known_shapes():
    line, diagonal = np.ones((1, 1, 9), np.int32), np.eye(9, dtype=np.int32)[None]
    assert least_feret_diameters(whole_hulls(line)).tolist() == [1]
    assert least_feret_diameters(whole_hulls(line), (3.0, 1.0)).tolist() == [3]
    assert least_feret_diameters(whole_hulls(diagonal)) == pytest.approx([2**0.5])
    steep = least_feret_diameters(whole_hulls(diagonal), (0.5, 2.0))
    assert steep == pytest.approx([2 * 0.5 * 2.0 / np.hypot(0.5, 2.0)])


def test_results_of_chunks_do_not_add_up():
    """Only extreme pixels may travel: areas of parts of a ring miss its hole."""
    ring = np.ones((1, 10, 10), np.int32)
    ring[:, 2:8, 2:8] = 0
    parts = list(hulls_of_chunks(ring, ((1,), (5, 5), (5, 5))))
    assert sum(convex_areas(part)[0] for part in parts) != 100
    assert convex_areas(joined(parts, 1)).tolist() == [100]


def test_pixels_far_apart():
    pixel = np.ones((1, 1, 1), np.int32)
    far = [find_hulls(pixel, 1, (0, y, x)) for y, x in ((0, 0), (4, 2**29), (2, 2**28))]
    assert joined(far, 1).points.tolist() == [[0, 0, 0], [0, 4, 2**29]]
