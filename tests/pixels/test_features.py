"""Features are those of scikit-image and SciPy to the last bit, whatever the chunks."""

from __future__ import annotations

import re
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import pspy_dask as ps
from benchmarks.blank import image_of, tasks_a_chunk
from benchmarks.features_in_memory import features_in_memory
from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import as_image, source_image
from pspy_dask.feature_parameters import PRESETS, PROJECTIONS, FeatureParameters
from pspy_dask.pixels import filters, stack
from tests.counting import Counting
from tests.shapes import chunkings

OFF = dict.fromkeys(
    ["gaussian", "difference_of_gaussians", "median", "minimum", "maximum", "sobel", "membrane"]
)
SMALL = FeatureParameters(
    gaussian=(0.7, 1.5),
    difference_of_gaussians=(0.7, 2),
    median=(2, 4),
    minimum=3,
    maximum=3,
    sobel=(0, 1.5),
    laplacian=(0, 0.7),
    hessian=(0.6, 1),
    membrane=PROJECTIONS,
)
PREFILTERS = {
    f"{name}_prefilter": 0.5 + 0.25 * k
    for k, name in enumerate(["difference", "median", "minimum", "maximum", "hessian", "membrane"])
}
SINGLE = {
    "gaussian": {"gaussian": 1.5},
    "difference": {"difference_of_gaussians": (0.6, 1.5)},
    "median": {"median": 3},
    "minimum": {"minimum": 3},
    "maximum": {"maximum": 3},
    "sobel": {"sobel": 0},
    "laplacian": {"laplacian": 0},
    "hessian": {"hessian": 0.8},
    "membrane": {"membrane": "sum"},
}


def only(**scales):
    return FeatureParameters(**{**OFF, **scales})


def noise(shape, dtype, seed=0):
    """Pixels all over the range of a type, of floats around 0."""
    rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype.newbyteorder("=")).astype(dtype)
    return (rng.normal(size=shape) * 90).astype(dtype)


def computed(image, parameters):
    return ps.features(image, parameters).compute(scheduler="sync").values


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("preset", PRESETS)
def test_presets_equal_scikit_image(preset, dtype):
    parameters = FeatureParameters.preset(preset)
    image = noise((41, 60), dtype)
    got = computed(da.from_array(image, chunks=(23, 37)), parameters)
    np.testing.assert_array_equal(got, features_in_memory(image, parameters))


@pytest.mark.parametrize("shape", [(37, 50), (7, 19, 24)])
@pytest.mark.parametrize("prefilters", [{}, PREFILTERS])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_all_filters_equal_scikit_image(shape, prefilters, dtype):
    parameters = replace(SMALL, **prefilters)
    image = noise(shape, dtype, 1)
    got = computed(da.from_array(image, chunks=(4, 13, 13)[-len(shape) :]), parameters)
    np.testing.assert_array_equal(got, features_in_memory(image, parameters))


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "i2", "i4", "i8", "u4", "u8", "f2", "f8", ">u2", ">i8", ">f4", ">f8"]
)
def test_every_type_of_pixels(dtype):
    image = noise((24, 30), dtype, 2)
    expected = features_in_memory(image, SMALL)
    for given_ in (image, da.from_array(image, chunks=(11, 30))):
        np.testing.assert_array_equal(computed(given_, SMALL), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 40), (1, 9, 9), (2, 1, 5)])
def test_images_smaller_than_the_filters(shape):
    """Lines are left out: on such images SciPy's reflection of pixels is wrong, see below."""
    parameters = only(
        gaussian=8, difference_of_gaussians=(1, 16), median=20, minimum=20, maximum=20, sobel=1
    )
    image = noise(shape, "f4", 3)
    got = computed(da.from_array(image, chunks=1), parameters)
    flat = image[0] if shape[0] == 1 and len(shape) == 3 else image
    expected = features_in_memory(flat, parameters)
    np.testing.assert_array_equal(got, expected.reshape(got.shape))


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (2, 19), (19, 3), (5, 1, 4)])
def test_lines_on_small_images_see_them_reflected(shape):
    image, parameters = noise(shape, "f4", 4), only(membrane=PROJECTIONS)
    beside = ((0, 0),) * (len(shape) - 2) + ((9, 9), (9, 9))
    wide = features_in_memory(np.pad(image, beside, "symmetric"), parameters)
    got = computed(da.from_array(image, chunks=2), parameters)
    np.testing.assert_array_equal(got, wide[..., 9:-9, 9:-9])


def test_a_series_is_filtered_frame_by_frame():
    series = noise((3, 2, 20, 22), "u2", 5)
    got = computed(da.from_array(series, chunks=(2, 1, 9, 22)), SMALL)
    assert got.shape == (3, len(features_in_memory(series[0], SMALL)), 2, 20, 22)
    for frame, features in zip(series, got, strict=True):
        np.testing.assert_array_equal(features, features_in_memory(frame, SMALL))


VALUES = st.sampled_from([0.0, -0.0, 1.0, 3.5, -2.25, 1e-30, 7e8, np.nan, np.inf, -np.inf])
SCALES = {
    "gaussian": st.lists(st.floats(0.1, 2.5), max_size=2, unique=True),
    "difference_of_gaussians": st.none() | st.tuples(st.floats(0.1, 1), st.floats(1.1, 2)),
    "median": st.lists(st.integers(1, 5), max_size=2, unique=True),
    "minimum": st.none() | st.integers(1, 5),
    "maximum": st.none() | st.integers(1, 5),
    "sobel": st.none() | st.sampled_from([0, 0.8]),
    "laplacian": st.none() | st.sampled_from([0, 0.8]),
    "hessian": st.none() | st.floats(0.2, 1.5),
    "membrane": st.lists(st.sampled_from(PROJECTIONS), max_size=2, unique=True),
    **{name: st.sampled_from([0, 0.6]) for name in PREFILTERS},
}


@st.composite
def cases(draw):
    """Draw an image, how to cut it, and which features to take."""
    axes = draw(st.sampled_from([2, 2, 3]))
    shape = tuple(draw(st.integers(2, 22 if axes == 2 else 7)) for _ in range(axes))
    image = noise(shape, draw(st.sampled_from(["?", "u1", "u2", "i4", "f4", "f8"])), draw(SEEDS))
    if image.dtype.kind == "f":
        for place in draw(st.lists(st.integers(0, image.size - 1), max_size=8)):
            image.flat[place] = draw(VALUES)
    scales = {name: draw(scale) for name, scale in SCALES.items()}
    if not any(scales[name] for name in OFF) and scales["hessian"] is None:
        scales["median"] = 2
    return image, draw(chunkings(shape)), FeatureParameters(**scales)


SEEDS = st.integers(0, 2**32)


@settings(max_examples=60)
@given(cases(), st.sampled_from(["dask", "numpy", "zarr"]))
def test_chunks_change_no_bit(case, kind):
    image, chunks, parameters = case
    whole = computed(image, parameters)
    if kind == "dask":
        cut = da.from_array(image, chunks=chunks)
    else:
        cut = as_image(zarr.array(image) if kind == "zarr" else image, chunks=chunks)
    got = computed(cut, parameters)
    assert got.dtype == whole.dtype == np.float32
    assert got.tobytes() == whole.tobytes()


@pytest.mark.parametrize("shape", [(30, 40), (6, 14, 16)])
def test_bands_change_no_bit(shape, monkeypatch):
    image = noise(shape, "f4", 6)
    whole = computed(image, SMALL)
    monkeypatch.setattr(stack, "_BAND", 64)
    monkeypatch.setattr(stack, "_ACROSS", 16)
    if len(shape) == 2:
        assert len(list(stack.bands(Box((0, 0), shape)))) > 20
    assert computed(image, SMALL).tobytes() == whole.tobytes()


@pytest.mark.parametrize("kind", SINGLE)
def test_a_halo_one_pixel_too_small_gives_another_result(kind, monkeypatch):
    """The control: what the tests above see would differ."""
    parameters, image = only(**SINGLE[kind]), noise((60, 60), "u2", 7)
    whole, cut = computed(image, parameters), da.from_array(image, chunks=20)
    assert computed(cut, parameters).tobytes() == whole.tobytes()
    if kind in ("gaussian", "difference"):
        true = stack.gaussian_halo
        monkeypatch.setattr(stack, "gaussian_halo", lambda sigma: true(sigma) - 1)
    else:
        for each in (filters.OverDisk, filters.Edges, filters.Curvature, filters.Membrane):
            monkeypatch.setattr(each, "halo", _less(each.halo))
    assert computed(cut, parameters).tobytes() != whole.tobytes()


def _less(halo):
    return lambda self, axes: tuple(n - 1 for n in halo(self, axes))


@pytest.mark.parametrize(
    ("dtype", "values"), [("f2", [np.nan, np.inf]), ("f4", [np.nan]), ("f8", [-np.inf, 1e39])]
)
def test_pixels_without_a_value_are_nan_and_read_as_0(dtype, values):
    image = noise((20, 25), dtype, 8)
    places = [(3, 4), (12, 19)][: len(values)]
    for place, value in zip(places, values, strict=True):
        image[place] = value
    filled = np.where(abs(image) < 1e38 if dtype == "f8" else np.isfinite(image), image, 0)
    expected = features_in_memory(filled, SMALL)
    for place in places:
        expected[:, *place] = np.nan
    for chunks in (25, 4):
        got = computed(da.from_array(image, chunks=chunks), SMALL)
        np.testing.assert_array_equal(got, expected)


def test_names_and_axes():
    steps = {"y": np.arange(12) * 0.5, "x": np.arange(15.0)}
    image = xr.DataArray(
        noise((12, 15), "u1"), steps, ("y", "x"), attrs={"instrument": "STEM"}
    ).chunk(y=5, x=15)
    found = ps.features(image, replace(SMALL, gaussian=(1.00000001, 1), median_prefilter=1.5))
    assert found.dims == ("feature", "y", "x") and found.dtype == np.float32
    assert found.attrs == {"instrument": "STEM"}
    assert found.data.chunks == ((21,), (5, 5, 2), (15,))
    np.testing.assert_array_equal(found.y, steps["y"])
    names = found.feature.values.tolist()
    assert len(set(names)) == len(names)
    assert names[:3] == ["gaussian 1.00000001", "gaussian 1", "difference of gaussians 0.7 and 2"]
    assert {
        "median 4 after gaussian 1.5",
        "sobel 0",
        "hessian 0.6, smallest",
        "membrane sum",
    } < set(names)
    assert [re.sub(" [0-9].*", "", name) for name in ps.features(image).feature.values] == [
        *["gaussian", "difference of gaussians", "median", "minimum", "maximum", "sobel"],
        "membrane sum",
    ]


@pytest.mark.parametrize(
    ("scales", "halo"),
    [
        ({"gaussian": 2}, 8),
        ({"gaussian": 0.5, "median": 5}, 5),
        ({"median": 5, "median_prefilter": 1}, 9),
        ({"hessian": 1, "membrane": "sum"}, 9),
        ({"sobel": 0}, 1),
    ],
)
def test_a_part_reads_itself_and_its_halo(scales, halo):
    source = Counting(noise((90, 120), "u2", 9))
    lazy = ps.features(source_image(source, ("y", "x"), chunks=30), only(**scales))
    part = lazy[:, 35:50, 62:88].values
    (read,) = source.boxes
    assert read == Box((30 - halo, 60 - halo), (60 + halo, 90 + halo))
    np.testing.assert_array_equal(part, computed(source.array, only(**scales))[:, 35:50, 62:88])


@pytest.mark.parametrize(
    ("scales", "halo"),
    [({"median": 3, "membrane": "sum"}, (0, 9, 9)), ({"minimum": 5, "sobel": 0}, (1, 5, 5))],
)
def test_disks_and_lines_read_no_other_planes(scales, halo):
    source = Counting(noise((9, 40, 40), "u1", 10))
    lazy = ps.features(source_image(source, ("z", "y", "x"), chunks=(3, 10, 10)), only(**scales))
    part = lazy[:, 4, 22, 22].values
    (read,) = source.boxes
    assert read == Box((3, 20, 20), (6, 30, 30)).grow(halo, source.shape)
    np.testing.assert_array_equal(part, computed(source.array, only(**scales))[:, 4, 22, 22])


def test_a_chunk_is_one_task():
    found = ps.features(image_of(256), FeatureParameters.preset("all")).data
    assert tasks_a_chunk(found) <= 1.01


def test_nothing_is_read_before_it_is_asked_for():
    source = Counting(noise((90, 120), "u2", 9))
    ps.features(source_image(source, ("y", "x"), chunks=30))
    assert source.boxes == []


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (3, 1, 9)])
def test_the_hessian_refuses_a_single_row_or_column(shape):
    with pytest.raises(ValueError, match=r"one pixel along [yx] and the Hessian.*: switch"):
        ps.features(np.zeros(shape), FeatureParameters(hessian=1))
    assert ps.features(np.zeros(shape)).shape[-2:] == shape[-2:]


def test_what_are_no_parameters_or_no_image():
    with pytest.raises(TypeError, match="features is a str: give FeatureParameters"):
        ps.features(np.zeros((4, 4)), "edges")
    with pytest.raises(ValueError, match="complex"):
        ps.features(np.zeros((4, 4), complex))
