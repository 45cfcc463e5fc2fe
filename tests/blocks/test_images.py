"""Arrays are images of their own name, or refused with what to do about it."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import pspy_dask as ps
from pspy_dask.blocks.images import as_image

PIXELS = np.random.default_rng(3).integers(0, 200, (40, 50)).astype(np.uint8)
MASK = ps.label(PIXELS > 100).compute()


@pytest.mark.parametrize(
    "function",
    [
        ps.open_image,
        ps.segment,
        ps.foreground,
        ps.threshold,
        ps.features,
        ps.radial_profile,
        lambda image: ps.toggle_channels(xr.DataArray(image.data % 5, dims=image.dims)),
        lambda image: ps.find_particles(image, labels=MASK)[0].image,
        lambda image: ps.sum_spectra(MASK, image, numbers=[1, 2]),
    ],
)
def test_results_are_identical_at_any_chunks_names_too(function):
    results = []
    for chunks in (16, 50):
        lazy = da.from_array(PIXELS, chunks=chunks)
        image = xr.DataArray(lazy, dims=("y", "x"))
        results.append(function(image).compute())
    assert results[0].identical(results[1])


@pytest.mark.parametrize("function", [ps.open_image, ps.segment, ps.radial_profile])
def test_arrays_without_a_name_are_identical_at_any_chunks(function):
    results = [function(da.from_array(PIXELS, chunks=n)).compute() for n in (16, 50)]
    assert results[0].identical(results[1]) and results[0].identical(function(PIXELS).compute())


def test_an_image_has_the_name_that_it_was_given():
    assert ps.open_image(PIXELS).name is None
    assert as_image(da.from_array(PIXELS)).name is None
    assert as_image(xr.DataArray(da.from_array(PIXELS), dims=("y", "x"))).name is None
    named = xr.DataArray(da.from_array(PIXELS), dims=("y", "x"), name="gold")
    assert as_image(named).name == "gold"


HIDDEN = np.ma.array(PIXELS, mask=PIXELS > 100)


@pytest.mark.parametrize(
    "function",
    [
        lambda: ps.segment(HIDDEN),
        lambda: ps.segment(da.from_array(HIDDEN, chunks=16)),
        lambda: ps.open_image(HIDDEN, axes="yx"),
        lambda: ps.open_image(da.from_array(HIDDEN, chunks=16), axes="yx"),
        lambda: ps.region_properties(HIDDEN),
        lambda: ps.fit_classifier(PIXELS, HIDDEN),
        lambda: ps.sum_spectra(MASK, np.ma.array(np.ones((40, 50, 2)), mask=False)),
    ],
)
def test_masked_arrays_are_refused(function):
    with pytest.raises(TypeError, match=r"is masked, .*fill it with nan, as in image\.astype"):
        function()


def test_a_filled_array_is_an_image():
    filled = HIDDEN.astype(float).filled(np.nan)
    assert np.isnan(ps.open_image(filled).values).sum() == HIDDEN.mask.sum()


@pytest.mark.skipif(np.dtype("g").itemsize == 8, reason="a long double is a double")
def test_floats_of_more_than_64_bits_are_refused():
    for image in (PIXELS.astype("g"), da.from_array(PIXELS.astype("g"))):
        with pytest.raises(TypeError, match="convert them to float64"):
            ps.segment(image)
        with pytest.raises(TypeError, match="convert them to float64"):
            ps.open_image(image, axes="yx")


def test_lists_are_told_how_to_become_arrays():
    for function in (ps.segment, ps.open_image):
        with pytest.raises(TypeError, match=r"numpy\.asarray"):
            function([[1, 2], [3, 4]])


def test_axes_in_another_order_are_told_how_to_be_turned():
    image = xr.DataArray(PIXELS, dims=("x", "y"))
    with pytest.raises(ValueError, match=r"as in image\.transpose\('y', 'x'\)"):
        ps.segment(image)
    with pytest.raises(ValueError, match=r"image\.transpose\('t', 'y', 'x'\)"):
        ps.segment(xr.DataArray(PIXELS[None], dims=("y", "x", "t")))
    with pytest.raises(ValueError, match="name them t, z, y, x in order"):
        ps.segment(xr.DataArray(PIXELS, dims=("row", "column")))
