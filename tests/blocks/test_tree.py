"""The tree carries every message once, to the right node, in the same order as a plain loop."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import dask.array as da
import numpy as np
import pytest
from dask.graph_manipulation import clone
from hypothesis import given, settings
from hypothesis import strategies as st

from pspy_dask.blocks.grid import make_grid
from pspy_dask.blocks.sources import ArraySource, lazy_array
from pspy_dask.blocks.tree import sweep, sweep_serially
from tests.shapes import chunkings

FAST = settings(max_examples=25)
PIXELS = np.random.default_rng(7).integers(0, 9, (11, 17)).astype(np.int64)


def digest(*things):
    return crc32(repr(things).encode())


@dataclass(frozen=True)
class Witness:
    """Every message is a digest of all that its sender knew; every pixel of what reached it."""

    salt: int = 0

    def leaf(self, pixels, window, *values):
        seen = digest(self.salt, window.core, window.outer, pixels.tolist())
        return seen, (seen, sum(int(v.sum()) for v in values))

    def join(self, box, boxes, shape, messages):
        seen = digest("up", box, boxes, shape, messages)
        return seen, seen

    def split(self, box, boxes, shape, kept, told):
        return [digest("down", box, child, shape, kept, told) for child in boxes]

    def finish(self, window, kept, told):
        return np.full(window.core.shape, digest(kept[0], told) + kept[1])


def lazily(pixels, chunks, random_access):
    if random_access:
        return lazy_array(ArraySource(pixels, (None,) * pixels.ndim), chunks)
    return da.from_array(pixels, chunks=chunks) + 0


@FAST
@given(chunkings(PIXELS.shape), st.tuples(*[st.integers(0, 20)] * 2), st.booleans(), st.booleans())
def test_sweep_equals_a_plain_loop(chunks, halo, random_access, twice):
    image = lazily(PIXELS, chunks, random_access)
    reread = (image if random_access else clone(image)) if twice else None
    result = sweep(image, Witness(), halo=halo, dtype=np.int64, reread=reread)
    assert result.chunks == chunks and result.dtype == np.int64
    expected = sweep_serially(PIXELS, make_grid(chunks), Witness(), halo, np.int64)
    np.testing.assert_array_equal(result.compute(scheduler="sync"), expected)


@settings(max_examples=10)
@given(st.data())
def test_volumes(data):
    volume = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    chunks = data.draw(chunkings(volume.shape))
    result = sweep(lazily(volume, chunks, True), Witness(), halo=(1, 0, 2), dtype=np.int64)
    expected = sweep_serially(volume, make_grid(chunks), Witness(), (1, 0, 2), np.int64)
    np.testing.assert_array_equal(result.compute(scheduler="sync"), expected)


@pytest.mark.parametrize("time_chunks", [(1, 1, 1), (3,), (2, 1)])
@pytest.mark.parametrize("random_access", [True, False])
def test_each_frame_has_its_own_tree_and_values(time_chunks, random_access):
    series = np.stack([PIXELS, PIXELS + 1, PIXELS * 2])
    chunks = ((5, 6), (1,) * 17)
    image = lazily(series, (time_chunks, *chunks), random_access)
    each = da.from_array(np.array([[10, 1], [20, 2], [30, 3]]), chunks=(1, 2))
    shared = da.from_array(np.array([400]), chunks=1)
    result = sweep(
        image, Witness(), halo=(1, 1), dtype=np.int64, frames=True, values=(each, shared)
    )
    assert result.chunks == ((1, 1, 1), *chunks)
    for k, (frame, given_to_it) in enumerate(zip(series, (411, 422, 433), strict=True)):
        serial = sweep_serially(frame, make_grid(chunks), Witness(), (1, 1), np.int64)
        found = result[k].compute(scheduler="sync")
        np.testing.assert_array_equal(found, serial + given_to_it)


def test_one_chunk_takes_the_same_path():
    result = sweep(lazily(PIXELS, ((11,), (17,)), True), Witness(), halo=(0, 0), dtype=np.int64)
    (value,) = np.unique(result.compute(scheduler="sync"))
    box = make_grid(((11,), (17,))).box(0, (0, 0))
    seen = digest(0, box, box, PIXELS.tolist())
    root = digest("up", box, [box], (11, 17), [seen])
    assert value == digest(seen, digest("down", box, box, (11, 17), root, None))


def test_another_program_halo_or_image_has_another_name():
    def name(pixels=PIXELS, salt=0, halo=0):
        image = lazily(pixels, ((11,), (17,)), True)
        return sweep(image, Witness(salt), halo=(halo, halo), dtype=np.int64, name="kind").name

    names = [name(), name(PIXELS + 1), name(salt=1), name(halo=1)]
    assert len(set(names)) == 4 and all(n.startswith("kind-") for n in names)
    assert name() == names[0]
