"""Masks from other software become labels, whatever holds them."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import tifffile
import xarray as xr
import zarr
from PIL import Image
from skimage.measure import label as skimage_label

import pspy_dask as ps
from pspy_dask.blocks.images import as_image, axis_units, make_image, pixel_size
from pspy_dask.blocks.sources import source_of
from pspy_dask.io.grey_pictures import is_black_and_white
from tests.shapes import NAMED

MASK = NAMED["blobs"]
LABELS = np.where(MASK, skimage_label(MASK) * 3 + 4, 0).astype(np.int32)


def test_booleans_are_labelled():
    labels = ps.label_mask(MASK)
    np.testing.assert_array_equal(labels.values, skimage_label(MASK))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, ">u2"])
def test_labels_stay_as_they_are(dtype):
    labels = ps.label_mask(LABELS.astype(dtype))
    np.testing.assert_array_equal(labels.values, LABELS)
    assert source_of(labels.data) is not None  # windows with halo are still read in one go
    table = ps.region_properties(labels).compute()
    assert set(table["label"]) == set(np.unique(LABELS)) - {0}


def test_binary_pictures():
    picture = np.where(MASK, 255, 0).astype(np.uint8)
    assert ps.label_mask(picture).values.max() == 255
    labels = ps.label_mask(picture, binary=True)
    np.testing.assert_array_equal(labels.values, skimage_label(MASK))


def save_pictures(folder, pixels):
    """Write pixels as files of several formats and return what opens them."""
    Image.fromarray(pixels).save(folder / "m.png")
    tifffile.imwrite(folder / "m.tif", pixels, tile=(16, 16))
    palette = Image.fromarray(pixels, mode="P")
    grey = np.repeat(np.arange(256, dtype=np.uint8), 3)
    palette.putpalette(grey.tobytes())  # as Fiji saves a PNG
    palette.save(folder / "p.png")
    return [folder / "m.png", str(folder / "m.tif"), folder / "p.png"]


def test_files_of_0_and_255_are_masks(tmp_path):
    picture = np.where(MASK, 255, 0).astype(np.uint8)
    for file in save_pictures(tmp_path, picture):
        np.testing.assert_array_equal(ps.label_mask(file).values, skimage_label(MASK))
        assert set(np.unique(ps.label_mask(file, binary=False))) == {0, 255}
    series = ps.label_mask([str(tmp_path / "m.png")] * 2)
    np.testing.assert_array_equal(series[1], skimage_label(MASK))
    np.save(tmp_path / "m.npy", picture)
    zarr.save_array(tmp_path / "m.zarr", picture)
    for array in (tmp_path / "m.npy", tmp_path / "m.zarr", da.from_array(picture, chunks=9)):
        assert ps.label_mask(array).values.max() == 255  # the same whatever the chunks


@pytest.mark.parametrize(
    "pixels", [np.where(MASK, 254, 0), np.zeros_like(LABELS), np.where(MASK, 255, 7)]
)
def test_other_files_of_8_bits_are_labels(tmp_path, pixels):
    for file in save_pictures(tmp_path, pixels.astype(np.uint8)):
        np.testing.assert_array_equal(ps.label_mask(file).values, pixels)


def test_one_level_in_another_chunk_makes_it_labels():
    pixels = np.full((9, 9), 255, np.uint8)
    lazy = as_image(pixels, chunks=4)
    assert is_black_and_white(lazy)
    assert not is_black_and_white(lazy.astype(np.uint16))
    lazy.data[8, 8] = 1
    assert not is_black_and_white(lazy)


def test_files(tmp_path):
    few = LABELS.astype(np.uint8)
    zarr.save_array(tmp_path / "a.zarr", LABELS)
    tifffile.imwrite(tmp_path / "a.tif", LABELS)
    Image.fromarray(few).save(tmp_path / "a.png")
    for name in ("a.zarr", "a.tif", "a.png"):
        np.testing.assert_array_equal(ps.label_mask(tmp_path / name).values, LABELS)
    Image.fromarray(MASK).save(tmp_path / "b.png")  # one bit a pixel
    np.testing.assert_array_equal(ps.label_mask(tmp_path / "b.png").values, skimage_label(MASK))


def test_axes_and_pixel_size_are_those_of_the_image():
    series = np.stack([MASK, ~MASK])
    image = make_image(
        da.from_array(np.ones(series.shape)),
        ("t", "y", "x"),
        steps={"y": 0.5, "x": 0.5},
        units={"y": "nm", "x": "nm"},
    )
    labels = ps.label_mask(series, image)
    assert labels.dims == ("t", "y", "x") and axis_units(labels)["y"] == "nm"
    np.testing.assert_array_equal(labels.values[1], skimage_label(~MASK))
    own = make_image(
        da.from_array(LABELS), ("y", "x"), steps={"y": 2, "x": 2}, units={"y": "um", "x": "um"}
    )
    assert pixel_size(ps.label_mask(own, LABELS))["y"] == 2
    with pytest.raises(ValueError, match=r"are 2 um along y and those of the image 0\.5 nm"):
        ps.label_mask(own, image.isel(t=0))


def test_pictures_in_colours(tmp_path):
    picture = Image.fromarray(LABELS.astype(np.uint8), mode="P")
    colours = np.random.default_rng(0).integers(1, 255, (256, 3), dtype=np.uint8)
    colours[0] = 0
    picture.putpalette(colours.tobytes())
    picture.save(tmp_path / "palette.png")
    with Image.open(tmp_path / "palette.png") as saved:
        assert saved.mode == "P"
    np.testing.assert_array_equal(ps.label_mask(tmp_path / "palette.png").values, LABELS)
    red = ps.label_mask(str(tmp_path / "palette.png"), channel=0)
    np.testing.assert_array_equal(red.values, colours[LABELS, 0])
    labels = ps.label_mask(tmp_path / "palette.png", binary=True)
    np.testing.assert_array_equal(labels.values, skimage_label(MASK))
    Image.fromarray(np.stack([LABELS] * 3, -1).astype(np.uint8)).save(tmp_path / "rgb.png")
    with pytest.raises(ValueError, match="channel="):
        ps.label_mask(tmp_path / "rgb.png")
    np.testing.assert_array_equal(ps.label_mask(tmp_path / "rgb.png", channel=0).values, LABELS)
    picture.putpalette(colours[::-1].tobytes())
    picture.save(tmp_path / "white.png")
    with pytest.raises(ValueError, match="not black"):
        ps.label_mask(tmp_path / "white.png")


def test_bad_masks():
    with pytest.raises(ValueError, match="give the mask of this image"):
        ps.label_mask(MASK, np.ones((4, 5)))
    with pytest.raises(TypeError, match="holds no labels"):
        ps.label_mask(MASK.astype(float))
    for negative in (
        -LABELS,
        da.from_array(-LABELS, chunks=9),
        xr.DataArray(-LABELS, dims=["y", "x"]),
    ):
        labels = ps.label_mask(negative)
        with pytest.raises(ValueError, match="must not be negative"):
            labels.compute()
