"""The sample of a set of pixels hangs on seed and coordinates, not on how the set is cut."""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pspy_dask.blocks.grid import Box, make_grid
from pspy_dask.blocks.sampling import Sample, SampleLaw
from pspy_dask.kernels.coordinate_hash import coordinate_hashes
from tests.shapes import chunkings

SHAPE = (23, 31)
PIXELS = np.random.default_rng(1).random(SHAPE)
LAW = SampleLaw(seed=3, size=40, total=PIXELS.size)


def sample_of(law, frame, box, pixels=PIXELS, allowed=None):
    part = None if allowed is None else allowed[box.slices]
    drawn = law.drawn(frame, box, part)
    return law.sample(frame, box, drawn, pixels[box.slices].reshape(-1, 1)[drawn[0]])


def boxes(chunks):
    grid = make_grid(chunks)
    return [grid.box(0, index) for index in grid.nodes(0)]


def same(a, b):
    return all(
        np.array_equal(getattr(a, each), getattr(b, each)) for each in ("hashes", "places", "rows")
    )


WHOLE = sample_of(LAW, 0, Box((0, 0), SHAPE))


@given(chunkings(SHAPE), st.randoms(use_true_random=False))
def test_parts_merge_into_the_sample_of_the_whole(chunks, random):
    parts = [sample_of(LAW, 0, box) for box in boxes(chunks)]
    random.shuffle(parts)
    assert same(reduce(Sample.merge, parts), WHOLE)


def test_control_a_generator_for_each_chunk_draws_by_chunks():
    def drawn(chunks):
        rng, places = [], set()
        for number, box in enumerate(boxes(chunks)):
            rng = np.random.default_rng([3, number])
            at = rng.choice(box.size, max(1, round(40 * box.size / PIXELS.size)), replace=False)
            y, x = np.unravel_index(at, box.shape)
            places |= set(
                zip((y + box.start[0]).tolist(), (x + box.start[1]).tolist(), strict=True)
            )
        return places

    cuts = ((12, 11), (31,)), ((23,), (16, 15))
    assert drawn(cuts[0]) != drawn(cuts[1])
    ours = [reduce(Sample.merge, (sample_of(LAW, 0, b) for b in boxes(c))) for c in cuts]
    assert same(*ours)


def some(law):
    """Draw samples that are no parts of one image, with many equal hashes."""
    return st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)), max_size=8, unique=True
    ).map(lambda found: made(law, found))


def made(limit, found):
    order = sorted(found)
    hashes = np.array([h for h, *_ in order], np.uint64)
    places = np.array([(0, 0, y, x) for _, y, x in order], np.int64).reshape(-1, 4)
    cut = slice(limit)
    return Sample(limit, hashes[cut], places[cut], hashes[cut, None] * 1.0)


@given(some(6), some(6), some(6))
def test_merge_is_associative_and_commutative(a, b, c):
    assert same(a.merge(b), b.merge(a))
    assert same(a.merge(b).merge(c), a.merge(b.merge(c)))


@given(st.integers(0, 2**64 - 1), st.integers(1, 200), st.integers(0, 3))
@settings(max_examples=40)
def test_those_of_lowest_hash_are_drawn(seed, size, frame):
    allowed = PIXELS > 0.1
    law = SampleLaw(seed, size, PIXELS.size)
    drawn = sample_of(law, frame, Box((0, 0), SHAPE), allowed=allowed)
    hashes = coordinate_hashes(seed, frame, (0, 0), SHAPE)
    threshold = min(1.0, 4 * size / PIXELS.size) * 2.0**64
    ranked = sorted(
        (int(hashes[at]), (frame, 0, *at))
        for at in product(*map(range, SHAPE))
        if allowed[at] and hashes[at] < threshold
    )[:size]
    assert list(map(tuple, drawn.places.tolist())) == [place for _, place in ranked]
    assert np.array_equal(drawn.rows[:, 0], PIXELS[tuple(drawn.places.T[2:])])


def test_seeds_and_frames_draw_other_pixels():
    box = Box((0, 0), SHAPE)
    others = [sample_of(SampleLaw(4, 40, PIXELS.size), 0, box), sample_of(LAW, 1, box)]
    for other in others:
        assert len(other) == len(WHOLE) == 40
        assert not np.array_equal(other.places[:, 2:], WHOLE.places[:, 2:])


def test_raster_order_is_that_of_frame_plane_row_and_column():
    shape = (3, 5, 7)
    law = SampleLaw(0, 60, 2 * 105)
    pixels = np.arange(105.0).reshape(shape)
    volume = Box((0, 0, 0), shape)
    merged = sample_of(law, 1, volume, pixels).merge(sample_of(law, 0, volume, pixels))
    ordered = merged.in_raster_order()
    places = list(map(tuple, ordered.places.tolist()))
    assert places == sorted(places) and len({p[0] for p in places}) == 2
    assert np.array_equal(ordered.rows[:, 0], pixels[tuple(ordered.places.T[1:])])


@pytest.mark.parametrize(("size", "share"), [(10, 1.0), (10_000, 0.01)])
def test_few_pixels_travel(size, share):
    """Some four times the sample pass, within 5 sigma; all do where there are no more."""
    shape = (1000, 1000) if share < 1 else (5, 8)
    law = SampleLaw(9, size, int(np.prod(shape)))
    passed = law.drawn(0, Box((0, 0), shape), None)[0].size
    assert abs(passed - 4 * size) <= (0 if share == 1 else 5 * np.sqrt(4 * size))
    assert len(sample_of(law, 0, Box((0, 0), shape), np.zeros(shape))) == size


def test_fewer_are_drawn_where_most_must_not_be():
    allowed = np.zeros(SHAPE, bool)
    allowed[:2] = True
    few = sample_of(LAW, 0, Box((0, 0), SHAPE), allowed=allowed)
    assert 0 < len(few) < 40 and few.places[:, 2].max() < 2
