"""Radial profiles: means of rings, the same whatever the chunks."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import pspy_dask as ps
from pspy_dask.blocks.images import make_image
from pspy_dask.kernels.exact_sums import exact_sum, to_float
from tests.particles.test_particle_list import make_list
from tests.shapes import chunkings

SHAPE = (23, 31)
WIDE = np.random.default_rng(0).normal(size=SHAPE) * 10.0 ** np.arange(-15, 16)


def oracle(image, center, step, bins, sides=(1.0, 1.0)):
    y, x = np.indices(image.shape)
    distance = np.sqrt(((y - center[0]) * sides[0]) ** 2 + ((x - center[1]) * sides[1]) ** 2)
    rings = [image[(distance >= k * step) & (distance < (k + 1) * step)] for k in range(bins)]
    return [to_float(exact_sum(ring), ring.size) for ring in rings]


@given(data=st.data(), center=st.tuples(st.floats(-5, 30), st.floats(-5, 40)))
@settings(max_examples=15)
def test_exact_means_of_rings_at_any_chunks(data, center):
    chunks = data.draw(chunkings(SHAPE))
    profile = ps.radial_profile(da.from_array(WIDE, chunks=chunks), center)
    assert profile.dims == ("radius",)
    np.testing.assert_array_equal(profile, oracle(WIDE, center, 1.0, profile.size))
    corner = max(np.hypot(center[0] - y, center[1] - x) for y in (0, 22) for x in (0, 30))
    assert profile.size == int(corner) + 1


def test_control_means_of_floats_depend_on_the_order():
    sums = {WIDE[:, :k].sum() + WIDE[:, k:].sum() for k in range(1, 31)}
    assert len(sums) > 1


def test_physical_units_and_the_middle_by_default():
    image = make_image(
        da.from_array(WIDE, chunks=7),
        ("y", "x"),
        steps={"y": 0.5, "x": 0.25},
        units={"y": "nm", "x": "nm"},
        origin={"y": 100.0, "x": -3.0},
    )
    profile = ps.radial_profile(image, step=0.75, bins=4)
    expected = oracle(WIDE, (11, 15), 0.75, 4, (0.5, 0.25))
    np.testing.assert_array_equal(profile, expected)
    assert profile.radius.attrs == {"units": "nm", "step": 0.75}
    np.testing.assert_allclose(profile.radius, [0.375, 1.125, 1.875, 2.625])
    same = ps.radial_profile(image, (105.5, 0.75), step=0.75, bins=4)
    np.testing.assert_array_equal(profile, same)


def test_series_volumes_and_what_is_not_finite():
    frames = np.stack([WIDE, WIDE[::-1]])
    series = xr.DataArray(frames, dims=("t", "y", "x"))
    profile = ps.radial_profile(series, (3, 4))
    assert profile.dims == ("t", "radius")
    np.testing.assert_array_equal(
        profile[1], oracle(WIDE[::-1], (3, 4), 1.0, profile.sizes["radius"])
    )
    volume = np.zeros((3, 3, 3), "u1")
    volume[1, 1, 1] = 9
    assert ps.radial_profile(volume).values.tolist() == [9.0, 0.0]
    holed = np.array([[1.0, np.nan, 3.0]])
    assert ps.radial_profile(holed, (0, 0)).values[[0, 2]].tolist() == [1.0, 3.0]
    assert np.isnan(ps.radial_profile(holed, (0, 0)).values[1])


def test_the_profile_of_a_particle():
    y, x = np.indices((41, 41))
    distance = np.hypot(y - 20, x - 20)
    labels = (distance < 12).astype(int)
    image = np.round(1000 - 10 * distance).astype("i4")
    image[0] = 10**6  # outside
    particle = make_list(labels, image)[0]
    profile = particle.radial_profile()
    inside = distance < 12
    means = [image[inside & (distance // 1 == k)].mean() for k in range(12)]
    np.testing.assert_allclose(profile.values[:12], means, rtol=1e-12)
    assert np.isnan(profile.values[12:]).all()
    assert profile.radius.units == "nm"
    assert float(profile.radius[0]) == 0.25
    around = particle.radial_profile(p_only=False, pad=3, bins=15)
    expected = [
        image[(distance // 1 == k) & (y > 5) & (y < 35) & (x > 5) & (x < 35)] for k in range(15)
    ]
    np.testing.assert_allclose(around, [ring.mean() for ring in expected], rtol=1e-12)
    with pytest.raises(ValueError, match="no centroid_weighted"):
        particle.radial_profile(weighted=True)


def test_about_the_weighted_centroid():
    image = np.zeros((5, 9))
    image[2, 6] = 3.0
    labels = np.ones((5, 9), int)
    listed = ps.find_particles(image, labels=labels, properties=["centroid", "centroid_weighted"])
    assert listed[0].radial_profile(weighted=True).values[:2].tolist() == [3.0, 0.0]
    assert listed[0].radial_profile().values[0] == 0.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"center": (1,)}, "one for y, x"),
        ({"center": (1, np.nan)}, "finite"),
        ({"step": 0}, "above 0"),
        ({"bins": 0}, "1 or more"),
    ],
)
def test_refusals(options, words):
    with pytest.raises(ValueError, match=words):
        ps.radial_profile(WIDE, **options)


def test_axes_of_different_units_have_no_distance():
    image = make_image(da.from_array(WIDE), ("y", "x"), units={"y": "nm", "x": "s"})
    with pytest.raises(ValueError, match="different units"):
        ps.radial_profile(image)
