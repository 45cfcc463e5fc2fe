from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pspy_dask.blocks.codec import Packed, pack, unpack

EXTREME = st.sampled_from([-(2**62), -(2**31), -(2**30), -1, 0, 1, 2**30, 2**31, 2**62])


@given(st.integers(1, 4), st.integers(0, 40), st.data())
def test_columns_come_back(columns, length, data):
    values = EXTREME | st.integers(-(2**40), 2**40)
    table = data.draw(arrays(np.int64, (columns, length), elements=values))
    packed = pickle.loads(pickle.dumps(pack(*table)))
    assert unpack(packed).dtype == np.int64
    np.testing.assert_array_equal(unpack(packed), table)


@pytest.mark.parametrize("dtype", ["u1", "i4", "u4", "i8"])
def test_any_integers(dtype):
    column = np.array([0, 200, 3], dtype)
    assert unpack(pack(column))[0].tolist() == [0, 200, 3]


def test_neighbours_that_differ_little_take_no_room():
    rows = np.arange(100_000) + 10**6
    assert len(pack(rows).data) < rows.nbytes / 200


def test_a_damaged_value_is_an_error():
    packed = pack(np.arange(100))
    with pytest.raises((RuntimeError, ValueError)):
        unpack(Packed(packed.shape, packed.dtype, packed.data[:10]))
