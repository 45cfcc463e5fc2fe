"""Sums over regions against loops over the pixels of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pspy_dask.kernels.regions import (
    index_labels,
    measure_extrema,
    measure_shapes,
    measure_small_integers,
)

FAST = settings(max_examples=50)
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 9))
NEAR = st.integers(-3, 9)
FAR = st.sampled_from([0, 0, -(2**62), -1, 1, 2**31, 2**62])
LABELS = SHAPES.flatmap(
    lambda s: arrays(np.int64, s, elements=NEAR) | arrays("i8", s, elements=FAR)
)


def seen(labels):
    """Labels in raster order of first sight."""
    return list(dict.fromkeys(labels[labels != 0].tolist()))


@FAST
@given(LABELS)
def test_labels_are_indexed_in_order_of_sight(labels):
    found, index = index_labels(labels)
    assert index.shape == labels.shape and found.tolist() == seen(labels)
    np.testing.assert_array_equal(np.concatenate(([0], found))[index], labels)


@pytest.mark.parametrize("dtype", ["u1", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("ends", ["near", "far"])
def test_labels_of_every_type(dtype, ends):
    top = min(int(np.iinfo(dtype).max), 2**63 - 1)  # a label is an int64
    values = [1, 2, 3] if ends == "near" else [top, 1, top - 1]
    labels = np.array([0, *values, values[0], 0], dtype)
    found, index = index_labels(labels)
    assert found.dtype == np.int64 and found.tolist() == seen(labels)
    np.testing.assert_array_equal(np.concatenate(([0], found))[index], labels.astype(np.int64))


def test_more_labels_than_were_expected():
    labels = np.arange(5000).reshape(50, 100)[::-1]
    found, index = index_labels(labels)
    assert found.tolist() == seen(labels)
    np.testing.assert_array_equal(np.concatenate(([0], found))[index], labels)


def test_no_pixels_have_no_labels():
    found, index = index_labels(np.zeros((0, 3), np.int32))
    assert found.size == 0 and index.shape == (0, 3)


@FAST
@given(LABELS, st.tuples(*[st.sampled_from([0, 7, 2**31])] * 3))
def test_shapes(labels, origin):
    found, index = index_labels(labels)
    measured = measure_shapes(index, found.size, origin)
    for k in range(found.size):
        pixels = np.argwhere(index == k + 1) + np.array(origin)
        assert measured["area"][k] == len(pixels)
        assert measured["sum"][k].tolist() == pixels.sum(0).tolist()
        assert measured["low"][k].tolist() == pixels.min(0).tolist()
        assert measured["high"][k].tolist() == (pixels.max(0) + 1).tolist()
        assert measured["first"][k].tolist() == pixels[0].tolist()


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "?"])
def test_small_integers(dtype):
    rng = np.random.default_rng(3)
    _, index = index_labels(rng.integers(0, 6, (2, 30, 40)))
    pixels = rng.integers(-(2**15), 2**15, index.shape).astype(dtype)
    pixels[0, 0, :2] = (0, 1) if dtype == "?" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    measured = measure_small_integers(index, 5, pixels)
    for k in range(5):
        members = pixels[index == k + 1].astype(np.int64)
        assert measured["total"][k] == members.sum()
        assert measured["squares"][k] == (members**2).sum()
        assert (measured["least"][k], measured["most"][k]) == (members.min(), members.max())


NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@FAST
@given(LABELS.flatmap(lambda a: st.tuples(st.just(a), arrays("f8", a.shape, elements=NUMBERS))))
def test_extrema_of_finite_pixels(both):
    labels, pixels = both
    found, index = index_labels(labels)
    count, least, most = measure_extrema(index, found.size, pixels)
    for k in range(found.size):
        members = pixels[(index == k + 1) & np.isfinite(pixels)]
        assert count[k] == members.size
        assert least[k] == members.min(initial=np.inf)
        assert most[k] == members.max(initial=-np.inf)


def test_a_label_that_is_too_large_is_refused():
    with pytest.raises(OverflowError, match="number labels anew"):
        index_labels(np.full((2, 2), 2**63, np.uint64))
