"""Labels numbered by identity: any part of them from that part and its surroundings alone."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import pspy_dask as ps
from pspy_dask.blocks.sources import ArraySource, lazy_array
from pspy_dask.datasets import mosaic
from pspy_dask.kernels.windowed import Lattice
from pspy_dask.segmentation import identity
from tests.shapes import NAMED, blobs, chunkings

WAYS = st.fixed_dictionaries(
    {
        "threshold": st.just("niblack"),
        "local_size": st.just(9),
        "watershed": st.booleans(),
        "min_size": st.sampled_from([0, 9]),
        "clear_border": st.booleans(),
    }
)


def preview(image, **options):
    return ps.segment(image, numbering="identity", **options)


def cut(pixels, chunks):
    """Return an array that is read at random: with chunks of a pixel windows meet all others."""
    return lazy_array(ArraySource(pixels, (None,) * pixels.ndim), chunks)


def in_small_tiles(image, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "PLANES", Lattice(side=16, reach=12))
        patch.setattr(identity, "VOLUMES", Lattice(side=8, reach=4))
        return preview(image, **options)


def by_identity(labels):
    """Number labels by the positions of first pixels."""
    numbers, firsts = np.unique(labels, return_index=True)
    return np.where(labels > 0, firsts[np.searchsorted(numbers, labels)] + 1, 0)


@settings(max_examples=8)
@given(st.data(), WAYS, st.sampled_from(sorted(NAMED)))
def test_any_chunks(data, ways, name):
    image = NAMED[name].astype(np.uint8) * 200
    chunks = data.draw(chunkings(image.shape))
    expected = in_small_tiles(image, **ways).values
    assert expected.dtype == np.int64
    lazy = in_small_tiles(cut(image, chunks), **ways)
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), expected)


@settings(max_examples=15)
@given(st.data(), WAYS, st.integers(0, 5))
def test_particles_smaller_than_the_reach_are_those_of_the_recipe(data, ways, seed):
    mask = blobs(60, seed) & (np.indices((60, 60)) % 9 > 0).all(axis=0)  # no component is large
    image, ways = mask.astype(np.uint8) * 200, ways | {"threshold": "otsu"}
    found = in_small_tiles(cut(image, data.draw(chunkings(image.shape))), **ways)
    expected = by_identity(ps.segment(image, **ways).values)
    np.testing.assert_array_equal(found.compute(scheduler="sync"), expected)


@settings(max_examples=10)
@given(st.data(), WAYS)
def test_volumes_and_series(data, ways):
    rng = np.random.default_rng(5)
    stack = np.kron(rng.random((3, 4, 4)) < 0.3, np.ones((3, 3, 3))).astype(np.uint8) * 90
    chunks = data.draw(chunkings(stack.shape))
    for dims in ("zyx", "tyx"):
        whole = in_small_tiles(xr.DataArray(stack, dims=tuple(dims)), **ways)
        parts = in_small_tiles(xr.DataArray(cut(stack, chunks), dims=tuple(dims)), **ways)
        np.testing.assert_array_equal(parts.data.compute(scheduler="sync"), whole)


def test_control_larger_components_are_known_by_what_a_window_sees():
    image = np.zeros((64, 64), np.uint8)
    image[30:34, 2:62] = 200
    found = in_small_tiles(image, threshold="sauvola", local_size=9)
    assert len(np.unique(found)) > len(np.unique(ps.segment(image, threshold="sauvola"))) == 2


class Counted:
    """An array that notes which of its chunks are read."""

    def __init__(self, pixels, side):
        self.pixels, self.side = pixels, side
        self.shape, self.dtype, self.ndim = pixels.shape, pixels.dtype, pixels.ndim
        self.read = set()

    def __getitem__(self, index):
        spans = (range(s.start // self.side, -(-s.stop // self.side)) for s in index)
        rows, columns = map(list, spans)
        self.read |= {(y, x) for y in rows for x in columns}
        return self.pixels[index]


@pytest.mark.parametrize("watershed", [False, True])
def test_a_part_reads_itself_and_its_halo_alone(watershed):
    side, n = 512, 12 * 512
    source = Counted(np.random.default_rng(0).integers(0, 99, (n, n), np.uint8), side)
    image = lazy_array(ArraySource(source, (None, None)), ((side,) * 12,) * 2)
    labels = preview(image, threshold="niblack", local_size=31, watershed=watershed)
    part = labels[6 * side + 100 : 6 * side + 300, 4 * side + 10 : 4 * side + 400]
    part.data.compute(scheduler="sync")
    assert source.read == {(y, x) for y in (5, 6, 7) for x in (3, 4, 5)}


def test_a_real_mosaic():
    image = mosaic((700, 900))
    recipe = {"gaussian": 2.0, "min_size": 20, "watershed": True}
    found = preview(image, **recipe).values
    np.testing.assert_array_equal(found, by_identity(ps.segment(image, **recipe).values))


def test_windows_are_put_together_from_chunks_too():
    image = mosaic((200, 300)).values
    whole = in_small_tiles(image, gaussian=2.0, watershed=True)
    parts = in_small_tiles(da.from_array(image, chunks=(70, 90)), gaussian=2.0, watershed=True)
    np.testing.assert_array_equal(parts.data.compute(scheduler="sync"), whole)


def test_what_cannot_be_asked():
    image = np.zeros((9, 9), np.uint8)
    with pytest.raises(ValueError, match="numbering is 'colour': choose 'raster' or 'identity'"):
        ps.segment(image, numbering="colour")
    with pytest.raises(ValueError, match="do not fit labels of type int32: leave dtype out"):
        preview(image, dtype=np.int32)
    with pytest.raises(ValueError, match="as far as a window sees them: choose numbering='raster'"):
        preview(image, watershed=True, watershed_exact=True)
    assert preview(image, watershed_exact=True).shape == (9, 9)  # there is none


def test_components_larger_than_windows_are_parted_as_seen():
    """The reason why exactness is refused: a part of the image is all that a window knows."""
    image = np.zeros((24, 200), np.uint8)
    image[2:22, 2:198] = 200
    options = {"clear_border": False, "watershed": True, "watershed_separation": 9}
    expected = by_identity(ps.segment(image, watershed_exact=True, **options).values)
    assert (in_small_tiles(image, **options).values != expected).any()
    np.testing.assert_array_equal(  # whatever the budget
        in_small_tiles(image, watershed_budget=4096, **options), in_small_tiles(image, **options)
    )
