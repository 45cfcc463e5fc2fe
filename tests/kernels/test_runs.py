"""Runs and their components against plain NumPy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label as skimage_label

from pspy_dask.kernels.runs import (
    face_values,
    find_runs,
    label_runs,
    measure_components,
    paint,
    roots,
    unite_across,
)
from tests.shapes import NAMED

FAST = settings(max_examples=60)
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 9))
MASKS = SHAPES.flatmap(lambda shape: arrays(bool, shape))


def labelled(mask):
    """Label a block by its runs; 0 is background."""
    runs = find_runs(mask)
    component = label_runs(runs, mask.shape[0])
    return runs, component, paint(runs, component + 1, mask.shape, np.int64)


def expected(mask):
    """Label with scikit-image; one plane of a volume has the neighbours of a plane."""
    return skimage_label(mask[0])[None] if len(mask) == 1 else skimage_label(mask)


@FAST
@given(MASKS)
def test_runs_are_the_rows_cut_where_pixels_change(mask):
    runs = find_runs(mask)
    rows = mask.reshape(-1, mask.shape[-1])
    assert runs.starts.size == len(rows) + 1 and runs.starts[-1] == runs.first.size
    for row, a, b in zip(rows, runs.starts[:-1], runs.starts[1:], strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(int), [0]))))
        assert runs.first[a:b].tolist() == edges[::2].tolist()
        assert runs.stop[a:b].tolist() == edges[1::2].tolist()


@FAST
@given(MASKS)
def test_components_are_those_of_scikit_image(mask):
    np.testing.assert_array_equal(labelled(mask)[2], expected(mask))


@pytest.mark.parametrize("name", NAMED)
def test_named_shapes(name):
    np.testing.assert_array_equal(labelled(NAMED[name][None])[2], expected(NAMED[name][None]))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_strided_masks(axis):
    mask = np.moveaxis(np.random.default_rng(1).random((6, 8, 10)) < 0.3, axis, 0)[::2]
    np.testing.assert_array_equal(labelled(mask)[2], expected(mask))


@FAST
@given(MASKS)
def test_measures_of_components(mask):
    runs, component, labels = labelled(mask)
    found = measure_components(runs, component, mask.shape)
    assert found.area.size == labels.max()
    for k in range(found.area.size):
        pixels = np.argwhere(labels == k + 1)
        z, y, x = pixels[0]
        assert (found.row[k], found.x[k]) == (z * mask.shape[1] + y, x)
        assert found.area[k] == len(pixels)
        touched = [
            face
            for axis, length in enumerate(mask.shape)
            for face, end in ((2 * axis, 0), (2 * axis + 1, length - 1))
            if (pixels[:, axis] == end).any()
        ]
        assert found.faces[k] == sum(1 << face for face in touched)


@FAST
@given(MASKS, st.integers(0, 5))
def test_values_on_a_face(mask, face):
    runs, component, labels = labelled(mask)
    axis, last = divmod(face, 2)
    plane = face_values(runs, component + 1, mask.shape, face)
    np.testing.assert_array_equal(plane, np.take(labels, -1 if last else 0, axis))


@FAST
@given(arrays(bool, (2, 5, 6)), st.booleans())
def test_sets_meet_across_planes_corners_included(mask, turned):
    """Two planes labelled apart and joined are the volume they make, up to its numbers."""
    one, other = expected(mask[:1])[0], expected(mask[1:])[0]
    other = np.where(other > 0, other + one.max(), 0)
    parent = np.arange(max(one.max(), other.max()))
    unite_across(parent, *((other, one) if turned else (one, other)))
    joined = np.concatenate(([0], roots(parent) + 1))[np.stack((one, other))]
    pairs = {*zip(joined[mask].tolist(), skimage_label(mask)[mask].tolist(), strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19))))
def test_the_root_of_a_set_is_its_first(size, links):
    parent, sets = np.arange(size), [{k} for k in range(size)]
    for a, b in links:
        if a < size and b < size:
            unite_across(parent, np.array([[a + 1]]), np.array([[b + 1]]))
            union = sets[a] | sets[b]
            for k in union:
                sets[k] = union
    assert roots(parent).tolist() == [min(members) for members in sets]


def test_zero_is_not_painted():
    mask = np.ones((1, 2, 3), bool)
    runs = find_runs(mask)
    painted = paint(runs, np.array([0, 200]), mask.shape, np.uint8)
    assert painted.dtype == np.uint8
    assert painted.tolist() == [[[0, 0, 0], [200, 200, 200]]]
