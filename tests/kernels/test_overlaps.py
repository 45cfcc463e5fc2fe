"""Counts of overlaps are those of pixels taken one by one, however blocks are cut."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pspy_dask.kernels.overlaps import count_overlaps, count_pixels, find_label_runs, sum_counts


def images(seed, dtype):
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 0, 0, 3, 4, 100], (2, 9, 13))
    labels[:, :, 1::2] = labels[:, :, :-1:2]  # runs longer than a pixel
    return labels.astype(dtype)


def one_by_one(*labels):
    seen = Counter(zip(*(plane.ravel().tolist() for plane in labels), strict=True))
    return sorted([*key, n] for key, n in seen.items() if all(key))


@given(seed=st.integers(0, 2**16), dtype=st.sampled_from(["u1", "i4", "u8"]))
def test_counts_are_those_of_single_pixels(seed, dtype):
    one, two = images(seed, dtype)
    runs = find_label_runs(one), find_label_runs(two)
    assert count_overlaps(*runs).tolist() == one_by_one(one, two)
    assert count_pixels(runs[0]).tolist() == one_by_one(one)


@given(seed=st.integers(0, 2**16), cut=st.integers(1, 12))
def test_counts_of_blocks_add_up(seed, cut):
    one, two = images(seed, "i4")
    parts = [
        count_overlaps(find_label_runs(one[:, at]), find_label_runs(two[:, at]))
        for at in (slice(cut), slice(cut, None))
    ]
    assert sum_counts(parts).tolist() == one_by_one(one, two)
    assert sum_counts(parts[::-1]).tolist() == one_by_one(one, two)


def test_labels_past_64_bits_with_a_sign():
    with pytest.raises(OverflowError, match="number labels anew"):
        find_label_runs(np.array([2**63], np.uint64))
