"""Components beyond the budget: flooded window by window, and still the same at any chunks."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label

import pspy_dask as ps
from pspy_dask.kernels.windowed import lattice_of
from pspy_dask.parameters import LEAST_BUDGET
from pspy_dask.segmentation.watershed import beyond_the_budget
from tests.shapes import blobs, chunkings, rings, specks, spiral

N = 100
SHAPES = {
    "between blobs": ~blobs(N),
    "spiral": spiral(N, 4),
    "rings": rings(N, 5),
    "specks": specks(N, 0.45),
    "full": np.ones((N, N), bool),
}


def chain(n=150):
    """Discs of radius 2 on wires: no pixel is farther from its marker than windows reach."""
    y, x = np.indices((n, n))
    mask = (y % 10 - 5) ** 2 + (x % 10 - 5) ** 2 <= 5
    return mask | (y % 10 == 5) | (x % 10 == 5)


def in_windows(mask, **options):
    return ps.watershed(mask, budget=LEAST_BUDGET, **options)


def values(labels):
    """Return labels, number of components beyond the budget, seam disagreement."""
    doubts = ps.flooding(labels).values()
    return dask.compute(labels.data, *(v.data for v in doubts), scheduler="sync")


@pytest.mark.filterwarnings("ignore:.*flooded window by window")
@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=6)
@given(
    data=st.data(),
    separation=st.integers(1, 30),
    erosion=st.sampled_from([0, 2]),
    min_size=st.sampled_from([0, 9]),
    clear_border=st.booleans(),
)
def test_any_chunks(name, data, **options):
    mask = SHAPES[name]
    chunks = data.draw(chunkings(mask.shape))
    expected = values(in_windows(mask, **options))
    for one, other in zip(
        expected, values(in_windows(da.from_array(mask, chunks), **options)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore:.*flooded window by window")
@pytest.mark.parametrize("erosion", [0, 3])
@pytest.mark.parametrize("name", SHAPES)
def test_nothing_is_lost_and_objects_are_connected(name, erosion):
    found = in_windows(SHAPES[name], separation=9, erosion=erosion)
    assert int(ps.flooding(found).giant_components) > 0
    assert ((found.values > 0) == SHAPES[name]).all()
    numbers, firsts = np.unique(found.values[found.values > 0], return_index=True)
    assert numbers.tolist() == list(range(1, numbers.size + 1)) and (np.diff(firsts) > 0).all()
    assert all(label(found.values == k).max() == 1 for k in numbers)


@pytest.mark.filterwarnings("ignore:.*flooded window by window")
def test_volumes():
    z, y, x = np.indices((40, 40, 40))
    mask = sum((a % 10 - 5) ** 2 for a in (z, y, x)) <= 27
    found = in_windows(mask, separation=5)
    assert int(ps.flooding(found).giant_components) == 1 and ((found.values > 0) == mask).all()
    halves = in_windows(da.from_array(mask, (17, 40, 9)), separation=5)
    np.testing.assert_array_equal(found.values, halves.data.compute(scheduler="sync"))


@pytest.mark.filterwarnings("ignore:.*flooded window by window")
def test_small_particles_come_out_as_in_one_piece():
    expected = ps.watershed(chain(), separation=5)
    found = in_windows(chain(), separation=5)
    np.testing.assert_array_equal(found.values, expected.values)
    assert (
        int(ps.flooding(found).giant_components) == 1
        and float(ps.flooding(found).seam_disagreement) == 0
    )
    assert int(ps.flooding(expected).giant_components) == 0


@pytest.mark.filterwarnings("ignore:.*flooded window by window")
def test_control_what_windows_do_not_show_is_measured():
    solid = in_windows(np.ones((N, N), bool), separation=9)
    assert int(solid.max()) > 1  # in one piece it is one object
    assert 0 < float(ps.flooding(solid).seam_disagreement) <= 1


@pytest.mark.filterwarnings("ignore:.*flooded window by window")
def test_only_components_beyond_the_budget_are_touched():
    mask = np.zeros((150, 90), bool)
    mask[:50, :50] = blobs(50)
    mask[52:] = True
    expected, found = ps.watershed(mask, separation=5), in_windows(mask, separation=5)
    assert int(ps.flooding(found).giant_components) == 1 and int(found.max()) > int(expected.max())
    np.testing.assert_array_equal(found[:51], expected[:51])  # numbered first


def test_a_warning_names_their_number_and_the_budget():
    with pytest.warns(UserWarning, match="1 component passes the budget of 4,096 pixels and was"):
        in_windows(SHAPES["spiral"]).data.compute(scheduler="sync")
    assert beyond_the_budget(12, 10**7).startswith("12 components pass the budget of 10,000,000")


def test_exact_refuses_them():
    with pytest.raises(ValueError, match=r"10,000 pixels passes the budget of 4,096 .*: raise"):
        in_windows(SHAPES["full"], exact=True).data.compute(scheduler="sync")
    for budget, says in ((100, "4096 or more"), (2**31, "up to 1073741824")):
        with pytest.raises(ValueError, match=f"^budget is {budget}: .* {says}"):
            ps.watershed(SHAPES["full"], budget=budget)


def test_labels_that_no_watershed_returned():
    labels = ps.watershed(blobs(30))
    persisted = labels.persist(scheduler="sync")
    cleared, components = ps.clear_border(labels), ps.label(blobs(30))
    for other in (labels[:5], persisted, cleared, components, labels.values):
        with pytest.raises(ValueError, match="not as a watershed returned them: ask before"):
            ps.flooding(other)


def test_labels_may_be_compared_and_stored_without_computing(tmp_path):
    one, other = ps.watershed(blobs(30)), ps.watershed(blobs(30), separation=3)

    def never(*arguments, **options):
        raise AssertionError("computed")

    with dask.config.set(scheduler=never):
        assert (one == other).shape == xr.where(one > 0, other, 0).shape == (30, 30)
        xr.Dataset({"one": one, "other": other})
    one.to_dataset(name="labels").to_zarr(tmp_path / "labels.zarr")
    assert xr.open_zarr(tmp_path / "labels.zarr")["labels"].attrs["watershed_budget"] >= 4096


@pytest.mark.filterwarnings("ignore:.*flooded window by window")
def test_series_have_doubts_by_frame():
    frames = np.stack([chain(100), np.zeros((100, 100), bool)])
    labels = in_windows(xr.DataArray(frames, dims=("t", "y", "x")))
    giants = ps.flooding(labels).giant_components
    assert giants.dims == ("t",) and giants.values.tolist() == [1, 0]
    assert labels.attrs["watershed_budget"] == LEAST_BUDGET


@pytest.mark.filterwarnings("ignore:.*flooded window by window")
def test_the_table_has_a_row_for_every_object():
    mask = specks(N, 0.45)
    labels = in_windows(da.from_array(mask, (30, 41)))
    areas = ps.region_properties(labels).compute()["area_px"].to_numpy()
    np.testing.assert_array_equal(areas, np.bincount(labels.values.ravel())[1:])


@given(st.integers(LEAST_BUDGET, 2**40), st.sampled_from([2, 3]))
def test_windows_keep_to_the_budget(budget, axes):
    lattice = lattice_of(budget, axes)
    assert lattice.reach >= 1 and lattice.side >= lattice.reach
    assert (lattice.side + 2 * lattice.reach) ** axes <= budget


def test_the_budget_follows_from_the_memory_of_a_worker():
    from distributed import Client

    options = {"processes": False, "n_workers": 1, "dashboard_address": None}
    with Client(threads_per_worker=2, memory_limit="4GiB", **options):
        assert ps.watershed(np.ones((9, 9), bool)).attrs["watershed_budget"] == 2**24
