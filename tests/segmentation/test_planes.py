"""A volume of one plane is a plane: files often have a z axis for the form's sake."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import pspy_dask as ps
from pspy_dask.blocks.images import as_image
from tests.shapes import blobs, chunkings

N = 41  # with chunks of a pixel windows would meet all others
RECIPES = {
    "smoothed": {"gaussian": 2.0, "rolling_ball": 9},
    "local": {"threshold": "sauvola", "local_size": 31},
    "local Otsu": {"threshold": "lg_otsu", "local_size": 11, "threshold_over": "series"},
    "parted": {"watershed": True, "watershed_separation": 5, "watershed_erosion": 1},
}


def frames(seed):
    rng = np.random.default_rng(seed)
    return np.stack([100 + 90 * blobs(N, seed + k) + rng.normal(0, 5, (N, N)) for k in (0, 1)])


@pytest.mark.parametrize("name", RECIPES)
@given(data=st.data(), seed=st.integers(0, 99))
@settings(max_examples=6)
def test_labels_and_tables(name, data, seed):
    image = frames(seed).astype(data.draw(st.sampled_from(["u2", "f4"])))
    image = image if data.draw(st.booleans()) else image[0]
    plane = xr.DataArray(image, dims=("t", "y", "x")[-image.ndim :])
    labels = ps.segment(plane, **RECIPES[name])
    thick = image[..., None, :, :]
    chunks = (*((1,) * (image.ndim - 2)), (1,), *data.draw(chunkings((N, N))))
    for stored in (thick, da.from_array(thick, chunks=chunks)):
        lazy = as_image(stored, chunks=chunks)
        found = ps.segment(lazy, **RECIPES[name])
        assert found.dims[-3:] == ("z", "y", "x") and found.chunks[-2:] == lazy.chunks[-2:]
        np.testing.assert_array_equal(found.values, labels.values[..., None, :, :])
        np.testing.assert_array_equal(
            ps.foreground(lazy, **RECIPES[name])[..., 0, :, :],
            ps.foreground(plane, **RECIPES[name]),
        )
        pd.testing.assert_frame_equal(
            ps.region_properties(found, lazy).compute().reset_index(drop=True),
            ps.region_properties(labels, plane).compute().reset_index(drop=True),
        )


@given(data=st.data())
@settings(max_examples=6)
def test_cleaning(data):
    mask = blobs(N)
    thick = as_image(mask[None], chunks=((1,), *data.draw(chunkings((N, N)))))
    labels = ps.label(thick)
    for clean in (ps.clear_border, lambda of: ps.remove_small_objects(of, 9)):
        expected = clean(ps.label(mask)).values
        assert 0 < np.count_nonzero(expected) < np.count_nonzero(mask)
        np.testing.assert_array_equal(clean(labels).values[0], expected)
        np.testing.assert_array_equal(clean(labels.values).values[0], expected)


def test_two_planes_are_a_volume():
    volume = np.zeros((2, 9, 9), np.uint8)
    volume[:, 4, 4] = 9
    assert ps.segment(volume).values.max() == 0  # on the border along z
    with pytest.raises(ValueError, match="gaussian is 3 pixels but the image only 2"):
        ps.segment(volume, gaussian=3)
