"""Areas of labels and labels cleared, against NumPy's slow words for the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pspy_dask.kernels.label_areas import label_areas, without_labels

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 30))
NEAR = st.integers(-2, 3)
FAR = st.sampled_from([0, 0, -(2**62), -1, 1, 2**31, 2**62])
LABELS = SHAPES.flatmap(
    lambda s: arrays(np.int64, s, elements=NEAR) | arrays("i8", s, elements=FAR)
)


def counted(labels):
    found, area = np.unique(labels[labels != 0], return_counts=True)
    return found.tolist(), area.tolist()


@settings(max_examples=50)
@given(LABELS, st.lists(NEAR | FAR, max_size=4))
def test_any_labels(labels, dropped):
    for array in (labels, labels[..., ::-1], np.asfortranarray(labels)):
        found, area = label_areas(array)
        assert (found.tolist(), area.tolist()) == counted(array)
        before = array.copy()
        cleared = without_labels(array, np.array(dropped, np.int64))
        np.testing.assert_array_equal(cleared, np.where(np.isin(array, dropped), 0, array))
        np.testing.assert_array_equal(array, before)
        assert cleared.flags.c_contiguous and not np.shares_memory(cleared, array)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i4", "u4", "i8", "u8"])
def test_labels_of_every_type(dtype):
    top = min(int(np.iinfo(dtype).max), 2**63 - 1)
    labels = np.repeat(np.array([0, top, 1, 3, 0, top, 5], dtype), [3, 20, 1, 9, 17, 8, 40])
    found, area = label_areas(labels)
    assert (found.tolist(), area.tolist()) == ([1, 3, 5, top], [1, 9, 40, 28])
    for dropped in ([top], [1, 3], [1, top]):
        cleared = without_labels(labels, np.array(dropped))
        assert cleared.dtype == labels.dtype
        expected = np.where(np.isin(labels, dropped), 0, labels)
        np.testing.assert_array_equal(cleared, expected)


def test_no_pixels_have_no_labels():
    found, area = label_areas(np.zeros((0, 3), np.int32))
    assert found.size == 0 and area.size == 0
    assert without_labels(np.zeros((0, 3), np.int32), np.array([1])).shape == (0, 3)


def test_a_label_that_is_too_large_is_refused():
    with pytest.raises(OverflowError, match="number labels anew"):
        label_areas(np.full((2, 2), 2**63, np.uint64))
