"""Moments of regions against Python's integers, which never overflow."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pspy_dask.kernels.moments import is_wide, measure_moments, powers_of, shifted
from pspy_dask.kernels.regions import index_labels, measure_shapes
from pspy_dask.kernels.weighted_sums import measure_float_moments

FEW = settings(max_examples=25, deadline=None)


def places_of(index, region, low):
    return [np.array(i - o, object) for i, o in zip(np.nonzero(index == region), low, strict=True)]


def expected(index, low, powers, weights):
    """Return the moments of each region, made of Python's numbers."""
    rows = []
    for region in range(1, len(low) + 1):
        z, y, x = places_of(index, region, low[region - 1])
        some = weights[index == region]
        rows.append([(some * z**p * y**q * x**r).sum() for p, q, r in powers])
    return rows


def boxes(index, count):
    shapes = measure_shapes(index, count, (0, 0, 0))
    return shapes["low"], shapes["high"]


def found_moments(index, count, powers, pixels=None, bits=0):
    sums, wide = measure_moments(index, *boxes(index, count), powers, pixels, bits)
    return [s if w is None else list(w) for s, w in zip(sums.tolist(), wide, strict=True)]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("shape", [(1, 9, 11), (3, 4, 5), (1, 520, 640), (30, 50, 130)])
@pytest.mark.parametrize("bits", [0, 16])
def test_integers(shape, order, bits):
    rng = np.random.default_rng(order)
    labels = np.where(rng.random(shape) < 0.7, 7, 0)
    labels[:, -3:, -4:] = 3
    found, index = index_labels(labels)
    pixels = rng.integers(-(2**15), 2**16, shape) if bits else None
    weights = (np.ones(shape, int) if pixels is None else pixels).astype(object)
    powers = powers_of(2 if shape[0] == 1 else 3, order)
    low, high = boxes(index, len(found))
    moments = found_moments(index, len(found), powers, pixels, bits)
    assert moments == expected(index, low, powers, weights)
    if order == 3 and min(shape[1:]) > 40:  # control: these do not fit 64 bits
        assert is_wide(high - low, powers, bits)[0]
        assert max(map(abs, moments[0])) > 2**63


@given(st.integers(0, 2**31), st.sampled_from([(0, 0, 0), (5, 1, 9), (0, 200, 3)]))
@FEW
def test_other_reference_points(seed, offset):
    rng = np.random.default_rng(seed)
    index = (rng.random((2, 5, 4)) < 0.5).astype(np.int32)
    powers, ones = powers_of(3, 3), np.ones(index.shape, object)
    origin = [np.zeros(3, int)]
    about_origin = np.array(expected(index, origin, powers, ones), object)
    about_others = expected(index, [-np.array(offset)], powers, ones)
    assert shifted(about_origin, np.array([offset], object), powers).tolist() == about_others


FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(
    st.integers(0, 2**31),
    arrays(np.float64, (2, 3, 4), elements=FLOATS)
    | arrays(np.float32, (2, 3, 4), elements=st.floats(width=32)),
)
@FEW
def test_floats_of_any_size(seed, pixels):
    labels = np.random.default_rng(seed).integers(0, 3, pixels.shape)
    found, index = index_labels(labels)
    powers = powers_of(3, 3)
    low, high = boxes(index, len(found))
    weights = np.array(
        [Fraction(float(v)) if np.isfinite(v) else 0 for v in pixels.reshape(-1)], object
    ).reshape(pixels.shape)
    sums = measure_float_moments(index, low, high, powers, pixels)
    exact = expected(index, low, powers, weights * 2**1074)
    assert [list(row) for row in sums] == exact


def test_floats_far_from_the_corner():
    pixels = np.random.default_rng(0).normal(0, 1e6, (1, 5, 2000))
    index = np.ones(pixels.shape, np.int32)
    low, high = np.zeros((1, 3), int), np.array([[1, 5, 2000]])
    powers = powers_of(2, 3)
    weights = np.array([Fraction(v) for v in pixels.reshape(-1)], object).reshape(pixels.shape)
    sums = measure_float_moments(index, low, high, powers, pixels)
    assert list(sums[0]) == expected(index, low, powers, weights * 2**1074)[0]


def test_objects_too_long_for_their_sums_are_refused():
    index = np.zeros((1, 1, 40_000), np.int32)
    index[...] = 1
    assert found_moments(index, 1, powers_of(2, 2))[0][0] == 40_000
    with pytest.raises(OverflowError, match="smaller chunks"):
        found_moments(index, 1, powers_of(2, 3))
