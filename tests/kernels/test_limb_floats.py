"""Long integers are rounded to doubles as Python rounds them."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from pspy_dask.kernels.exact_sums import grouped_limbs, to_float
from pspy_dask.kernels.limb_floats import limbs_to_floats
from pspy_dask.kernels.limbs import Limbs, limbs_to_ints

DIGITS = st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 2**31, 2**32 - 1])


@given(
    rows=st.integers(1, 6).flatmap(
        lambda n: st.lists(st.lists(DIGITS, min_size=n, max_size=n), min_size=1, max_size=4)
    ),
    signs=st.lists(st.sampled_from([-1, 1]), min_size=4, max_size=4),
    lowest=st.integers(0, 55),
)
@example(rows=[[0, 0, 1, 0, 1 << 21]], signs=[1] * 4, lowest=30)  # a tie but for one bit
@example(rows=[[1, 0, 0, 0x80000000, 0, 1 << 20]], signs=[-1] * 4, lowest=3)
def test_the_nearest_double(rows, signs, lowest):
    digits = np.array(rows, np.int64) * np.array(signs[: len(rows)])[:, None]
    limbs = Limbs(digits, lowest)
    expected = [to_float(total, 1) for total in limbs_to_ints(limbs)]
    assert limbs_to_floats(limbs).tolist() == expected


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1))
def test_a_single_double_comes_back(values):
    values = np.array(values)
    limbs = grouped_limbs(np.arange(1, values.size + 1), values, values.size)
    assert limbs_to_floats(limbs).tolist() == values.tolist()


def test_ties_go_to_the_even_one():
    base = 2.0**53
    for sums, expected in ([base, 1.0], base), ([base + 2, 1.0], base + 4):
        limbs = grouped_limbs(np.ones(2, int), np.array(sums), 1)
        assert limbs_to_floats(limbs).tolist() == [expected]


def test_sums_beyond_the_largest_double_are_infinite():
    limbs = grouped_limbs(np.ones(2, int), np.array([-1.7e308, -1.7e308]), 1)
    assert limbs_to_floats(limbs).tolist() == [-np.inf]
