"""Passes over windows: what one piece gives, reading what they must and no more."""

from __future__ import annotations

from dataclasses import dataclass

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter

from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.reduce import reduce_windows
from pspy_dask.blocks.sources import ArraySource, lazy_array, source_of
from pspy_dask.blocks.windows import map_windows
from tests.counting import Counting
from tests.shapes import chunkings

FAST = settings(max_examples=30)
PIXELS = np.random.default_rng(5).integers(0, 1000, (23, 31))


def lazily(pixels, chunks, random_access):
    if random_access:
        return lazy_array(ArraySource(pixels, (None,) * pixels.ndim), chunks)
    return da.from_array(pixels, chunks=chunks) + 0


def widened(radius):
    """The largest pixel within a radius; right only where the halo is at least that."""

    def function(pixels, window):
        return maximum_filter(pixels, 2 * radius + 1, mode="constant", cval=-1)[window.crop]

    return function


@FAST
@given(chunkings(PIXELS.shape), st.integers(0, 9), st.booleans())
def test_windows_see_beyond_their_chunk(chunks, radius, random_access):
    image = lazily(PIXELS, chunks, random_access)
    result = map_windows(image, widened(radius), halo=(radius,) * 2, dtype=PIXELS.dtype)
    assert result.chunks == image.chunks
    expected = maximum_filter(PIXELS, 2 * radius + 1, mode="constant", cval=-1)
    np.testing.assert_array_equal(result.compute(scheduler="sync"), expected)


def test_a_halo_too_small_is_seen():
    image = lazily(PIXELS, ((5,) * 4 + (3,), (31,)), True)
    result = map_windows(image, widened(3), halo=(2, 2), dtype=PIXELS.dtype)
    assert (result.compute(scheduler="sync") != maximum_filter(PIXELS, 7)).any()


def test_a_chunk_reads_its_window_alone():
    source = Counting(PIXELS)
    image = lazy_array(source, ((10, 10, 3), (10, 10, 11)))
    result = map_windows(image, widened(2), halo=(2, 2), dtype=PIXELS.dtype)
    result[12:14, 13:15].compute(scheduler="sync")
    (read,) = source.boxes
    assert read == Box((8, 8), (22, 22))


def test_what_is_done_to_a_source_is_no_source():
    image = lazily(PIXELS, ((23,), (31,)), True)
    assert source_of(image) is not None
    assert source_of(image + 1) is None and source_of(image[1:]) is None


@dataclass(frozen=True)
class Extremes:
    """Lowest, highest and number of pixels."""

    def partial(self, pixels, window):
        core = pixels[window.crop]
        return int(core.min()), int(core.max()), core.size

    def merge(self, a, b):
        return min(a[0], b[0]), max(a[1], b[1]), a[2] + b[2]

    def finish(self, partial):
        return np.array(partial)


@FAST
@given(chunkings(PIXELS.shape), st.booleans())
def test_reductions_count_every_pixel_once(chunks, random_access):
    image = lazily(PIXELS, chunks, random_access)
    numbers = reduce_windows(image, Extremes(), halo=(3, 3), length=3, dtype=np.int64)
    expected = [PIXELS.min(), PIXELS.max(), PIXELS.size]
    assert numbers.compute(scheduler="sync").tolist() == expected


@pytest.mark.parametrize("time_chunks", [(1, 1, 1, 1), (4,), (3, 1)])
@pytest.mark.parametrize("random_access", [True, False])
def test_frames_are_reduced_one_by_one(time_chunks, random_access):
    series = np.stack([PIXELS + 100 * k for k in range(4)])
    image = lazily(series, (time_chunks, (10, 13), (31,)), random_access)
    options = {"halo": (0, 0), "length": 3, "dtype": np.int64, "frames": True}
    each = reduce_windows(image, Extremes(), **options).compute(scheduler="sync")
    whole = reduce_windows(image, Extremes(), per_frame=False, **options).compute(scheduler="sync")
    assert each.tolist() == [[f.min(), f.max(), f.size] for f in series]
    assert whole.tolist() == [series.min(), series.max(), series.size]


def test_many_windows_share_a_task():
    image = lazily(np.zeros((64, 64), np.uint8), ((4,) * 16, (4,) * 16), True)
    graph = reduce_windows(image, Extremes(), halo=(0, 0), length=3, dtype=np.int64).dask
    assert len(dask.base.collections_to_expr([image]).__dask_graph__()) > 256
    assert len(dict(graph)) < 256 * 0.4
