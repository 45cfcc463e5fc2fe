"""The mosaic is the same specimen however it is read."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from dask.base import tokenize

import pspy_dask as ps
from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import axis_units, pixel_size
from pspy_dask.blocks.sources import Source, source_of
from pspy_dask.datasets import MosaicSource, mosaic


def test_axes_type_and_calibration():
    image = mosaic((70, 90), pixel_size=0.25)
    assert image.dims == ("y", "x") and image.shape == (70, 90) and image.dtype == np.uint16
    assert pixel_size(image) == {"y": 0.25, "x": 0.25}
    assert axis_units(image) == {"y": "nm", "x": "nm"}
    series = mosaic((70, 90), frames=3)
    assert series.dims == ("t", "y", "x") and series.shape == (3, 70, 90)
    assert isinstance(source_of(image.data), Source)


@pytest.mark.parametrize(
    "start", [(0, 0), (2040, 2030), (1530, 3060), (65000, 64000)], ids=["0", "tile", "light", "far"]
)
def test_pixels_do_not_depend_on_the_window(start):
    source = MosaicSource((65536, 65536), 3)
    whole = source.read(Box(start, (start[0] + 120, start[1] + 130)))
    for y, x, rows, columns in [(0, 0, 1, 1), (7, 11, 50, 64), (57, 3, 63, 127), (119, 129, 1, 1)]:
        at = (start[0] + y, start[1] + x)
        part = source.read(Box(at, (at[0] + rows, at[1] + columns)))
        assert np.array_equal(part, whole[y : y + rows, x : x + columns])


def test_a_frame_does_not_depend_on_the_window():
    series = mosaic((150, 150), frames=40)
    whole = series.isel(t=slice(37, 40)).compute()
    part = series.isel(t=38, y=slice(60, 100), x=slice(51, 140)).compute()
    assert np.array_equal(part, whole[1, 60:100, 51:140])
    assert not np.array_equal(whole[0], whole[1])


def test_chunks_do_not_change_pixels():
    image = mosaic((200, 230)).compute()
    assert np.array_equal(mosaic((200, 230), chunks=(64, 77)).compute(), image)
    assert np.array_equal(mosaic((500, 600), chunks=100).compute()[:200, :230], image)


def test_seeds_tell_specimens_apart():
    one, same, other = (mosaic((64, 64), seed=s) for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert one.data.name == same.data.name != other.data.name
    source = source_of(one.data)
    assert tokenize(pickle.loads(pickle.dumps(source))) == tokenize(source)


def test_particles_drift_slowly():
    first, second = mosaic((256, 256), frames=2).compute().values.astype(float)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.9


def test_noise_is_shot_noise():
    pixels = mosaic((256, 256), seed=5).values.astype(float)
    steps = np.diff(pixels, axis=1)
    spread = 1.4826 * np.median(np.abs(steps)) / np.sqrt(2)
    assert 0.8 < spread / np.sqrt(3 * (np.median(pixels) - 100) + 400) < 1.25


def test_otsu_finds_the_particles():
    image = mosaic((1024, 1024))
    count = int(ps.segment(image, gaussian=2, min_size=20, clear_border=False).max())
    assert 250 < count < 800


@pytest.mark.parametrize("shape", [(0, 5), (5,), (5, -1)])
def test_shapes_without_pixels_are_refused(shape):
    with pytest.raises(ValueError, match="positive"):
        mosaic(shape)
