"""Particles that touch are parted alike, whatever the chunks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pspy_dask.blocks.grid import make_grid
from pspy_dask.blocks.tree import sweep_serially
from pspy_dask.kernels.split import SplitRule
from pspy_dask.segmentation.foreground import is_non_zero
from pspy_dask.segmentation.watershed import SplitObjects
from tests.shapes import NAMED, blobs, chunkings


def split(mask, chunks, rule):
    program = SplitObjects(is_non_zero, mask.ndim, rule, np.dtype(np.int32))
    return sweep_serially(mask, make_grid(chunks), program, (0,) * mask.ndim, np.int32)


def in_one_piece(mask, rule):
    return split(mask, tuple((n,) for n in mask.shape), rule)


RULES = st.builds(
    SplitRule,
    separation=st.integers(1, 30),
    erosion=st.sampled_from([0, 0, 1, 2]),
    min_size=st.sampled_from([0, 5]),
    clear_border=st.booleans(),
    steps=st.just((1.0, 1.0, 1.0)),
)


@pytest.mark.parametrize("name", NAMED)
@settings(max_examples=8)
@given(data=st.data(), rule=RULES)
def test_named_shapes_at_any_chunks(name, data, rule):
    mask = NAMED[name]
    chunks = data.draw(chunkings(mask.shape))
    np.testing.assert_array_equal(split(mask, chunks, rule), in_one_piece(mask, rule))


@settings(max_examples=15)
@given(st.data(), RULES, st.sampled_from([1.0, 2.2]))
def test_volumes_at_any_chunks(data, rule, step):
    z, y, x = np.indices((9, 17, 19))
    mask = np.zeros(z.shape, bool)
    for centre in ((3, 5, 5), (4, 9, 11), (6, 12, 4), (2, 13, 15)):  # spheres that touch
        mask |= sum((a - c) ** 2 for a, c in zip((z, y, x), centre, strict=True)) <= 16
    rule = rule._replace(steps=(step, 1.0, 1.0))
    chunks = data.draw(chunkings(mask.shape))
    np.testing.assert_array_equal(split(mask, chunks, rule), in_one_piece(mask, rule))


def test_without_the_tree_seams_part_particles():
    mask, rule = blobs(40), SplitRule(5, 0, 0, False, (1.0, 1.0, 1.0))
    halves = [in_one_piece(half, rule).max() for half in np.split(mask, 2)]
    assert sum(halves) > in_one_piece(mask, rule).max()
