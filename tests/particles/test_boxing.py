"""Boxes of one size: NumPy's padding, particle by particle."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pspy_dask as ps
from pspy_dask.blocks.sources import lazy_array
from tests.particles.test_particle_list import Counting, calibrated, make_list
from tests.shapes import NAMED, N, blobs, chunkings


def padded(pixels, size):
    """Put zeros around; where the middle is between two pixels the particle lies before it."""
    widths = [((n - m) // 2, n - m - (n - m) // 2) for n, m in zip(size, pixels.shape, strict=True)]
    return np.pad(pixels, widths)


@given(data=st.data(), name=st.sampled_from(["blobs", "diagonals", "rings"]), even=st.booleans())
@settings(max_examples=12)
def test_every_crop_in_the_middle_of_the_largest_square(data, name, even):
    labels = ps.label(NAMED[name]).values
    image = np.random.default_rng(1).integers(1, 99, (N, N))
    particles = make_list(labels, image, chunks=data.draw(chunkings((N, N))))
    boxed = particles.normalize_boxing(even=even)
    crops, masks = [p.image.values for p in particles], [p.mask.values for p in particles]
    side = max(max(crop.shape) for crop in crops)
    size = (side + side % 2 if even else side,) * 2
    assert boxed.image.dims == ("particle", "y", "x")
    assert boxed.image.shape[1:] == size
    np.testing.assert_array_equal(boxed.image, [padded(crop, size) for crop in crops])
    np.testing.assert_array_equal(boxed.mask, [padded(mask, size) for mask in masks])
    assert boxed.mask.dtype == bool
    assert boxed.label.values.tolist() == particles["label"].tolist()
    assert boxed.y.attrs == {"units": "nm", "step": 0.5}


def test_control_the_corner_is_not_the_middle():
    boxed = make_list().normalize_boxing()
    assert boxed.sizes["y"] == boxed.sizes["x"]
    small = int(np.argmin(boxed.mask.sum(("y", "x")).values))
    assert not boxed.mask.values[small, 0].any()
    assert boxed.mask.values[small].any()


def test_a_stack_reads_each_box_once():
    big = ps.label(blobs(150)).values
    labels = Counting(big)
    lazy = da.from_array(big, chunks=50)
    particles = ps.Particles(
        ps.region_properties(lazy).compute(), lazy_array(labels, ((50, 50, 50),) * 2)
    )
    boxed = particles.normalize_boxing()
    assert not labels.reads
    assert boxed.mask.values.sum() == (big > 0).sum()
    assert sorted(labels.reads) == sorted(p.mask.size for p in particles)
    assert "image" not in boxed
    assert len(boxed.mask.data.dask) < 10  # however many particles there are


def test_particles_of_several_images_and_frames():
    one = make_list()
    two = make_list(ps.label(NAMED["single pixels"]).values, np.full((N, N), 7))
    mixed = one.append(two)[[0, len(one) + 1, 2]]
    boxed = mixed.normalize_boxing(even=True)
    for k, particle in enumerate(mixed):
        assert boxed.mask.values[k].sum() == particle.properties["area_px"]
        assert boxed.image.values[k].sum() == particle.image.values.sum()
    assert set(boxed.coords) == {"label", "y", "x"}
    other = ps.Particles(one.table, calibrated(np.zeros((N, N), int), step=2.0))
    assert "y" not in one.append(other).normalize_boxing().coords
    volume = np.ones((3, 4, 5), int)
    solid = ps.Particles(ps.region_properties(volume).compute(), volume)
    assert solid.normalize_boxing().mask.dims == ("particle", "z", "y", "x")


def test_refusals():
    particles = make_list()
    with pytest.raises(ValueError, match="no particles"):
        particles[:0].normalize_boxing()
    with pytest.raises(ValueError, match="no labels"):
        ps.Particles(particles.table).normalize_boxing()
