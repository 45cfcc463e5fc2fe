"""Local results read their window and its halo; no step writes to the image."""

from __future__ import annotations

import numpy as np
import pytest

import pspy_dask as ps
from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import source_image
from pspy_dask.parameters import METHODS
from tests.counting import Counting

PIXELS = np.random.default_rng(2).integers(0, 4000, (90, 120), np.uint16)


@pytest.mark.parametrize("method", ["niblack", "sauvola", "local"])
def test_a_window_of_a_local_foreground_reads_itself_and_its_halo(method):
    source = Counting(PIXELS)
    image = source_image(source, ("y", "x"), chunks=30)
    recipe = {"threshold": method, "local_size": 7, "gaussian": 1.0}
    halo = 4 + {"niblack": 3, "sauvola": 3, "local": 4}[method]  # of the Gaussian, of the method
    lazy = ps.foreground(image, **recipe)
    window = lazy[35:50, 62:88].values
    (read,) = source.boxes
    assert read == Box((30 - halo, 60 - halo), (60 + halo, 90 + halo))
    whole = ps.foreground(source.array, **recipe).values
    np.testing.assert_array_equal(window, whole[35:50, 62:88])


@pytest.mark.parametrize(("sigma", "halo", "times"), [(0, 0, 2), (1.0, 4, 3)])
def test_a_recipe_reads_every_window_once_a_pass(sigma, halo, times):
    """Grey levels, labels; where filtered pixels are floats, first their range."""
    source = Counting(PIXELS)
    image = source_image(source, ("y", "x"), chunks=30)
    ps.segment(image, gaussian=sigma).compute(scheduler="sync")
    starts = [(y, x) for y in range(0, 90, 30) for x in range(0, 120, 30)]
    cores = [Box(start, (start[0] + 30, start[1] + 30)) for start in starts]
    windows = [core.grow((halo, halo), image.shape) for core in cores]
    assert sorted(source.boxes) == sorted(times * windows)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_image_is_never_written_to(method, dtype):
    rng = np.random.default_rng(6)
    bright = rng.random((40, 50)) < 0.3
    image = rng.normal(60 + 120 * bright, 8).clip(0, 255).astype(dtype)
    before = image.copy()
    for filters in ({}, {"rolling_ball": 5, "gaussian": 0.8}, {"invert": True}):
        labels = ps.segment(image, threshold=method, local_size=5, **filters)
        ps.region_properties(labels, image).compute()
        np.testing.assert_array_equal(image, before)
