"""Perimeters and Euler numbers against scikit-image's, and counts of chunks against the whole's."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import measure

from pspy_dask.kernels.outlines import (
    HALO_PLANE,
    HALO_VOLUME,
    euler_number,
    measure_outlines,
    perimeter,
    perimeter_crofton,
)
from tests.shapes import NAMED, chunkings

PLANES = st.tuples(st.integers(1, 9), st.integers(1, 9))
VOLUMES = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))


def labels_of(shapes):
    """Draw few labels, so that many pixels touch their like, others and the edge."""
    return shapes.flatmap(lambda s: arrays(np.int32, s, elements=st.sampled_from([0, 1, 1, 1, 2])))


LABELS = labels_of(PLANES) | labels_of(VOLUMES)


def whole_counts(labels):
    return measure_outlines(labels, int(labels.max()), (slice(None),) * labels.ndim)


def counts_of_chunks(labels, chunks, halo):
    """Add the counts of all chunks, each seen with its halo alone."""
    total = 0
    edges = [list(pairwise(np.cumsum((0, *lengths)).tolist())) for lengths in chunks]
    for bounds in product(*edges):
        starts, stops = np.array(bounds).T
        low = np.maximum(starts - halo, 0)
        high = np.minimum(stops + halo, labels.shape)
        core = tuple(map(slice, starts - low, stops - low))
        window = labels[tuple(map(slice, low, high))]
        total = total + measure_outlines(window, int(labels.max()), core)
    return total


def assert_as_scikit_image(labels):
    counts = whole_counts(labels)
    names = ["euler_number"]
    if labels.ndim == 2:
        names += ["perimeter", "perimeter_crofton"]
    table = measure.regionprops_table(labels, properties=["label", *names])
    at = table["label"] - 1
    assert euler_number(counts)[at].tolist() == table["euler_number"].tolist()
    if labels.ndim == 3:
        return
    np.testing.assert_allclose(perimeter(counts)[at], table["perimeter"], rtol=1e-12)
    np.testing.assert_allclose(
        perimeter_crofton(counts)[at], table["perimeter_crofton"], rtol=1e-12
    )
    for region in measure.regionprops(labels):
        eight = measure.perimeter(region.image, 8)
        assert perimeter(counts, 8)[region.label - 1] == pytest.approx(eight, rel=1e-12)


@settings(max_examples=100)
@given(LABELS)
def test_as_scikit_image(labels):
    assert_as_scikit_image(labels)


@pytest.mark.parametrize("name", NAMED)
def test_shapes_that_are_hard_to_follow(name):
    mask = NAMED[name]
    assert_as_scikit_image(mask.astype(np.int32))
    assert_as_scikit_image(measure.label(mask).astype(np.int32))
    assert_as_scikit_image(np.where(mask, 1, 2).astype(np.int32))  # touch everywhere


@pytest.mark.parametrize("name", NAMED)
def test_volumes_that_are_hard_to_follow(name):
    mask = NAMED[name][:, :, None] & NAMED[name].T[None, :, ::3]
    assert_as_scikit_image(mask.astype(np.int32))
    assert_as_scikit_image(np.where(mask, 1, 2).astype(np.int32))


def test_euler_numbers_of_known_bodies():
    ball = np.ones((5, 5, 5), np.int32)
    hollow, torus = ball.copy(), ball.copy()
    hollow[2, 2, 2] = 0
    torus[:, 2, 2] = 0
    for body, number in ((ball, 1), (hollow, 2), (torus, 0)):
        assert euler_number(whole_counts(body)).tolist() == [number]


@settings(max_examples=60)
@given(LABELS.flatmap(lambda a: st.tuples(st.just(a), chunkings(a.shape))))
def test_counts_of_chunks_add_up(both):
    labels, chunks = both
    halo = HALO_PLANE if labels.ndim == 2 else HALO_VOLUME
    np.testing.assert_array_equal(counts_of_chunks(labels, chunks, halo), whole_counts(labels))


@pytest.mark.parametrize("shape, halo", [((12, 12), HALO_PLANE), ((6, 6, 6), HALO_VOLUME)])
def test_a_smaller_halo_would_not_do(shape, halo):
    labels = np.random.default_rng(4).integers(0, 3, shape).astype(np.int32)
    chunks = tuple((length // 2,) * 2 for length in shape)
    whole = whole_counts(labels)
    assert (counts_of_chunks(labels, chunks, halo) == whole).all()
    assert (counts_of_chunks(labels, chunks, halo - 1) != whole).any()


def test_regions_in_the_halo_alone_count_nothing():
    labels = np.zeros((7, 7), np.int32)
    labels[1, :], labels[3, 3] = 1, 2
    counts = measure_outlines(labels, 2, np.s_[3:5, 2:5])
    assert not counts[0].any() and counts[1].any()


def test_no_regions():
    counts = whole_counts(np.zeros((4, 5), np.int32))
    assert euler_number(counts).shape == perimeter(counts).shape == (0,)


def test_other_neighbourhoods_are_refused():
    with pytest.raises(ValueError, match="ask for 4 or 8"):
        perimeter(whole_counts(np.ones((2, 2), np.int32)), 6)
