"""Clusters are scikit-learn's, numbered by their means, and do not depend on the order of rows."""

from __future__ import annotations

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN, OPTICS, KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

import pspy_dask as ps

FAST = settings(max_examples=15)
ESTIMATORS = {
    "kmeans": KMeans(3, n_init=10, random_state=0),
    "dbscan": DBSCAN(eps=0.5, min_samples=5),
    "optics": OPTICS(min_samples=5),
}


def sizes(seed=0, n=40, spread=1.0):
    """Three kinds of particles, one of which has another order of magnitude in one property."""
    rng = np.random.default_rng(seed)
    kinds = [(90, 1000), (10, 5000), (50, 3000)]
    area, total = np.concatenate([rng.normal(k, [2, 300], (n, 2)) * spread for k in kinds]).T
    table = pd.DataFrame({"label": np.arange(1, 3 * n + 1), "area": area, "total": total})
    table["kind"] = np.repeat([3, 1, 2], n)
    table.attrs["units"] = {"area": "nm^2"}
    return table


@pytest.mark.parametrize("method", sorted(ESTIMATORS))
def test_clusters_are_those_of_scikit_learn(method):
    table = sizes().sort_values(["area", "total"])  # OPTICS finds others in another order
    found = ps.cluster_particles(table, ["area", "total"], n_clusters=3, method=method)
    scaled = StandardScaler().fit_transform(table[["area", "total"]])
    expected = ESTIMATORS[method].fit(scaled).labels_
    assert adjusted_rand_score(found["cluster"], expected) == 1
    np.testing.assert_array_equal(found["cluster"] == 0, expected == -1)
    pd.testing.assert_frame_equal(found.drop(columns="cluster"), table)
    assert found.attrs["units"] == {"area": "nm^2", "cluster": ""}


@pytest.mark.parametrize("method", ["kmeans", "dbscan"])
def test_numbers_follow_the_first_property(method):
    table = sizes()
    found = ps.cluster_particles(table, ["area", "total"], n_clusters=3, method=method)
    assert found["cluster"].tolist() == table["kind"].tolist()
    other = ps.cluster_particles(table, ["total", "area"], n_clusters=3, method=method)
    assert other["cluster"].tolist() == (4 - table["kind"]).tolist()


def test_control_without_standardising_the_large_numbers_win():
    table = sizes(spread=np.array([1, 0.001]))
    table["total"] = np.random.default_rng(1).normal(0, 1e4, len(table))  # tells nothing
    found = ps.cluster_particles(table, ["area", "total"], n_clusters=2)["cluster"]
    raw = KMeans(2, n_init=10, random_state=0).fit(table[["area", "total"]]).labels_
    kinds = table["kind"]
    assert adjusted_rand_score(kinds, found) > adjusted_rand_score(kinds, raw) + 0.1


@given(
    seed=st.integers(0, 2**16),
    method=st.sampled_from(["kmeans", "dbscan", "optics"]),
    parts=st.integers(1, 9),
)
@FAST
@example(seed=185, method="optics", parts=1)  # which would part two equal rows
def test_order_of_rows_and_partitions_leave_no_trace(seed, method, parts):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(0, 1, (70, 2)).round(1), columns=["a", "b"])  # no true clusters
    expected = ps.cluster_particles(table, ["a", "b"], n_clusters=4, method=method)
    again = ps.cluster_particles(
        table.sample(frac=1, random_state=seed), ["a", "b"], n_clusters=4, method=method
    )
    pd.testing.assert_frame_equal(again.sort_index(), expected)
    lazy = dd.from_pandas(table, npartitions=parts)
    found = ps.cluster_particles(lazy, ["a", "b"], n_clusters=4, method=method)
    with dask.config.set(scheduler="synchronous"):
        pd.testing.assert_frame_equal(found.compute(), expected)


def test_particles_without_a_property_are_in_no_cluster():
    table = sizes(n=10)
    table.loc[[0, 12], "area"] = [np.nan, np.inf]
    found = ps.cluster_particles(table, "area", n_clusters=3)["cluster"]
    assert found[found == 0].index.tolist() == [0, 12]
    table["area"] = np.nan
    assert (ps.cluster_particles(table, "area")["cluster"] == 0).all()


@pytest.mark.parametrize("method", sorted(ESTIMATORS))
def test_few_particles(method):
    table = sizes().iloc[:1]
    found = ps.cluster_particles(table, ["area"], n_clusters=1, method=method)["cluster"]
    assert found.tolist() == [int(method == "kmeans")]
    none = ps.cluster_particles(table.iloc[:0], ["area"], method=method)
    assert len(none) == 0 and none["cluster"].dtype == np.int64
    alike = pd.concat([table] * 7)
    assert set(ps.cluster_particles(alike, ["area"], n_clusters=1, method=method)["cluster"]) == {1}


def test_bad_input():
    table = sizes()
    with pytest.raises(ValueError, match="no column 'size': it has label, area"):
        ps.cluster_particles(table, ["area", "size"])
    with pytest.raises(ValueError, match="give one of kmeans, dbscan, optics"):
        ps.cluster_particles(table, ["area"], method="mean")
    with pytest.raises(ValueError, match="no properties"):
        ps.cluster_particles(table, [])
    with pytest.raises(ValueError, match="1 particles differ in area, but n_clusters is 2"):
        ps.cluster_particles(table.iloc[[0, 0, 0]], ["area"])
    with pytest.raises(ValueError, match="n_clusters is 0"):
        ps.cluster_particles(table, ["area"], n_clusters=0)
    with pytest.raises(ValueError, match="eps is 0: give a distance"):
        ps.cluster_particles(table, ["area"], method="dbscan", eps=0)
    with pytest.raises(ValueError, match="min_samples is 1"):
        ps.cluster_particles(table, ["area"], method="optics", min_samples=1)
    with pytest.raises(ValueError, match="holds no numbers"):
        ps.cluster_particles(table.assign(name="a"), ["name"])
