"""Lists of particles come back from a folder as they were."""

from __future__ import annotations

import json

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import pspy_dask as ps
from tests.particles.test_particle_list import IMAGE, LABELS, calibrated, make_list


def same(a, b):
    pd.testing.assert_frame_equal(a.table, b.table)
    assert a.units == b.units
    for one, two in zip(a, b, strict=True):
        xr.testing.assert_allclose(one.image.drop_attrs(), two.image.drop_attrs())
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.mask, two.mask)
        assert one.image.y.attrs == two.image.y.attrs


def test_table_units_pixels_and_coordinates(tmp_path):
    particles = make_list()
    ps.save_particles(particles, tmp_path / "list")
    same(ps.load_particles(tmp_path / "list"), particles)
    assert [p.name for p in tmp_path.iterdir()] == ["list"]
    image = ps.open_image(tmp_path / "list" / "0.ome.zarr")
    np.testing.assert_array_equal(image, IMAGE)


def test_several_images_and_added_columns(tmp_path):
    one = make_list()
    both = one.append(make_list(LABELS[::-1].copy(), IMAGE[::-1].copy())).cluster_particles(
        ["area"]
    )
    ps.save_particles(both, tmp_path / "list")
    loaded = ps.load_particles(tmp_path / "list")
    same(loaded, both)
    more = loaded.append(one.cluster_particles(["area"]))
    assert more["source"].iloc[-1] == 2


def test_lists_without_some_of_the_pixels(tmp_path):
    table = make_list().table
    ps.save_particles(ps.Particles(table, LABELS), tmp_path / "labels")
    loaded = ps.load_particles(tmp_path / "labels")
    assert loaded[4].mask.values.sum() == (LABELS == 5).sum()
    assert loaded.pictures[0].image is None
    ps.save_particles(ps.Particles(table, None, IMAGE), tmp_path / "image")
    assert ps.load_particles(tmp_path / "image").pictures[0].labels is None
    ps.save_particles(ps.Particles(table), tmp_path / "table")
    pd.testing.assert_frame_equal(ps.load_particles(tmp_path / "table").table, table)
    ps.save_particles(ps.Particles(table, LABELS)[:0], tmp_path / "empty")
    empty = ps.load_particles(tmp_path / "empty")
    assert len(empty) == 0
    assert empty.table.dtypes.equals(table.dtypes)


def test_a_failed_write_leaves_nothing(tmp_path):
    def fail(block):
        raise RuntimeError("no such chunk")

    broken = da.from_array(LABELS, chunks=9).map_blocks(fail, dtype=LABELS.dtype, meta=LABELS[:0])
    particles = ps.Particles(make_list().table, calibrated(broken), calibrated(IMAGE))
    with pytest.raises(RuntimeError, match="no such chunk"):
        ps.save_particles(particles, tmp_path / "list")
    assert not list(tmp_path.iterdir())


def test_a_list_is_replaced_only_where_asked_and_nothing_else_ever(tmp_path):
    particles = make_list()
    ps.save_particles(particles, tmp_path / "list")
    with pytest.raises(FileExistsError, match="overwrite"):
        ps.save_particles(particles, tmp_path / "list")
    ps.save_particles(particles[:3], tmp_path / "list", overwrite=True)
    assert len(ps.load_particles(tmp_path / "list")) == 3
    # A list may replace the one that its own pixels are read from.
    own = ps.load_particles(tmp_path / "list")
    ps.save_particles(own[1:], tmp_path / "list", overwrite=True)
    same(ps.load_particles(tmp_path / "list"), particles[1:3])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="holds no list"):
        ps.save_particles(particles, tmp_path / "other", overwrite=True)
    assert (tmp_path / "other" / "thesis.txt").exists()


def test_a_table_is_no_list(tmp_path):
    with pytest.raises(TypeError, match="store the table with write_parquet"):
        ps.save_particles(make_list().table, tmp_path / "list")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_loaded(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        ps.load_particles(tmp_path / "none")
    with pytest.raises(ValueError, match="holds no list"):
        ps.load_particles(tmp_path)
    ps.save_particles(ps.Particles(make_list().table), tmp_path / "list")
    listing = tmp_path / "list" / "particles.json"
    listing.write_text(json.dumps({**json.loads(listing.read_text()), "format": 2}))
    with pytest.raises(ValueError, match="newer"):
        ps.load_particles(tmp_path / "list")
