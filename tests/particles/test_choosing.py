"""What is asked for is what comes, and what cannot be is refused in one sentence."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from skimage.measure import regionprops

import pspy_dask as ps
from pspy_dask.blocks.images import make_image
from pspy_dask.io.tables import read_table, write_parquet
from pspy_dask.particles.catalogue import ABSENT, property_names
from pspy_dask.particles.measures.hull import Hull
from pspy_dask.particles.properties import table_form, table_units

LABELS = np.array([[5, 5, 0, 0], [5, 0, 0, 9], [0, 0, 9, 9]])
IMAGE = np.arange(12.0).reshape(3, 4)


def test_columns_come_in_the_order_asked():
    table = ps.region_properties(LABELS, properties=["extent", "label", "area"]).compute()
    assert list(table) == ["label", "extent", "area", "area_px"]
    assert list(ps.region_properties(LABELS, properties="extent").columns) == ["label", "extent"]


def test_older_names():
    asked = ["bbox_area", "convex_area", "major_axis_length", "equivalent_diameter_area"]
    table = ps.region_properties(LABELS, properties=asked)
    expected = ["area_bbox", "area_convex", "axis_major_length", "equivalent_diameter"]
    assert list(table.columns)[1::2] == expected


def test_every_name_of_scikit_image_is_taken_or_refused_with_a_reason():
    older = {
        *("bbox_area", "convex_area", "filled_area", "convex_image", "filled_image"),
        *("equivalent_diameter", "intensity_image", "local_centroid", "major_axis_length"),
        *("max_intensity", "mean_intensity", "min_intensity", "std_intensity"),
        *("minor_axis_length", "weighted_centroid", "weighted_local_centroid"),
        *(f"weighted_moments{end}" for end in ("", "_central", "_hu", "_normalized")),
    }
    region = regionprops(LABELS, IMAGE)[0]
    for name in {*region, *older}:
        if name in ABSENT:
            with pytest.raises(ValueError, match=f"{name} is not measured, for .*: (fill|take) "):
                ps.region_properties(LABELS, IMAGE, properties=name)
        else:
            assert len(ps.region_properties(LABELS, IMAGE, properties=name).columns)


def test_older_names_mean_the_same():
    names = ["max_intensity", "mean_intensity", "min_intensity", "num_pixels"]
    table = ps.region_properties(LABELS, IMAGE, properties=names).compute()
    regions = regionprops(LABELS, IMAGE)
    assert list(table)[1:] == ["intensity_max", "intensity_mean", "intensity_min", "num_pixels"]
    for name in list(table)[1:]:
        assert table[name].tolist() == [region[name] for region in regions]


def test_only_what_is_asked_for_is_measured(monkeypatch):
    def refuse(*_):
        raise AssertionError("measured")

    monkeypatch.setattr(Hull, "measure", refuse)
    ps.region_properties(LABELS, properties=["area"]).compute(scheduler="synchronous")
    lazy = ps.region_properties(LABELS, properties=["solidity"])  # nor anything before it is asked
    with pytest.raises(AssertionError, match="measured"):
        lazy.compute(scheduler="synchronous")


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5)])
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_no_objects_give_an_empty_table_of_the_same_types(shape, dtype):
    some = np.zeros(shape, int)
    some[..., 1:3, 1:4] = 3
    image = np.ones(shape, dtype)
    tables = [
        ps.region_properties(labels, image, properties="all").compute()
        for labels in (some, np.zeros(shape, int))
    ]
    assert len(tables[1]) == 0 and len(tables[0]) == 1
    pd.testing.assert_series_equal(tables[0].dtypes, tables[1].dtypes)
    assert tables[0].attrs == tables[1].attrs


def test_units_of_every_column():
    image = make_image(
        da.from_array(LABELS), ("y", "x"), steps={"y": 2.0, "x": 2.0}, units={"y": "nm", "x": "nm"}
    )
    table = ps.region_properties(image, IMAGE, properties="all").compute()
    units = table.attrs["units"]
    assert list(units) == list(table) and units == table_units(image, IMAGE.dtype, properties="all")
    assert units["moments_2_1"] == "nm^3" and units["moments_2_1_px"] == "px^3"
    assert units["inertia_tensor_yx"] == "nm^2" and units["orientation"] == "rad"
    assert all(unit.startswith("px") or unit == "" for n, unit in units.items() if n[-3:] == "_px")
    other = {"y": "nm", "x": "s"}
    mixed = make_image(da.from_array(LABELS), ("y", "x"), units=other)
    units = ps.region_properties(mixed).compute().attrs["units"]
    assert units["area"] == "nm·s" and units["axis_major_length"] == "(nm·s)^(1/2)"


def test_pixels_that_are_not_square():
    table = ps.region_properties(
        LABELS, properties=["perimeter", "circularity", "area", "moments_hu"], spacing=(1.0, 2.0)
    ).compute()
    assert table["perimeter"].isna().all() and table["perimeter_px"].notna().all()
    assert table["circularity"].isna().all() and table["moments_hu_0"].isna().all()
    assert list(table["area"]) == [6.0, 6.0]


@pytest.mark.parametrize("step", [0.1, 1e-9, 1.7])
def test_rounding_does_not_make_a_square_pixel_oblong(step):
    coords = {"y": np.arange(90) * step + 12.3, "x": np.linspace(0, 76 * step, 77)}
    labels = xr.DataArray(np.ones((90, 77), int), coords, ("y", "x"))
    names = ["perimeter", "perimeter_8", "perimeter_crofton", "circularity", "moments_hu"]
    for part in (labels, labels[10:60, 10:50], labels[::2, ::2]):
        table = ps.region_properties(part, properties=names).compute()
        assert table.notna().all(axis=None)
        ratio = table["perimeter"][0] / table["perimeter_px"][0]
        assert ratio == pytest.approx(float(part.x[1] - part.x[0]))


def test_steps_are_equal_up_to_a_millionth():
    for other, same in ((1e-12, True), (1e-8, True), (1e-5, False)):
        steps = {"y": 0.1, "x": 0.1 + other}
        image = make_image(da.from_array(LABELS), ("y", "x"), steps=steps)
        table = ps.region_properties(image, properties=["perimeter", "circularity"]).compute()
        assert table.notna().all(axis=None) == same
    volume = make_image(
        da.ones((2, 3, 4)), ("z", "y", "x"), steps={"z": 0.2, "y": 0.1, "x": 0.1 + 1e-12}
    )
    assert table_form(volume).steps == (0.2, 0.1, 0.1)


def test_spacing_takes_the_place_of_the_pixel_size():
    origin = {"y": 10.0, "x": 0.0}
    image = make_image(da.from_array(LABELS), ("y", "x"), steps={"y": 2.0, "x": 2.0}, origin=origin)
    table = ps.region_properties(image, properties=["centroid", "area"], spacing=4.0).compute()
    assert table["centroid_y"][0] == 20 + 4 / 3 and table["area"][0] == 48
    assert table.attrs["units"]["area"] == ""


def test_bad_input():
    with pytest.raises(ValueError, match=r"'girth' is not a property: choose from area, .*euler"):
        ps.region_properties(LABELS, properties=["girth"])
    with pytest.raises(ValueError, match="not a property"):
        ps.region_properties(LABELS, IMAGE, properties=["intensity_percentile_101"])
    with pytest.raises(ValueError, match="give the image beside the labels"):
        ps.region_properties(LABELS, properties=["intensity_mean"])
    with pytest.raises(ValueError, match="not defined for objects of 3 axes"):
        ps.region_properties(np.ones((2, 3, 4), int), properties=["perimeter"])
    for spacing in (0, -1.0, (1.0, 0.0), np.nan):
        with pytest.raises(ValueError, match="give a positive one"):
            ps.region_properties(LABELS, spacing=spacing)
    with pytest.raises(ValueError, match="does not fit the axes y, x"):
        ps.region_properties(LABELS, spacing=(1.0, 1.0, 1.0))
    for words in ("a", ["1 nm", "2 nm"]):
        with pytest.raises(ValueError, match="is not numbers: give one number, or one for each"):
            ps.region_properties(LABELS, spacing=words)
    with pytest.raises(ValueError, match="label the mask first"):
        ps.region_properties(LABELS > 0)


def test_negative_labels_are_refused_on_computing():
    table = ps.region_properties(-LABELS)
    with pytest.raises(ValueError, match="must not be negative"):
        table.compute()


def test_image_of_other_chunks():
    lazy = da.from_array(LABELS, chunks=2) + 0
    names = ["local_background", "intensity_mean", "perimeter"]
    one = ps.region_properties(lazy, da.from_array(IMAGE, chunks=3) + 0, properties=names)
    two = ps.region_properties(LABELS, IMAGE, properties=names)
    one, two = (t.compute().sort_values("label", ignore_index=True) for t in (one, two))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_control_an_image_out_of_place_is_seen():
    names = ["local_background"]
    right = ps.region_properties(LABELS, IMAGE, properties=names).compute()
    wrong = ps.region_properties(LABELS, np.roll(IMAGE, 1), properties=names).compute()
    assert (right["local_background"] != wrong["local_background"]).all()


def test_datasets():
    series = xr.DataArray(np.stack([LABELS, LABELS]), dims=("t", "y", "x"))
    table = ps.region_properties(series).compute()
    dataset = ps.table_as_dataset(table)
    assert set(dataset.coords) == {"label", "frame"} and dataset.sizes == {"particle": 4}
    assert dataset["area"].attrs["units"] == "px^2" and not dataset["extent"].attrs
    np.testing.assert_array_equal(dataset["area"], table["area"])
    with pytest.raises(TypeError, match=r"call its compute\(\) first"):
        ps.table_as_dataset(ps.region_properties(LABELS))


def test_tables_with_everything_are_written(tmp_path):
    lazy = ps.region_properties(da.from_array(LABELS, chunks=2), IMAGE, properties="all")
    units = table_units(make_image(da.from_array(LABELS), ("y", "x")), "f8", properties="all")
    write_parquet(lazy, tmp_path / "a.parquet", units=units)
    stored = read_table(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(stored, lazy.compute().reset_index(drop=True), check_exact=True)
    assert {k: v for k, v in units.items() if v} == stored.attrs["units"]


def test_names():
    planes, volumes = (set(property_names(axes, image=True)) for axes in (2, 3))
    assert planes - volumes >= {"eccentricity", "orientation", "perimeter", "moments_hu"}
    assert volumes <= planes and "intensity_sum" not in property_names(2, image=False)
