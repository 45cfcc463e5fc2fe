"""Particles that touch are parted alike, whatever the chunks."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import pspy_dask as ps
from pspy_dask.blocks.grid import make_grid
from pspy_dask.blocks.images import as_image
from pspy_dask.blocks.tree import sweep_serially
from pspy_dask.datasets import mosaic
from pspy_dask.kernels.parting import SplitRule
from pspy_dask.parameters import SegmentationParameters
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
    budget=st.just(2**20),
    exact=st.just(True),
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
    mask, rule = blobs(40), SplitRule(5, 0, 0, False, (1.0, 1.0, 1.0), 2**20, True)
    halves = [in_one_piece(half, rule).max() for half in np.split(mask, 2)]
    assert sum(halves) > in_one_piece(mask, rule).max()


@settings(max_examples=15)
@given(chunkings((40, 40)), st.none() | st.integers(1, 60), st.integers(0, 3))
def test_lazy_labels_are_those_of_one_chunk(chunks, separation, erosion):
    mask = blobs(40)
    options = {"separation": separation, "erosion": erosion}
    expected = ps.watershed(mask, **options).values
    lazy = ps.watershed(da.from_array(mask, chunks=chunks), **options)
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), expected)


def test_in_the_recipe():
    image = mosaic((300, 280))
    recipe = SegmentationParameters(gaussian=2.0, min_size=20, watershed=True)
    parted = ps.segment(image, recipe)
    assert int(parted.max()) > int(ps.segment(image, recipe, watershed=False).max())
    mask = ps.foreground(image, recipe)
    again = ps.watershed(mask, separation=5, min_size=20, clear_border=True)
    np.testing.assert_array_equal(parted, again)
    small = ps.segment(image.copy(data=image.data.rechunk(70)), recipe)
    np.testing.assert_array_equal(parted, small)
    table = ps.region_properties(small, image).compute()
    assert len(table) == int(parted.max())


def test_frames_are_parted_one_by_one():
    frames = np.stack([blobs(30, seed) for seed in range(3)])
    series = xr.DataArray(frames, dims=("t", "y", "x"))
    expected = [ps.watershed(frame, separation=4).values for frame in frames]
    np.testing.assert_array_equal(ps.watershed(series, separation=4), expected)


def test_pixel_sizes_count_in_volumes():
    tall = np.zeros((12, 9, 9), bool)
    tall[1:11, 1:8, 1:8] = True
    tall[5:7] &= np.indices((9, 9)).sum(0) % 9 == 4
    volume = xr.DataArray(tall, dims=("z", "y", "x"))
    scaled = volume.assign_coords(z=np.arange(12) * 5.0, y=np.arange(9.0), x=np.arange(9.0))
    found = ps.watershed(scaled, separation=3).values
    assert ((found > 0) == tall).all()
    assert (found != ps.watershed(volume, separation=3).values).any()


@pytest.mark.parametrize("random_access", [True, False])
def test_recomputing_the_last_pass_changes_nothing(monkeypatch, random_access):
    from pspy_dask.segmentation import labels

    mask = blobs(40)
    expected = ps.watershed(mask, separation=4).values
    monkeypatch.setattr(labels, "_KEEP_PIXELS", 0)
    monkeypatch.setattr(labels, "_SHARE_BYTES", 0)
    image = as_image(mask, chunks=9) if random_access else da.from_array(mask, chunks=9)
    np.testing.assert_array_equal(ps.watershed(image, separation=4), expected)


def test_what_cannot_be_asked():
    mask = np.ones((5, 5), bool)
    with pytest.raises(ValueError, match="watershed_separation is 0"):
        ps.watershed(mask, separation=0)
    with pytest.raises(ValueError, match="watershed_erosion is -1"):
        ps.watershed(mask, erosion=-1)
    assert int(ps.watershed(mask, separation=99).max()) == 1  # one marker a component, no error
