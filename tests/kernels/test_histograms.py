import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pspy_dask.kernels.histograms import (
    Histogram,
    ValueRange,
    float_centers,
    float_histogram,
    integer_histogram,
    value_range,
)

integers = st.sampled_from(["u1", "i1", "u2", "i2"]).flatmap(
    lambda kind: npst.arrays(kind, st.integers(0, 40))
)
floats = st.sampled_from(["f4", "f8"]).flatmap(
    lambda kind: npst.arrays(
        kind,
        st.integers(1, 60),
        elements=st.floats(-1000, 1000, width=32 if kind == "f4" else 64),
    )
)


def same(one, two):
    return one.start == two.start and np.array_equal(one.counts, two.counts)


@given(integers)
def test_counts_each_level(values):
    histogram = integer_histogram(values)
    levels, counts = np.unique(values, return_counts=True)
    occupied = np.flatnonzero(histogram.counts)
    np.testing.assert_array_equal(histogram.centers[occupied], levels)
    np.testing.assert_array_equal(histogram.counts[occupied], counts)
    assert histogram.total == values.size
    if values.size:
        assert histogram.counts[0]
        assert histogram.counts[-1]


@given(integers, st.integers(0, 40), st.integers(0, 40))
def test_merging_is_associative_and_commutative(values, first, second):
    cut, end = sorted((min(first, values.size), min(second, values.size)))
    one, two, three = map(integer_histogram, (values[:cut], values[cut:end], values[end:]))
    whole = integer_histogram(values)
    assert same(one.merge(two).merge(three), whole)
    assert same(one.merge(two.merge(three)), whole)
    assert same(three.merge(one).merge(two), whole)
    assert same(Histogram.empty().merge(whole), whole)


def test_mask_bool_byte_order_and_wide_integers():
    values = np.array([[3, 9], [3, 4]], ">u2")
    masked = integer_histogram(values, np.array([[True, False], [True, True]]))
    assert same(masked, Histogram(3, np.array([2, 1])))
    assert same(integer_histogram(np.array([True, False, True])), Histogram(0, np.array([1, 2])))
    top = np.array([2**64 - 1, 2**64 - 3], np.uint64)
    assert same(integer_histogram(top), Histogram(2**64 - 3, np.array([1, 0, 1])))


def test_refuses_too_many_levels_and_floats():
    with pytest.raises(ValueError, match="convert it to float32 first"):
        integer_histogram(np.array([0, 2**24], np.int32))
    with pytest.raises(ValueError, match="convert it to float32 first"):
        Histogram(0, np.array([1])).merge(Histogram(2**24, np.array([1])))
    with pytest.raises(TypeError, match="integers"):
        integer_histogram(np.zeros(3))


@given(floats, st.integers(0, 60), st.booleans())
def test_ranges_merge(values, cut, spoil):
    if spoil:
        values = np.concatenate([values, np.array([np.nan, np.inf, -np.inf], values.dtype)])
    finite = values[np.isfinite(values)]
    found = value_range(values[:cut]).merge(value_range(values[cut:]))
    assert found == value_range(values[cut:]).merge(value_range(values[:cut]))
    assert (found.low, found.high) == (finite.min(), finite.max())
    assert found.low.dtype == found.high.dtype == values.dtype
    assert not np.signbit(found.low) or found.low < 0


def test_range_of_nothing():
    nothing = value_range(np.array([np.nan], np.float32))
    assert nothing.is_empty
    assert nothing == ValueRange.empty(np.float32)
    some = value_range(np.array([2.0], np.float32))
    assert nothing.merge(some) == some.merge(nothing) == some


@given(floats, st.sampled_from([1, 2, 7, 256, 65536]), st.sampled_from(["own", "float", "f8"]))
def test_bins_are_those_of_numpy(values, bins, kind):
    found = value_range(values)
    convert = {"own": values.dtype.type, "float": float, "f8": np.float64}[kind]
    low, high = convert(found.low), convert(found.high)
    compare_with_numpy(values, low, high, bins)


def compare_with_numpy(values, low, high, bins):
    try:
        expected, edges = np.histogram(values, bins, range=(low, high))
    except ValueError:
        with pytest.raises(ValueError, match="cannot be cut into"):
            float_histogram(values, low, high, bins)
        return
    np.testing.assert_array_equal(float_histogram(values, low, high, bins), expected)
    centers = float_centers(values.dtype, low, high, bins)
    assert centers.dtype == edges.dtype
    np.testing.assert_array_equal(centers, (edges[:-1] + edges[1:]) / 2.0)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_many_values_fall_into_numpys_bins(dtype):
    rng = np.random.default_rng(1)
    for trial in range(40):
        values = rng.normal(size=3000) * 10.0 ** rng.integers(-3, 5)
        values = (values + rng.normal() * 10.0 ** rng.integers(-2, 4)).astype(dtype)
        if trial % 3 == 0:
            values = np.round(values)
        inner = np.quantile(values, [0.1, 0.9])
        values[:3] = np.nan, np.inf, -np.inf
        found = value_range(values)
        for low, high in ((found.low, found.high), inner, inner.tolist(), (inner[0], inner[0])):
            for bins in (7, 256, 65536):
                compare_with_numpy(values, low, high, bins)


def test_histograms_of_parts_add_up():
    values = np.random.default_rng(2).normal(size=(40, 50)).astype(np.float32)
    mask = values > 0
    found = value_range(values, mask)
    whole = float_histogram(values, found.low, found.high, 256, mask)
    parts = [
        float_histogram(part, found.low, found.high, 256, part > 0)
        for part in (values[:7, :9], values[:7, 9:], values[7:])
    ]
    np.testing.assert_array_equal(sum(parts), whole)
    assert whole.sum() == mask.sum()
