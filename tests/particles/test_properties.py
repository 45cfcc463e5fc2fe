"""Tables are scikit-image's, and the same whatever the chunks."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label as skimage_label
from skimage.measure import regionprops_table

import pspy_dask as ps
from pspy_dask.blocks.images import as_image, make_image
from tests.shapes import NAMED, chunkings

FAST = settings(max_examples=20)
PLANE = {
    "area_px": "area",
    "centroid_y_px": "centroid-0",
    "centroid_x_px": "centroid-1",
    "bbox_y0_px": "bbox-0",
    "bbox_x0_px": "bbox-1",
    "bbox_y1_px": "bbox-2",
    "bbox_x1_px": "bbox-3",
    "equivalent_diameter_px": "equivalent_diameter_area",
    "intensity_mean": "intensity_mean",
    "intensity_min": "intensity_min",
    "intensity_max": "intensity_max",
    "intensity_std": "intensity_std",
}


def oracle(labels, image, names):
    wanted = ["label", *{n.split("-")[0] for n in names.values()}]
    return pd.DataFrame(regionprops_table(labels, image, properties=wanted))


def check(table, labels, image, names):
    expected = oracle(labels, image, names)
    table = table.sort_values("label", ignore_index=True)
    np.testing.assert_array_equal(table["label"], expected["label"])
    for ours, theirs in names.items():
        np.testing.assert_allclose(table[ours], expected[theirs], rtol=1e-9, err_msg=ours)
    sums = [image[labels == k].sum(dtype=float) for k in expected["label"]]
    np.testing.assert_allclose(table["intensity_sum"], sums, rtol=1e-9)


@given(
    data=st.data(),
    name=st.sampled_from(sorted(NAMED)),
    dtype=st.sampled_from(["u1", "u2", "i2", "i4", "f4", "f8", ">u2", ">i4", ">f4"]),
)
@FAST
def test_planes(data, name, dtype):
    mask = NAMED[name]
    image = np.random.default_rng(1).normal(90, 20, mask.shape).clip(0, 255).astype(dtype)
    labels = ps.label(as_image(mask, chunks=data.draw(chunkings(mask.shape))))
    table = ps.region_properties(labels, image).compute()
    wide = image.astype(float)  # scikit-image averages float32 in float32
    check(table, skimage_label(mask), wide, PLANE)
    assert list(table["label"]) == list(range(1, len(table) + 1))
    swapped = da.from_array(labels.values.astype(">i4"), chunks=11)
    whole = ps.region_properties(swapped, image).compute()
    pd.testing.assert_frame_equal(
        table.reset_index(drop=True), whole.reset_index(drop=True), check_exact=True
    )


@given(data=st.data(), seed=st.integers(0, 2**16))
@FAST
def test_any_labels_in_several_pieces(data, seed):
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random((14, 17)) < 0.4, rng.integers(1, 30, (14, 17)), 0)
    image = rng.normal(1e4, 1, labels.shape).astype(np.float32)
    lazy = da.from_array(labels, chunks=data.draw(chunkings(labels.shape)))
    check(ps.region_properties(lazy, image).compute(), labels, image.astype(float), PLANE)


@given(data=st.data(), seed=st.integers(0, 2**16))
@FAST
def test_volumes(data, seed):
    rng = np.random.default_rng(seed)
    mask, image = rng.random((6, 7, 8)) < 0.3, rng.integers(0, 4000, (6, 7, 8))
    names = {
        "area_px": "area",
        "centroid_z_px": "centroid-0",
        "bbox_z0_px": "bbox-0",
        "bbox_x1_px": "bbox-5",
        "intensity_std": "intensity_std",
        "equivalent_diameter_px": "equivalent_diameter_area",
    }
    labels = ps.label(as_image(mask, chunks=data.draw(chunkings(mask.shape))))
    check(ps.region_properties(labels, image).compute(), skimage_label(mask), image, names)


def test_calibration():
    y, x = np.mgrid[:200, :200] - 100
    disc = da.from_array(y**2 + x**2 <= 80**2, chunks=(60, 70))
    steps = {"y": 2.0, "x": 2.0}
    image = make_image(
        disc, ("y", "x"), steps=steps, units=dict.fromkeys("yx", "nm"), origin={"y": 10}
    )
    table = ps.region_properties(ps.label(image)).compute()
    row = table.iloc[0]
    assert row["area_px"] == 20081
    assert row["area"] == 4 * 20081
    assert (row["centroid_y"], row["centroid_x"]) == (210, 200)
    # 161 pixels of 2 nm about the centre; y is 10 at the middle of the first pixel
    assert (row["bbox_y0"], row["bbox_y1"]) == (10 + 2 * 19.5, 10 + 2 * 180.5)
    assert (row["bbox_x0"], row["bbox_x1"]) == (2 * 19.5, 2 * 180.5)
    assert (row["bbox_x1"] - row["bbox_x0"]) == 2 * (row["bbox_x1_px"] - row["bbox_x0_px"]) == 322
    assert row["equivalent_diameter"] == pytest.approx(2 * row["equivalent_diameter_px"])
    units = table.attrs["units"]
    assert units["area"] == "nm^2" and units["centroid_x"] == "nm"
    assert units["equivalent_diameter"] == units["bbox_x0"] == "nm" and units["bbox_x1_px"] == "px"
    assert list(units) == list(table.columns)


def test_frames_have_a_column():
    series = np.random.default_rng(0).random((3, 1, 12, 13)) < 0.3
    table = ps.region_properties(ps.label(as_image(series, chunks=(1, 5, 6)))).compute()
    for frame, rows in table.groupby("frame"):
        assert len(rows) == skimage_label(series[frame]).max()


def test_pixels_that_are_not_finite_do_not_count():
    labels = np.array([[1, 1, 0], [0, 2, 2]])
    image = np.array([[1.0, np.nan, 9.0], [9.0, np.inf, np.nan]])
    table = ps.region_properties(labels, image).compute()
    assert table["intensity_mean"].iloc[0] == 1.0
    assert np.isnan(table["intensity_mean"].iloc[1]) and table["intensity_sum"].iloc[1] == 0


def test_large_offsets_do_not_cancel():
    labels = np.ones((1, 4), int)
    image = np.array([[1e8, 1e8 + 1, 1e8, 1e8 + 1]])
    assert ps.region_properties(labels, image).compute()["intensity_std"].iloc[0] == 0.5


def test_bad_input():
    with pytest.raises(ValueError, match="give the image that was segmented"):
        ps.region_properties(np.ones((3, 3), int), np.ones((4, 3)))
    with pytest.raises(ValueError, match="not integers"):
        ps.region_properties(np.ones((3, 3)))


def test_no_objects():
    table = ps.region_properties(np.zeros((4, 4), int), np.ones((4, 4))).compute()
    assert len(table) == 0 and "intensity_std" in table
    assert isinstance(
        ps.region_properties(xr.DataArray(np.zeros((4, 4), int), dims=("y", "x"))).columns, pd.Index
    )
