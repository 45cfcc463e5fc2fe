"""Clusters as regions of many rows: which distance counts as near, and rows that are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.cluster import DBSCAN, HDBSCAN

LEAST_SHARE = 100  # a cluster that counts has one row of so many
_NEARLY = 0.9
_SHARES = 2.0 ** -np.arange(1, 7.25, 0.5)  # of rows that lie alone: a half down to a 90th


def dbscan_of(rows: NDArray[np.float64], neighbours: int) -> DBSCAN:
    """Return DBSCAN, not fitted, with the distance at which the second largest cluster is largest.

    Its authors choose a distance by the share of noise: that within which all rows but those have
    so many neighbours. No share suits all images: where it is small, regions that touch run
    together, and where it is large, they fall to pieces. So shares from a half to a 90th are tried,
    and the second largest cluster tells which is between. Where it is nearly as large for several,
    that is taken which leaves most rows outside the largest, and of equals the smallest share.
    Clusters for all distances come of one tree, that of HDBSCAN.

    References
    ----------
    Sander, J. et al., Density-based clustering in spatial databases: the algorithm GDBSCAN and its
    applications, Data Mining and Knowledge Discovery 2, 169-194, 1998.
    """
    tree = HDBSCAN(min_samples=neighbours, copy=True).fit(rows)

    def beside_the_largest(distance: float) -> list[int]:
        labels = tree.dbscan_clustering(distance, min_cluster_size=least_size(len(rows)))
        return sorted(np.bincount(labels[labels >= 0]).tolist(), reverse=True)[1:]

    falling = _distances(rows, neighbours)[::-1]
    beside = {distance: beside_the_largest(distance) for distance in falling}
    second = {distance: max(sizes, default=0) for distance, sizes in beside.items()}
    large = [d for d in falling if second[d] >= _NEARLY * max(second.values())]
    # Of equals the first is taken.
    return DBSCAN(eps=max(large, key=lambda d: sum(beside[d])), min_samples=neighbours)


def least_size(rows: int) -> int:
    """Return how many of so many rows a cluster has at least."""
    return min(rows, max(5, rows // LEAST_SHARE))


def without_small(labels: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Return labels in which clusters of less than a hundredth of all rows are noise.

    >>> without_small(np.array([0] * 6 + [1, -1])).tolist()
    [0, 0, 0, 0, 0, 0, -1, -1]
    """
    small = np.bincount(labels + 1) < least_size(len(labels))
    return np.where(small[labels + 1], -1, labels)


def grouped(estimator: Any, rows: NDArray[np.float64]) -> NDArray[np.integer[Any]]:
    """Return the label of each row.

    DBSCAN lists the neighbours of every row. Equal rows, such as those of an even background, are
    all neighbours of each other: it is shown one with the weight of all, which gives the same
    labels, since the rows stay in the order in which clusters are begun.
    """
    if type(estimator) is not DBSCAN:
        return np.asarray(estimator.fit_predict(rows))
    different, which, counts = distinct(rows)
    return np.asarray(estimator.fit_predict(different, sample_weight=counts))[which]


def distinct(
    rows: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """Return different rows in the order in which they first occur, which each is, and how many.

    >>> different, which, counts = distinct(np.array([[2.0], [1.0], [2.0]]))
    >>> different.tolist(), which.tolist(), counts.tolist()
    ([[2.0], [1.0]], [0, 1, 0], [2, 1])
    """
    _, first, which, counts = np.unique(
        rows, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return rows[first[order]], rank[which.reshape(-1)], counts[order]


def _distances(rows: NDArray[np.float64], neighbours: int) -> list[float]:
    """Return the distances within which half the rows and more have so many neighbours, rising.

    A row counts as its own neighbour.

    >>> _distances(np.array([[0.0], [1.0], [2.0], [9.0]]), 2)
    [1.0, 7.0]
    """
    different, _, _ = distinct(rows)
    which = min(neighbours, len(different))
    reached = np.sort(cKDTree(different).query(different, k=[which])[0].reshape(-1))
    last = len(reached) - 1
    return sorted({float(reached[last - int(last * share)]) for share in _SHARES})
