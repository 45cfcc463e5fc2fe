"""Classes and their colours: each way undoes the other, and what has no place is reported."""

from __future__ import annotations

import warnings

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

import pspy_dask as ps
from pspy_dask.pixels.colors import Palette, census
from pspy_dask.pixels.palettes import DEFAULT_COLORS
from tests.shapes import chunkings

FAST = settings(max_examples=30)
CLASSES = np.random.default_rng(3).integers(0, 9, (3, 17, 23)).astype(np.uint8)
TWO = ["#ff0000", "#0000ff"]

codes = st.integers(1, 2**24 - 1)
palettes = st.lists(codes, min_size=1, max_size=20, unique=True).map(
    lambda found: [f"#{code:06x}" for code in found]
)


def channels(color):
    return tuple(bytes.fromhex(color[1:]))


def by_comparison(picture, colors):
    """Classes found with one comparison a colour."""
    result = np.zeros(picture.shape[:-1], np.uint8)
    for number, color in enumerate(colors, 1):
        result[(picture[..., :3] == channels(color)).all(axis=-1)] = number
    return result


@FAST
@given(palettes, st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.int32, np.int64]))
def test_round_trip_with_any_palette(colors, seed, dtype):
    classes = np.random.default_rng(seed).integers(0, len(colors) + 1, (6, 7)).astype(dtype)
    picture = ps.toggle_channels(classes, colors)
    expected = np.array([(0, 0, 0), *map(channels, colors)], np.uint8)[classes]
    np.testing.assert_array_equal(picture, expected)
    back = ps.toggle_channels(picture, colors)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, classes)
    np.testing.assert_array_equal(back, by_comparison(picture, colors))


def test_a_palette_in_another_order_gives_other_classes():
    picture = ps.toggle_channels(CLASSES)
    swapped = (DEFAULT_COLORS[1], DEFAULT_COLORS[0], *DEFAULT_COLORS[2:])
    assert (ps.toggle_channels(picture, swapped) != CLASSES).any()


@settings(max_examples=15)
@given(chunkings(CLASSES.shape))
def test_lazy_both_ways(chunks):
    lazy = da.from_array(CLASSES, chunks=chunks)
    picture = ps.toggle_channels(lazy)
    assert picture.chunks == (*lazy.chunks, (3,))
    np.testing.assert_array_equal(picture.compute(scheduler="sync"), ps.toggle_channels(CLASSES))
    back = ps.toggle_channels(picture.rechunk({3: 1}))
    assert back.chunks == lazy.chunks
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back.compute(scheduler="sync"), CLASSES)


@pytest.mark.parametrize("lazy", [False, True])
def test_axes_of_a_dataarray_stay(lazy):
    data = da.from_array(CLASSES, chunks=10) if lazy else CLASSES
    coords = {"y": np.arange(17) * 0.5}
    image = xr.DataArray(data, coords, ("t", "y", "x"), name="strokes", attrs={"source": "here"})
    picture = ps.toggle_channels(image)
    assert picture.dims == ("t", "y", "x", "c")
    assert picture.shape == (3, 17, 23, 3)
    assert isinstance(picture.data, da.Array) == lazy
    for painted in (picture, picture.transpose("c", ...), picture.rename(c="rgb")):
        back = ps.toggle_channels(painted)
        assert back.dims == image.dims
        assert isinstance(back.data, da.Array) == lazy
        xr.testing.assert_identical(back.compute(), image.compute())


def test_a_volume_of_few_columns_is_told_by_its_axes():
    thin = np.array([[[0, 1, 2]] * 5] * 2, np.uint8)
    assert ps.toggle_channels(xr.DataArray(thin, dims=("z", "y", "x"))).shape == (2, 5, 3, 3)
    assert ps.toggle_channels(thin.astype(np.int32)).shape == (2, 5, 3, 3)
    with pytest.warns(UserWarning, match="#000102"):
        assert ps.toggle_channels(thin).shape == (2, 5)


def test_masks_are_class_1():
    picture = ps.toggle_channels(np.array([[True, False]]), TWO)
    assert picture.tolist() == [[[255, 0, 0], [0, 0, 0]]]


def test_what_is_transparent_is_background():
    picture = np.array([[[255, 0, 0, 255], [0, 0, 255, 1], [0, 0, 255, 0], [9, 9, 9, 0]]], np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ps.toggle_channels(picture, TWO).tolist() == [[1, 2, 0, 0]]
        assert ps.toggle_channels(picture, ["#000000", *TWO]).tolist() == [[2, 3, 0, 0]]


def test_black_is_background_unless_it_is_a_class():
    picture = np.zeros((2, 2, 3), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not ps.toggle_channels(picture, TWO).any()
        assert (ps.toggle_channels(picture, ["#ffffff", "#000000"]) == 2).all()


def strange():
    """A picture with seven colours of no class, on 1 to 7 pixels, and one that has a class."""
    picture = np.zeros((6, 6, 3), np.uint8)
    for k in range(1, 8):
        picture.reshape(36, 3)[k * (k - 1) // 2 : k * (k + 1) // 2] = (k, 255, 16)
    picture[5, 5] = (255, 0, 0)
    return picture


@pytest.mark.parametrize("lazy", [False, True])
def test_colours_of_no_class_are_reported(lazy):
    picture = da.from_array(strange(), chunks=-1) if lazy else strange()
    with pytest.warns(UserWarning) as caught:
        classes = np.asarray(ps.toggle_channels(picture, TWO))
    (warning,) = caught
    assert (
        "#07ff10 (7 pixels), #06ff10 (6 pixels), #05ff10 (5 pixels), #04ff10 (4 pixels), "
        "#03ff10 (3 pixels) and 2 more" in str(warning.message)
    )
    assert "#ff0000" in str(warning.message)
    assert np.argwhere(classes).tolist() == [[5, 5]]


def test_lazy_pictures_are_not_looked_at_before_they_are_computed():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ps.toggle_channels(da.from_array(strange(), chunks=-1), TWO)
        ps.toggle_channels(strange(), TWO, warn=False)


@FAST
@given(st.integers(1, 4), st.integers(1, 5))
def test_a_census_does_not_depend_on_how_it_is_taken(first, second):
    picture = strange()
    whole = census(picture)
    a, b, c = (census(p) for p in np.split(picture, [first, first + second]))
    for merged in (a.merge(b).merge(c), a.merge(b.merge(c)), c.merge(a).merge(b)):
        np.testing.assert_array_equal(merged.codes, whole.codes)
        np.testing.assert_array_equal(merged.pixels, whole.pixels)
    assert len(whole) == 8
    assert len(whole.without(TWO)) == 7


@pytest.mark.parametrize("wrong", ["#12", "red", "ff0000", "#ff00zz", "#ff00000", "#ff000\n", 3])
def test_colours_must_be_six_hex_digits(wrong):
    with pytest.raises(ValueError, match=r"is not six hex digits: write #rrggbb"):
        ps.toggle_channels(CLASSES, ["#00ff00", wrong])


@pytest.mark.parametrize(
    ("colors", "sentence"),
    [
        (["#aabbcc", "#AABBCC"], "#aabbcc stands for two classes"),
        ([], "there are 0 colours"),
        ([f"#{k:06x}" for k in range(256)], "there are 256 colours"),
    ],
)
def test_colours_tell_classes_apart(colors, sentence):
    with pytest.raises(ValueError, match=sentence):
        ps.toggle_channels(CLASSES, colors)


def test_capitals_are_the_same_colour():
    picture = ps.toggle_channels(np.ones((1, 1), int), ["#ABCDEF"])
    assert ps.toggle_channels(picture, ["#abcdef"]).tolist() == [[1]]


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (np.array([[0, 9]]), r"class 9 has no colour: give 9 .* colors=class_colors\(9\)"),
        (np.array([[0, 300]]), "class 300 has no colour: number classes 1 to 255"),
        (np.array([[-1, 1]]), "class -1 has no colour"),
    ],
)
def test_classes_without_a_colour_are_named(classes, sentence):
    with pytest.raises(ValueError, match=sentence):
        ps.toggle_channels(classes)
    lazy = ps.toggle_channels(da.from_array(classes))
    with pytest.raises(ValueError, match=sentence):
        lazy.compute(scheduler="sync")


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.zeros((40, 40, 3), np.uint16), "not painted in colours of 8 bits"),
        (xr.DataArray(np.zeros((2, 5, 5), np.uint8), dims=("c", "y", "x")), "not painted"),
        (np.zeros((4, 4)), "classes are whole numbers, not float64"),
        ("picture.png", "str is not an array: open files with open_annotations"),
    ],
)
def test_images_of_neither_kind_are_refused(image, sentence):
    with pytest.raises(TypeError, match=sentence):
        ps.toggle_channels(image)


def test_colours_of_many_classes():
    most = ps.class_colors(255)
    assert ps.class_colors(8) == DEFAULT_COLORS
    assert all(ps.class_colors(n) == most[:n] for n in (1, 7, 9, 40))
    classes = np.arange(256).reshape(16, 16)
    np.testing.assert_array_equal(
        ps.toggle_channels(ps.toggle_channels(classes, most), most), classes
    )
    assert "#000000" not in most
    assert all(len(set(channels(color))) > 1 for color in most)
    for n in (0, 256):
        with pytest.raises(ValueError, match="ask for 1 to 255"):
            ps.class_colors(n)


# What people see who lack one kind of cone, in linear RGB: Machado, Oliveira and Fernandes,
# A physiologically-based model for simulation of color vision deficiency (2009).
SEEN = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def nearest_pair(colors, matrix):
    """The least distance in CIELAB between two colours, as seen."""
    srgb = np.array([channels(color) for color in colors]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(matrix), 0, 1)
    shown = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = rgb2lab(shown[None])[0]
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    return distance[np.triu_indices(len(colors), 1)].min()


@pytest.mark.parametrize("cones", SEEN)
def test_the_colours_are_told_apart_whatever_cones_one_has(cones):
    assert nearest_pair(["#000000", *DEFAULT_COLORS], SEEN[cones]) > 15


def test_control_red_and_green_of_traffic_lights_are_not():
    lights = ["#a05000", "#608000"]
    assert nearest_pair(lights, SEEN["all cones"]) > 15
    assert nearest_pair(lights, SEEN["no red"]) < 15


def test_a_palette_holds_its_colours_as_numbers():
    assert Palette(("#000100", "#00000a")).codes.tolist() == [256, 10]
