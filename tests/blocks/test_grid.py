"""The geometry of chunks, windows and the tree: integers, no arrays of pixels but to count."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pspy_dask.blocks.chunking import TARGET, choose_chunks
from pspy_dask.blocks.grid import Grid, make_grid
from tests.shapes import chunkings

SHAPES = st.lists(st.integers(1, 30), min_size=2, max_size=3).map(tuple)


@st.composite
def grids(draw):
    chunks = draw(chunkings(draw(SHAPES)))
    return Grid(chunks, tuple(draw(st.integers(2, 4)) for _ in chunks))


@given(grids())
def test_every_level_holds_each_pixel_once(grid):
    for level in range(grid.top + 1):
        seen = np.zeros(grid.shape, int)
        for index in grid.nodes(level):
            seen[grid.box(level, index).slices] += 1
        assert (seen == 1).all()


@given(grids())
def test_children_fill_their_parent(grid):
    assert grid.top >= 1 and set(grid.levels[-1]) == {1}
    for level in range(1, grid.top + 1):
        for index in grid.nodes(level):
            children = grid.children(level, index)
            box, parts = grid.box(level, index), [grid.box(level - 1, c) for c in children]
            assert sum(part.size for part in parts) == box.size
            assert all(part.overlap(box) == part for part in parts)
            assert list(children) == sorted(children)  # raster order
            for slot, child in enumerate(children):
                assert grid.parent(child) == index and grid.slot(level - 1, child) == slot


@given(grids(), st.data())
def test_a_window_is_the_chunk_and_its_halo_inside_the_image(grid, data):
    index = data.draw(st.sampled_from(list(grid.nodes(0))))
    halo = tuple(data.draw(st.integers(0, 40)) for _ in grid.shape)
    core = grid.box(0, index)
    outer = core.grow(halo, grid.shape)
    for a, b, h, n, start, stop in zip(*core, halo, grid.shape, *outer, strict=True):
        assert (start, stop) == (max(0, a - h), min(n, b + h))
    marked = np.zeros(grid.shape, int)
    marked[core.slices] = 1
    assert (marked[outer.slices][core.within(outer)] == 1).all()


@given(grids(), st.data())
def test_chunks_meeting_a_box_are_those_that_share_a_pixel(grid, data):
    box = grid.box(0, data.draw(st.sampled_from(list(grid.nodes(0)))))
    box = box.grow(tuple(data.draw(st.integers(0, 9)) for _ in grid.shape), grid.shape)
    marked = np.zeros(grid.shape, bool)
    marked[box.slices] = True
    expected = [i for i in grid.nodes(0) if marked[grid.box(0, i).slices].any()]
    assert list(grid.chunks_meeting(box)) == expected


def test_fan_suits_the_axes():
    assert make_grid(((1,), (1,))).fan == (4, 4)
    assert make_grid(((1,), (1,), (1,))).fan == (2, 4, 4)


@given(
    st.lists(st.integers(1, 20_000), min_size=2, max_size=3),
    st.lists(st.integers(1, 3000), min_size=3, max_size=3),
)
def test_chosen_chunks_are_whole_stored_chunks_of_about_the_target(shape, stored):
    stored = stored[: len(shape)]
    chunks = choose_chunks(tuple(shape), tuple(stored))
    for length, unit, lengths in zip(shape, stored, chunks, strict=True):
        assert sum(lengths) == length and min(lengths) > 0
        edges = np.cumsum(lengths)[:-1]
        assert (edges % unit == 0).all()
    largest = np.prod([max(lengths) for lengths in chunks])
    least = np.prod([min(u, n) for u, n in zip(stored, shape, strict=True)])
    assert largest <= max(TARGET, least)


@given(st.integers(1, 50), st.integers(1, 60))
def test_a_length_cuts_every_axis(length, side):
    (lengths, _) = choose_chunks((length, 7), chunks=side)
    assert sum(lengths) == length and all(n == side for n in lengths[:-1])
    assert all(a >= b for a, b in pairwise(lengths))


def test_long_lines_are_cut_at_the_target():
    assert choose_chunks((1, 10**12))[1][0] == TARGET
    assert choose_chunks((4, 10**12), (1, 1))[1][0] == TARGET // 4


def test_chunks_may_be_numbers_of_numpy():
    shape = (100, 90)
    assert choose_chunks(shape, chunks=np.int64(40)) == choose_chunks(shape, chunks=40)
    mixed = choose_chunks(shape, chunks=(np.int32(40), (60, 30)))
    assert mixed == ((40, 40, 20), (60, 30))


@pytest.mark.parametrize("chunks", [0, True, np.int64(-1), (np.int64(0), 4)])
def test_chunks_that_cannot_be_are_named(chunks):
    with pytest.raises(ValueError, match=r"chunks is .* 1"):
        choose_chunks((100, 90), chunks=chunks)
