"""Groups of particles that are alike in some of their properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN, OPTICS, KMeans

from pspy_dask.blocks.one_thread import one_thread
from pspy_dask.particles.columns import Table, add_column, require_columns

Method = Literal["kmeans", "dbscan", "optics"]
_METHODS = ("kmeans", "dbscan", "optics")


def cluster_particles(
    table: Table,
    properties: Sequence[str],
    *,
    n_clusters: int = 2,
    method: Method = "kmeans",
    seed: int = 0,
    eps: float | None = None,
    min_samples: int = 5,
) -> Table:
    """Return the table with the cluster of each particle, whatever the order of the rows.

    Parameters
    ----------
    table
        One row a particle; pandas or dask.
    properties
        Columns of numbers to tell particles apart by; each is standardised (mean 0, deviation 1).
    n_clusters
        For k-means: how many.
    method
        ``"kmeans"``; ``"dbscan"`` and ``"optics"`` find how many there are, and noise.
    seed
        For k-means: of its first centres.
    eps
        In deviations. For DBSCAN: how far neighbours may be, 0.5 where None. For OPTICS: the
        farthest it looks, without limit where None.
    min_samples
        For DBSCAN and OPTICS: particles about one in the midst of a cluster, itself counted.

    Returns
    -------
    pandas.DataFrame or dask.dataframe.DataFrame
        All rows and columns of the table and the column ``cluster``: 1, 2, ... in the order of
        the means of the first property; 0 for noise and where a property is not finite. Lazy
        where the table is: the properties of all particles meet in one task.

    Raises
    ------
    TypeError
        No table; of a list of particles give ``particles.table``.
    ValueError
        A column is missing or not of numbers, the method is unknown, an option is out of its
        range. While clustering, where fewer particles differ than clusters are asked for.

    Notes
    -----
    The estimators are scikit-learn's, run on one thread and on rows sorted by their properties,
    so that sums are made in the same order every time. Particles that do not differ are in one
    cluster.

    Examples
    --------
    >>> table = pd.DataFrame({"area": [80.0, 3.0, 82.0, 2.0, np.nan]})
    >>> cluster_particles(table, ["area"])["cluster"].tolist()
    [2, 1, 2, 1, 0]
    """
    names = [properties] if isinstance(properties, str) else list(properties)
    if not names:
        raise ValueError("there are no properties to cluster by: give one or more columns")
    require_columns(table, names)
    for name in names:
        if table[name].dtype.kind not in "biuf":
            raise ValueError(
                f"column {name!r} of type {table[name].dtype} holds no numbers: give others"
            )
    program = ClusterRows(tuple(names), n_clusters, method, seed, eps, min_samples)
    return add_column(table, "cluster", program, names)


@dataclass(frozen=True)
class ClusterRows:
    """Makes the number of the cluster of each row; options as `cluster_particles` takes them."""

    properties: tuple[str, ...]
    n_clusters: int
    method: Method
    seed: int
    eps: float | None
    min_samples: int

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise ValueError(f"method is {self.method!r}: give one of {', '.join(_METHODS)}")
        if self.n_clusters < 1:
            raise ValueError(f"n_clusters is {self.n_clusters}: give 1 or more")
        if self.min_samples < 2:
            raise ValueError(f"min_samples is {self.min_samples}: give 2 or more")
        if self.eps is not None and not self.eps > 0:
            raise ValueError(f"eps is {self.eps}: give a distance above 0, in deviations")

    def __call__(self, table: pd.DataFrame) -> NDArray[np.int64]:
        """Return the cluster of each row."""
        values = table[list(self.properties)].to_numpy(np.float64)
        order = np.lexsort(values.T[::-1])
        order = order[np.isfinite(values[order]).all(axis=1)]
        cluster = np.zeros(len(values), np.int64)
        if order.size:
            with one_thread():
                cluster[order] = _in_order_of_means(self._fit(values[order]), values[order, 0])
        return cluster

    def _fit(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return scikit-learn's labels, -1 for noise."""
        spread = values.std(axis=0)
        scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
        estimator = self._kmeans(scaled) if self.method == "kmeans" else self._density(scaled)
        return _alike(values, estimator.fit(scaled).labels_.astype(np.int64))

    def _kmeans(self, scaled: NDArray[np.float64]) -> Any:
        different = len(np.unique(scaled, axis=0))
        if different < self.n_clusters:
            raise ValueError(
                f"{different} particles differ in {', '.join(self.properties)}, but n_clusters is "
                f"{self.n_clusters}: give fewer clusters"
            )
        return KMeans(self.n_clusters, n_init=10, random_state=self.seed)

    def _density(self, scaled: NDArray[np.float64]) -> Any:
        few = min(self.min_samples, len(scaled))  # OPTICS takes no more than there are
        if self.method == "dbscan" or few < 2:
            return DBSCAN(eps=self.eps or 0.5, min_samples=self.min_samples)
        return OPTICS(min_samples=few, max_eps=np.inf if self.eps is None else self.eps)


def _alike(values: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels that equal rows share: OPTICS parts some, by their order in the table.

    >>> _alike(np.array([[1.0], [1.0], [2.0]]), np.array([-1, 0, 1]))
    array([0, 0, 1])
    """
    kind = np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)
    shared = np.full(kind.max() + 1, -1)
    np.maximum.at(shared, kind, labels)
    result: NDArray[np.int64] = shared[kind]
    return result


def _in_order_of_means(labels: NDArray[np.int64], first: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return numbers from 1 in the order of the means of the first property; 0 for noise."""
    names = np.unique(labels[labels >= 0])
    means = [first[labels == k].mean() for k in names]
    numbers = np.zeros(len(names) + 1, np.int64)  # the last is that of noise, label -1
    numbers[names[np.lexsort((names, means))]] = np.arange(1, len(names) + 1)
    result: NDArray[np.int64] = numbers[labels]
    return result
