"""The recipe gives one result whatever the chunks, and scikit-image's where it has one."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi
from skimage import filters, morphology
from skimage.measure import label as skimage_label

import pspy_dask as ps
from pspy_dask.blocks.images import as_image
from pspy_dask.parameters import GLOBAL_METHODS, METHODS
from tests.shapes import NAMED, blobs, chunkings

ORACLES = {name: getattr(filters, f"threshold_{name}") for name in GLOBAL_METHODS}


def picture(dtype, n=48, seed=0):
    """Bright discs on an uneven, noisy background; two clear modes for every method."""
    rng = np.random.default_rng(seed)
    image = 300 + 900 * blobs(n, seed) + np.linspace(0, 90, n) + rng.normal(0, 40, (n, n))
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return image.astype(kind)
    return (
        (image.clip(0) / (8 if kind.itemsize == 1 else 1))
        .clip(0, 255 if kind.itemsize == 1 else None)
        .astype(kind)
    )


def oracle_threshold(image, method, size):
    """Threshold the whole image in memory with scikit-image."""
    if method in GLOBAL_METHODS:
        return ORACLES[method](image)
    if method == "local":
        return filters.threshold_local(image, size)
    return getattr(filters, f"threshold_{method}")(image, size)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("method", GLOBAL_METHODS)
def test_global_thresholds_equal_scikit_image(method, dtype):
    image = picture(dtype)
    ours = float(ps.threshold(as_image(image, chunks=(13, 20)), method))
    if method == "li" and image.dtype.kind == "f":  # 2**16 bins stand for the pixels, see docs
        assert ours == pytest.approx(float(ORACLES["li"](image)), abs=1e-4 * float(np.ptp(image)))
    else:
        assert ours == pytest.approx(float(ORACLES[method](image)), rel=1e-6)


@pytest.mark.parametrize("method", GLOBAL_METHODS)
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_narrow_ranges_far_from_zero(method, kind):
    """Dark images inverted and smoothed hold fewer float32 numbers than there are bins."""
    image = (65000 + picture("f8") / 8000).astype(kind)
    assert len(np.unique(image)) < 256 or kind == "f8"
    ours = float(ps.threshold(as_image(image, chunks=(13, 20)), method))
    expected = float(ORACLES[method](image.astype("f8")))
    tolerance = 1e-4 if method == "li" else 1e-6
    assert ours == pytest.approx(expected, rel=0, abs=tolerance * float(np.ptp(image)))


def test_li_of_a_dark_image_inverted_and_smoothed():
    image = picture("u2") // 8
    recipe = {"threshold": "li", "invert": True, "gaussian": 1.0}
    smooth = filters.gaussian(~image, 1, preserve_range=True, mode="nearest")
    level = float(filters.threshold_li(smooth))
    clear = abs(smooth - level) > 1e-4 * np.ptp(smooth)
    assert np.mean(clear) > 0.99
    found = ps.foreground(as_image(image, chunks=(13, 20)), **recipe).values
    np.testing.assert_array_equal(found[clear], (smooth > level)[clear])


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
@pytest.mark.parametrize("method", ["local", "niblack", "sauvola"])
def test_local_thresholds_equal_scikit_image(method, dtype):
    image = picture(dtype)
    ours = ps.threshold(as_image(image, chunks=(13, 20)), method, local_size=11).values
    rounding = 2e-5 if dtype == "f4" else 1e-9  # scikit-image sums float32 in float32
    np.testing.assert_allclose(ours, oracle_threshold(image, method, 11), rtol=rounding)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_local_otsu_equals_scikit_image(dtype):
    image = picture(dtype)
    low, high = float(image.min()), float(image.max())
    levels = (255 * ((image.astype(float) - low) / (high - low))).astype(np.uint8)
    expected = filters.rank.otsu(levels, morphology.disk(5))
    lazy = as_image(image, chunks=(13, 20))
    np.testing.assert_array_equal(ps.threshold(lazy, "local_otsu", local_size=11), expected)
    both = (levels >= expected) & (levels > filters.threshold_otsu(levels))
    np.testing.assert_array_equal(
        ps.foreground(lazy, threshold="lg_otsu", local_size=11).values, both
    )


@pytest.mark.parametrize("method", METHODS)
@given(data=st.data(), seed=st.integers(0, 99))
@settings(max_examples=6)
def test_chunks_do_not_matter(method, data, seed):
    dtype = data.draw(st.sampled_from(["u1", "u2", "f4", "f8", ">u2", ">f4"]))
    image = picture(dtype, n=26, seed=seed)
    if image.dtype.kind == "f" and data.draw(st.booleans()):
        image[3:5, 4] = np.nan
        image[20, 21] = np.inf
    recipe = ps.SegmentationParameters(
        threshold=method,
        local_size=data.draw(st.sampled_from([1, 3, 7, 25])),
        gaussian=data.draw(st.sampled_from([0.0, 0.7, 2.5])),
        rolling_ball=data.draw(st.sampled_from([0, 1, 4, 9])),
        invert=data.draw(st.booleans()),
        min_size=data.draw(st.integers(0, 9)),
        clear_border=data.draw(st.booleans()),
    )
    chunks = data.draw(chunkings(image.shape))
    try:
        whole = ps.segment(image.astype(image.dtype.newbyteorder("=")), recipe).values
    except ValueError as error:  # "minimum" may find no two maxima; then no chunking does
        assert "minimum" in str(error)
        with pytest.raises(ValueError, match="minimum"):
            ps.segment(as_image(image, chunks=chunks), recipe).compute()
        return
    np.testing.assert_array_equal(ps.segment(as_image(image, chunks=chunks), recipe).values, whole)
    lazy = da.from_array(image, chunks=chunks)
    np.testing.assert_array_equal(ps.segment(lazy, recipe).values, whole)


@given(data=st.data(), seed=st.integers(0, 99), method=st.sampled_from(METHODS))
@settings(max_examples=20)
def test_chunks_do_not_matter_in_volumes(data, seed, method):
    rng = np.random.default_rng(seed)
    image = (ndi.gaussian_filter(rng.random((7, 12, 11)), 1.2) * 2000).astype(np.uint16)
    recipe = ps.SegmentationParameters(
        threshold=method, local_size=data.draw(st.sampled_from([3, 5])), gaussian=0.6
    )
    chunks = data.draw(chunkings(image.shape))
    try:
        whole = ps.segment(image, recipe).values
    except ValueError as error:
        assert "minimum" in str(error)
        return
    np.testing.assert_array_equal(ps.segment(as_image(image, chunks=chunks), recipe).values, whole)


@pytest.mark.parametrize("name", NAMED)
def test_foreground_shapes_through_the_whole_recipe(name):
    image = np.where(NAMED[name], 200, 10).astype(np.uint8)
    labels = ps.segment(as_image(image, chunks=(5, 11)), clear_border=False).values
    expected = NAMED[name] if np.ptp(image) else np.zeros_like(NAMED[name])
    np.testing.assert_array_equal(labels, skimage_label(expected))


def test_whole_recipe_equals_scikit_image():
    image = picture("u2", n=120)
    smooth = ndi.gaussian_filter(
        morphology.white_tophat(image, np.ones((15, 15))).astype(np.float32), 1.5, mode="nearest"
    )
    mask = smooth > filters.threshold_otsu(smooth)
    labels = ps.segment(
        as_image(image, chunks=31), rolling_ball=15, gaussian=1.5, clear_border=False
    )
    np.testing.assert_array_equal(labels.values, skimage_label(mask))


def test_inverted_image_gives_the_same_particles():
    image = picture("u2")
    dark = image.max() - image
    np.testing.assert_array_equal(ps.segment(dark, invert=True), ps.segment(image))


def test_frames_have_their_own_thresholds_unless_asked():
    frames = np.stack([picture("u2"), picture("u2", seed=1) * 3])
    series = xr.DataArray(da.from_array(frames, chunks=(2, 20, 20)), dims=("t", "y", "x"))
    own = ps.threshold(series)
    assert own.dims == ("t",)
    np.testing.assert_allclose(own, [filters.threshold_otsu(f) for f in frames])
    shared = ps.threshold(series, over="series")
    assert float(shared) == filters.threshold_otsu(frames)
    each = ps.segment(series).values
    np.testing.assert_array_equal(each[1], ps.segment(frames[1]).values)
    common = ps.foreground(series, threshold_over="series").values
    np.testing.assert_array_equal(common, frames > filters.threshold_otsu(frames))


def test_nothing_is_computed_before_it_is_asked_for():
    def refuse(block):
        raise AssertionError("computed")

    image = da.zeros((64, 64), chunks=16, dtype=np.uint8).map_blocks(refuse, dtype=np.uint8)
    labels = ps.segment(image, gaussian=1.0, threshold="lg_otsu", local_size=5)
    assert labels.dims == ("y", "x") and labels.dtype == np.int32
    ps.remove_small_objects(ps.clear_border(ps.label(ps.foreground(image))), 3)
    ps.region_properties(labels, image)


def test_images_without_a_finite_pixel_have_no_objects():
    image = np.full((20, 20), np.nan, np.float32)
    for method in METHODS:
        assert ps.segment(image, threshold=method, local_size=3).values.max() == 0


def test_tasks_per_chunk(tmp_path):
    """Otsu, Gaussian, labels, border and size from Zarr: at most 4 tasks a chunk, 5 for floats."""
    for dtype, most in (("u2", 4), ("f4", 5)):
        shape = (16 * 32, 16 * 32)
        image = zarr.create_array(
            tmp_path / f"{dtype}.zarr", shape=shape, chunks=(32, 32), dtype=dtype
        )
        lazy = as_image(image, chunks=32)
        assert lazy.data.npartitions == 256
        for recipe in ({}, {"watershed": True}):
            labels = ps.segment(lazy, gaussian=2.0, min_size=20, **recipe).data
            (optimized,) = dask.optimize(labels)
            assert len(dict(optimized.dask)) <= most * 256


@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_tasks_per_chunk_of_a_dask_array(dtype):
    """Chunks that are not read at random are not counted in strips: at most 5 tasks a chunk."""
    image = da.zeros((512, 512), chunks=32, dtype=dtype) + 1
    labels = ps.segment(image, gaussian=2.0, min_size=20, watershed=True).data
    (optimized,) = dask.optimize(labels)
    own = {key for key in labels.dask if key not in image.dask}
    assert len(own) <= 5 * 256
    assert len(dict(optimized.dask)) <= 6 * 256  # with the task that makes the chunk


def test_control_a_halo_too_small_is_seen(monkeypatch):
    from pspy_dask.segmentation import filters as ours

    image = picture("u2")
    whole = ps.foreground(image, gaussian=3.0).values
    monkeypatch.setattr(ours, "gaussian_halo", lambda sigma: 2)
    cut = ps.foreground(as_image(image, chunks=8), gaussian=3.0).values
    assert not np.array_equal(whole, cut)
