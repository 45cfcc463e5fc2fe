"""What takes tables says in one sentence what is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pspy_dask as ps

LABELS = np.array([[1, 1, 0], [0, 0, 2]])
FRAMES = pd.DataFrame({"frame": [0], "particle": [1], "centroid_y": [0.0], "centroid_x": [0.0]})
TAKE_TABLES = {
    "write_csv": lambda table: ps.write_csv(table, "t.csv"),
    "write_parquet": lambda table: ps.write_parquet(table, "t.parquet"),
    "link": lambda table: ps.link(table, distance=5),
    "drift": ps.drift,
    "subtract_drift": lambda table: ps.subtract_drift(table, ps.drift(FRAMES)),
    "cluster_particles": lambda table: ps.cluster_particles(table, ["area"]),
    "plot_over_time": lambda table: ps.plot_over_time(table, "area"),
    "plot_properties": lambda table: ps.plot_properties(table, "area"),
    "plots": lambda table: ps.plot_properties([table, table], "area"),
    "table_as_dataset": ps.table_as_dataset,
}


@pytest.mark.parametrize("name", TAKE_TABLES)
def test_a_list_of_particles_is_no_table(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    particles = ps.Particles(ps.region_properties(LABELS).compute(), LABELS)
    with pytest.raises(TypeError, match="a list of particles is no table: give its table"):
        TAKE_TABLES[name](particles)
    with pytest.raises(TypeError, match="is no table: give one of pandas or dask"):
        TAKE_TABLES[name](particles.table["area"].to_numpy())
    assert not list(tmp_path.iterdir())
