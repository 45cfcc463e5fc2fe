import math
from fractions import Fraction

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pspy_dask.kernels.exact_sums import (
    SQUARE_UNIT,
    SUM_UNIT,
    exact_sum,
    grouped_limbs,
    grouped_sums,
    to_float,
)
from pspy_dask.kernels.limbs import limbs_to_ints, sum_rows

doubles = npst.arrays("f8", st.integers(0, 40), elements=st.floats(allow_nan=True, width=64))
singles = npst.arrays("f4", st.integers(0, 40), elements=st.floats(allow_nan=True, width=32))
values = st.one_of(doubles, singles)
EXTREMES = np.array([5e-324, -1e-310, 1.7976931348623157e308, 0.0, -0.0, -1.79e308, np.nan])


def fraction(numbers, power=1):
    finite = numbers[np.isfinite(numbers)]
    return sum((Fraction(float(number)) ** power for number in finite), Fraction(0))


@given(values)
def test_sum_is_exact(numbers):
    assert Fraction(exact_sum(numbers), 2**SUM_UNIT) == fraction(numbers)


def test_sum_of_extremes_and_of_many():
    assert Fraction(exact_sum(EXTREMES), 2**SUM_UNIT) == fraction(EXTREMES)
    many = np.random.default_rng(1).normal(1e3, 1e2, (300, 400))
    assert to_float(exact_sum(many), 1) == math.fsum(many.ravel().tolist())
    assert to_float(exact_sum(many[::2, ::3].T), 1) == math.fsum(many[::2, ::3].ravel().tolist())


@given(values, st.integers(0, 40), st.randoms(use_true_random=False))
def test_order_and_parts_leave_no_trace(numbers, cut, random):
    order = list(range(numbers.size))
    random.shuffle(order)
    whole = exact_sum(numbers)
    assert exact_sum(numbers[order]) == whole
    assert exact_sum(numbers[:cut]) + exact_sum(numbers[cut:]) == whole


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=20))
def test_mean_is_correctly_rounded(numbers):
    total = exact_sum(np.array(numbers))
    assert to_float(total, len(numbers)) == float(fraction(np.array(numbers)) / len(numbers))


def test_mean_of_nothing_and_of_integers():
    assert math.isnan(to_float(0, 0))
    integers = np.array([-(2**31), 2**31 - 1, 5], np.int32)
    assert exact_sum(integers) == int(integers.astype(np.int64).sum()) << SUM_UNIT
    assert exact_sum(np.array([True, True])) == 2 << SUM_UNIT
    with pytest.raises(TypeError, match="32 bits"):
        exact_sum(np.array([1], np.int64))


@given(values, st.data())
def test_groups_are_exact_and_merge(numbers, data):
    groups = data.draw(npst.arrays("i4", numbers.size, elements=st.integers(0, 3)))
    cut = data.draw(st.integers(0, numbers.size))
    sums, squares = grouped_sums(groups, numbers, 3)
    for group in (1, 2, 3):
        members = numbers[groups == group]
        assert Fraction(sums[group - 1], 2**SUM_UNIT) == fraction(members)
        assert Fraction(squares[group - 1], 2**SQUARE_UNIT) == fraction(members, 2)
    for is_square, expected in ((False, sums), (True, squares)):
        parts = [
            grouped_limbs(groups[part], numbers[part], 3, squares=is_square)
            for part in (slice(cut), slice(cut, None))
        ]
        assert limbs_to_ints(parts[0] + parts[1]) == expected
        assert limbs_to_ints(parts[1] + parts[0]) == expected


def test_rows_can_be_taken_and_summed():
    rng = np.random.default_rng(2)
    numbers = np.concatenate([rng.normal(size=60) * 10.0 ** rng.integers(-30, 30, 60), EXTREMES])
    groups = rng.integers(1, 6, numbers.size).astype(np.int32)
    limbs = grouped_limbs(groups, numbers, 5)
    totals = limbs_to_ints(limbs)
    assert limbs_to_ints(limbs.take(np.array([3, 0]))) == [totals[3], totals[0]]
    merged = sum_rows(limbs, np.array([1, 0, 1, 1, 0]), 2)
    assert limbs_to_ints(merged) == [totals[1] + totals[4], totals[0] + totals[2] + totals[3]]


def test_groups_of_an_image():
    labels = np.array([[0, 1], [2, 1]], np.int32)
    pixels = np.array([[9.0, 1.5], [np.inf, 2.0]], np.float32)
    sums, squares = grouped_sums(labels, pixels, 3)
    assert [to_float(total, 1) for total in sums] == [3.5, 0.0, 0.0]
    assert [to_float(total, 1, SQUARE_UNIT) for total in squares] == [6.25, 0.0, 0.0]
