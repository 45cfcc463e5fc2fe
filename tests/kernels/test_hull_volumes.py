"""Convex volumes and Feret diameters against scikit-image's; of flat regions, as in a plane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import measure

from pspy_dask.kernels import hull_volumes
from pspy_dask.kernels.hull_shapes import convex_areas, feret_diameters
from pspy_dask.kernels.hull_volumes import convex_volumes
from pspy_dask.kernels.hulls import find_hulls
from tests.shapes import NAMED

SHAPES = st.tuples(st.integers(2, 5), st.integers(2, 6), st.integers(2, 6))
LABELS = SHAPES.flatmap(lambda s: arrays(np.int32, s, elements=st.sampled_from([0, 0, 1, 1, 2])))
SPACINGS = st.sampled_from([(1.0, 1.0, 1.0), (2.0, 0.5, 0.3)])


def is_flat(image):
    points = np.argwhere(image)
    return np.linalg.matrix_rank(points - points[0]) < 3


def assert_as_scikit_image(labels, spacing=(1.0, 1.0, 1.0)):
    """Compare all regions but flat ones, of which scikit-image finds no hull."""
    hulls = find_hulls(labels, int(labels.max()), (3, 5, 2**40))
    volumes, diameters = convex_volumes(hulls, spacing)
    for region in measure.regionprops(labels, spacing=spacing):
        if not is_flat(region.image):
            row = region.label - 1
            assert volumes[row] == region.image_convex.sum()
            assert diameters[row] == pytest.approx(region.feret_diameter_max, rel=1e-12)


@settings(max_examples=60)
@given(LABELS, SPACINGS)
def test_as_scikit_image(labels, spacing):
    assert_as_scikit_image(labels, spacing)


def ball(radius):
    z, y, x = np.indices((2 * radius + 1,) * 3) - radius
    return (z * z + y * y + x * x <= radius * radius).astype(np.int32)


@pytest.mark.parametrize("many", [0, 2048])
def test_bodies_as_scikit_image(many, monkeypatch):
    """Also where extreme voxels are looked for first."""
    monkeypatch.setattr(hull_volumes, "_MANY", many)
    scattered = (np.random.default_rng(3).random((15, 20, 25)) < 3e-3).astype(np.int32)
    for body in (ball(4), ball(9), scattered, np.ones((3, 4, 5), np.int32)):
        assert_as_scikit_image(body)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("name", [name for name in NAMED if name != "empty"])
def test_flat_regions_are_as_in_a_plane(name, axis):
    mask = NAMED[name][:, :11].astype(np.int32)
    flat = find_hulls(np.expand_dims(mask, axis), 1, (0, 0, 0))
    plane = find_hulls(mask[None], 1, (0, 0, 0))
    volumes, diameters = convex_volumes(flat)
    assert volumes.tolist() == convex_areas(plane).tolist()
    assert diameters == pytest.approx(feret_diameters(plane), rel=1e-12)


def test_no_voxels():
    volumes, diameters = convex_volumes(find_hulls(np.zeros((1, 2, 2), np.int32), 1, (0, 0, 0)))
    assert volumes.tolist() == diameters.tolist() == [0]
