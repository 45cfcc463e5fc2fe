"""Sources read what they are asked for; images of every kind of dask array are taken or refused."""

from __future__ import annotations

import pickle

import dask.array as da
import numpy as np
import pytest
import zarr
from hypothesis import given, settings

from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import as_image
from pspy_dask.blocks.sources import ArraySource, Source, lazy_array
from pspy_dask.blocks.windows import map_windows
from tests.counting import Counting
from tests.shapes import chunkings


def test_fixed_axes_are_left_out():
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    source = ArraySource(array, (1, None, 2, None))
    assert isinstance(source, Source) and source.shape == (3, 5) and source.dtype == array.dtype
    np.testing.assert_array_equal(source.read(Box((1, 2), (3, 5))), array[1, 1:3, 2, 2:5])


@settings(max_examples=20)
@given(chunkings((9, 14)))
def test_a_lazy_array_is_its_source(chunks):
    array = np.random.default_rng(1).random((9, 14))
    lazy = lazy_array(ArraySource(array, (None, None)), chunks)
    assert lazy.chunks == chunks and lazy.dtype == array.dtype
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), array)


def test_a_part_of_a_lazy_array_reads_the_chunks_it_meets():
    source = Counting(np.arange(20 * 30).reshape(20, 30))
    lazy = lazy_array(source, ((8, 8, 4), (10, 10, 10)))
    lazy[9:11, 15:25].compute(scheduler="sync")
    assert sorted(source.boxes) == [Box((8, 10), (16, 20)), Box((8, 20), (16, 30))]


@pytest.mark.parametrize("random_access", [True, False])
def test_a_window_reads_its_rows_and_the_halo(random_access):
    source = Counting(np.arange(40 * 3).reshape(40, 3))
    image = lazy_array(source, ((4,) * 10, (3,)))
    given_to_it = image if random_access else image + 0
    result = map_windows(given_to_it, lambda p, w: p[w.crop], halo=(3, 3), dtype=int)
    np.testing.assert_array_equal(result[21:23].compute(scheduler="sync"), source.array[21:23])
    if random_access:
        (read,) = source.boxes
        assert read == Box((17, 0), (27, 3))
    else:  # the whole chunks that it meets
        assert sorted(box.start[0] for box in source.boxes) == [16, 20, 24]


def test_equal_bytes_are_one_source_and_files_are_told_apart():
    array = np.arange(12).reshape(3, 4)

    def name(a, fixed=(None, None)):
        return lazy_array(ArraySource(a, fixed), tuple((n,) for n in (3, 4))).name

    assert name(array) == name(array.copy())
    assert name(array) != name(array + 1)
    stored = zarr.array(array)
    assert name(stored) != name(stored)  # it may have changed in between
    source = ArraySource(stored, (None, None))
    assert ArraySource(stored, (None, None), source.token) == source


def test_lazy_arrays_pickle():
    lazy = lazy_array(ArraySource(np.eye(5), (None, None)), ((2, 3), (5,)))
    copy = pickle.loads(pickle.dumps(lazy))
    np.testing.assert_array_equal(copy.compute(scheduler="sync"), np.eye(5))


def test_values_of_frames_reach_their_frame():
    series = np.arange(4 * 3 * 5).reshape(4, 3, 5)
    each = da.from_array(np.array([[10], [20], [30], [40]]), chunks=(1, 1))
    shared = da.from_array(np.array([1000, 2000]), chunks=2)

    def function(pixels, window, own, both):
        return pixels[window.crop] + own[0] + both.sum() + 10_000 * window.frame

    expected = series + np.array([3010, 13020, 23030, 33040])[:, None, None]
    for time in ((4,), (3, 1), (1,) * 4):
        for image in (
            da.from_array(series, chunks=(time, 2, 2)) + 0,
            lazy_array(ArraySource(series, (None,) * 3), (time, (2, 1), (4, 1))),
        ):
            result = map_windows(
                image, function, halo=(1, 1), dtype=int, frames=True, values=(each, shared)
            )
            assert result.chunks[0] == (1, 1, 1, 1)
            np.testing.assert_array_equal(result.compute(scheduler="sync"), expected)


def test_empty_chunks_are_left_out():
    array = np.arange(35).reshape(5, 7)
    lazy = as_image(da.from_array(array, chunks=((0, 3, 0, 2), (7, 0))))
    assert lazy.chunks == ((3, 2), (7,))
    np.testing.assert_array_equal(lazy.values, array)
    again = as_image(lazy)
    assert again is lazy
    named = lazy.copy(data=da.from_array(array, chunks=((5, 0), (7,))))
    assert as_image(named).chunks == ((5,), (7,))


def test_chunks_of_unknown_length_are_refused():
    array = da.ones((6, 4), chunks=3)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        as_image(array[array.sum(axis=1) > 0])
