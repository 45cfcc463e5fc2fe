"""What coordinates say of pixels is believed or refused, never guessed."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import pspy_dask as ps
from pspy_dask.blocks.calibration import share_calibration
from pspy_dask.blocks.images import as_image, axis_units, make_image, pixel_size
from pspy_dask.io.ome_zarr import write_image

PIXELS = np.zeros((64, 64), np.uint8)
PIXELS[10:20, 10:20] = PIXELS[30:45, 40:50] = 200
HALVES = {"y": 100 + 0.5 * np.arange(64), "x": 0.5 * np.arange(64)}
IMAGE = xr.DataArray(PIXELS, HALVES, ("y", "x"))


def test_a_pixel_size_without_a_unit_is_in_no_unit():
    table = ps.region_properties(ps.segment(IMAGE)).compute()
    same = ps.region_properties(ps.segment(PIXELS), spacing=0.5).compute()
    assert table["area"].tolist() == [25.0, 37.5] == same["area"].tolist()
    assert table.attrs["units"] == same.attrs["units"]
    assert table.attrs["units"]["area"] == "" and table.attrs["units"]["area_px"] == "px^2"


def test_units_that_nobody_states():
    assert axis_units(as_image(PIXELS)) == {"y": "px", "x": "px"}
    assert axis_units(as_image(IMAGE.drop_vars("y"))) == {"y": "", "x": ""}
    data = da.zeros((2, 3, 4, 5))
    image = make_image(
        data, ("t", "z", "y", "x"), steps={"z": 2.0, "t": 0.1}, units={"t": "px", "x": "px"}
    )
    assert axis_units(image) == {"t": "", "z": "", "y": "", "x": ""}
    image = make_image(
        data, ("t", "z", "y", "x"), steps={"z": 2.0, "x": 0.5}, units={"z": "nm", "x": "nm"}
    )
    assert axis_units(image) == {"t": "frame", "z": "nm", "y": "px", "x": "nm"}


def test_every_second_pixel_of_an_uncalibrated_image_is_two_pixels_wide():
    image = as_image(PIXELS)[::2, ::2]
    assert pixel_size(image) == {"y": 2, "x": 2} and axis_units(image) == {"y": "px", "x": "px"}


def test_units_are_taken_from_whichever_states_them():
    named = make_image(
        da.from_array(PIXELS), ("y", "x"), steps={"y": 0.5, "x": 0.5}, units={"y": "nm", "x": "nm"}
    )
    unnamed = as_image(IMAGE)
    for pair in ((named, unnamed), (unnamed, named)):
        assert axis_units(share_calibration(*pair)[0]) == {"y": "nm", "x": "nm"}


def test_areas_have_no_unit_where_that_of_an_axis_is_not_known():
    image = make_image(
        da.ones((3, 4), dtype=int), ("y", "x"), steps={"y": 0.5, "x": 0.5}, units={"x": "nm"}
    )
    units = ps.region_properties(image).compute().attrs["units"]
    assert units["area"] == units["equivalent_diameter"] == "" and units["centroid_x"] == "nm"


DESCENDING = IMAGE[::-1]


@pytest.mark.parametrize(
    "function",
    [
        lambda: ps.region_properties(ps.segment(DESCENDING)),
        lambda: ps.region_properties(ps.segment(DESCENDING), spacing=0.5),
        lambda: ps.region_properties(ps.segment(PIXELS), DESCENDING),
        lambda: ps.find_particles(DESCENDING),
        lambda: ps.radial_profile(DESCENDING),
        lambda: ps.region_properties(DESCENDING.assign_coords(y=np.arange(64, dtype="u1")[::-1])),
        lambda: ps.region_properties(DESCENDING.assign_coords(y=np.zeros(64))),
    ],
)
def test_axes_that_do_not_ascend(function):
    with pytest.raises(ValueError, match=r"along y do not ascend: sort .* image\.sortby\('y'\)"):
        function()


def test_what_is_proposed_for_axes_that_do_not_ascend():
    found = ps.find_particles(DESCENDING.sortby("y"))
    assert found["centroid_y"].tolist() == [107.25, 118.5]
    table = ps.region_properties(ps.segment(DESCENDING).sortby("y"), spacing=1.0).compute()
    assert sorted(table["centroid_y"]) == [214.5, 237.0]
    bare = ps.region_properties(ps.segment(DESCENDING.drop_vars("y")), spacing=0.5).compute()
    assert bare["centroid_y"].tolist() == [13.0, 24.25]


def uneven(dtype="f8"):
    return IMAGE.assign_coords(y=(100 + np.arange(64) ** 1.1).astype(dtype))


@pytest.mark.parametrize("function", [ps.segment, ps.open_image, ps.radial_profile])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_uneven_coordinates(function, dtype):
    with pytest.raises(ValueError, match=r"along y are not evenly .* resample .*drop_vars\('y'\)"):
        function(uneven(dtype))
    function(uneven(dtype).drop_vars("y"))


def test_coordinates_that_are_not_finite():
    with pytest.raises(ValueError, match="along y are not evenly spaced"):
        ps.segment(IMAGE.assign_coords(y=np.where(np.arange(64) == 9, np.nan, HALVES["y"])))


@pytest.mark.parametrize("start", [0, 100, 1e4, 1e6])
def test_rounding_is_not_uneven(start):
    y = (start + np.arange(64) / 3).astype("f4")
    assert pixel_size(as_image(IMAGE.assign_coords(y=y)))["y"] == pytest.approx(1 / 3, rel=0.02)
    as_image(IMAGE.assign_coords(y=y).isel(y=slice(3, None, 2)))
    as_image(IMAGE.assign_coords(y=start + np.arange(64) / 3))


@pytest.mark.parametrize("x", [["ab", "cd"] * 32, pd.date_range("2020", periods=64)])
def test_coordinates_in_space_are_numbers(x):
    image = IMAGE.assign_coords(x=x)
    with pytest.raises(ValueError, match=r"along x are no numbers .* \.drop_vars\('x'\)"):
        ps.segment(image)
    ps.segment(image.drop_vars("x"))


def test_frames_may_have_dates(tmp_path):
    dates = {"t": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-03-01"])}
    series = xr.DataArray(np.stack([PIXELS] * 3), {**dates, **HALVES}, ("t", "y", "x"))
    labels = ps.segment(series)
    assert ps.region_properties(labels, series).compute()["frame"].tolist() == [0, 0, 1, 1, 2, 2]
    found = ps.find_particles(series)
    assert found["centroid_y"].tolist() == [107.25, 118.5] * 3 and found[0].image.shape == (10, 10)
    assert (ps.radial_profile(series).t == series.t).all()
    write_image(series, tmp_path / "series.ome.zarr").run()
    stored = ps.open_image(tmp_path / "series.ome.zarr")
    assert axis_units(stored) == {"t": "frame", "y": "", "x": ""}
    assert pixel_size(stored) == {"t": 1, "y": 0.5, "x": 0.5}
