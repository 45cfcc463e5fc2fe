"""Numbers of many chunks merged in few tasks, and chunks that are made where they are needed."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pspy_dask as ps
from pspy_dask.blocks.cheap import chunk_of
from pspy_dask.blocks.merging import total
from tests.blocks.test_passes import FAST, lazily
from tests.shapes import chunkings

NUMBERS = np.random.default_rng(2).integers(-(2**40), 2**40, (17, 29))


@FAST
@given(chunkings(NUMBERS.shape), st.sampled_from(["i8", "u2", "f8", "bool"]))
def test_totals_are_sums(chunks, dtype):
    numbers = NUMBERS.astype(dtype)
    lazy = total(lazily(numbers, chunks, random_access=True))
    assert (lazy.shape, lazy.dtype) == ((), numbers.sum().dtype)
    found = lazy.compute(scheduler="sync")
    assert found.dtype == lazy.dtype and found == numbers.sum()


@given(st.integers(1, 300))
def test_a_total_takes_a_task_for_sixteen_chunks(count):
    ones = da.ones(count, chunks=1)
    added = len(dict(total(ones).dask)) - len(dict(ones.dask))
    assert added <= 1 + -(-count // 16) + -(-count // 256)


@pytest.mark.parametrize("fraction", [0.0, 0.4])
def test_labels_are_painted_where_they_are_needed(fraction):
    mask = np.random.default_rng(1).random((40, 50)) < fraction
    labels = ps.label(da.from_array(mask, chunks=(13, 17))).data
    made = chunk_of(labels, (1, 2))
    found = made(computed(labels, made.dependencies))
    np.testing.assert_array_equal(found, labels.blocks[1, 2].compute(scheduler="sync"))


def test_other_chunks_are_handed_on():
    lazy = da.ones((4, 4), chunks=2) + 1
    assert chunk_of(lazy, (0, 1)).key == (lazy.name, 0, 1)


def computed(array, keys):
    wanted = list(keys)
    return dict(zip(wanted, dask.get(dict(array.dask), wanted), strict=True))
