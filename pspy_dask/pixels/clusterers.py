"""Clusterers by name or from scikit-learn: fitted on rows of features, then asked for all pixels.

A clusterer sees rows in float64 from which the global mean was taken and which were divided by the
global deviation. Those that can tell the cluster of a new row do; the others are carried to it by
the nearest row that they were fitted on, or the nearest one that is no noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import HDBSCAN, Birch, KMeans, MiniBatchKMeans
from sklearn.mixture import GaussianMixture

from pspy_dask.blocks.one_thread import one_thread
from pspy_dask.kernels.exact_sums import exact_sum, to_float
from pspy_dask.pixel_parameters import DENSITY_CLUSTERERS
from pspy_dask.pixels.density import dbscan_of, grouped, least_size, without_small
from pspy_dask.pixels.inference import Rows
from pspy_dask.pixels.seeds import seeded, whole_number

Noise = Literal["nearest", "zero"]

_WITH_NUMBER: dict[str, Callable[[int], Any]] = {
    "kmeans": lambda n: KMeans(n_clusters=n),
    "minibatch_kmeans": lambda n: MiniBatchKMeans(n_clusters=n),
    "gaussian_mixture": lambda n: GaussianMixture(n_components=n),
    "birch": lambda n: Birch(n_clusters=n),
}
ESTIMATORS = (*_WITH_NUMBER, *DENSITY_CLUSTERERS)

_NEIGHBOURS = 5  # at least, in few dimensions


@dataclass(frozen=True)
class Clusterer:
    """A clusterer that is not fitted yet.

    Attributes
    ----------
    name
        What it is called.
    estimator
        Of scikit-learn, or None for DBSCAN and HDBSCAN by name, which look at the sample first.
    n_clusters
        How many clusters it was asked for; None where it finds their number itself.
    noise
        Whether rows nearest to noise belong to the nearest cluster or to none.
    """

    name: str
    estimator: Any
    n_clusters: int | None
    noise: Noise = "nearest"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that holds the numbers of all clusters."""
        few = self.n_clusters is not None and self.n_clusters <= np.iinfo(np.uint8).max
        return np.dtype(np.uint8 if few else np.int32)

    def fit(self, rows: NDArray[np.float64]) -> Any:
        """Return an estimator fitted on these rows that predicts, and the label of each row."""
        with one_thread():
            estimator = self._fresh(rows)
            if hasattr(estimator, "predict"):
                estimator.fit(rows)
                return estimator, np.asarray(estimator.predict(rows))
            labels = grouped(estimator, rows)
        if self.estimator is None:
            labels = without_small(labels)
        of_clusters = labels >= 0
        kept = of_clusters if self.noise == "nearest" and of_clusters.any() else slice(None)
        return NearestRow(cKDTree(rows[kept]), labels[kept]), labels

    def _fresh(self, rows: NDArray[np.float64]) -> Any:
        if self.estimator is not None:
            return clone(self.estimator)
        neighbours = min(len(rows), max(_NEIGHBOURS, 2 * rows.shape[1]))
        if self.name == "dbscan":
            return dbscan_of(rows, neighbours)
        return HDBSCAN(min_cluster_size=least_size(len(rows)), min_samples=neighbours, copy=True)


@dataclass(frozen=True)
class NearestRow:
    """The label of the nearest row of a sample."""

    tree: cKDTree
    labels: NDArray[np.integer[Any]]

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.integer[Any]]:
        """Return the label of each row; the tree is searched for each row alone."""
        labels: NDArray[np.integer[Any]] = self.labels[self.tree.query(rows)[1]]
        return labels


@dataclass(frozen=True)
class ClusterModel:
    """A fitted clusterer, and the numbers of its clusters: a `pixels.inference.PixelModel`.

    Attributes
    ----------
    mean, deviation
        Of each feature over all pixels.
    estimator
        What predicts the label of a standardised row; None where no pixel has a value.
    order
        The labels that the sample has, those of noise aside, in the order of their numbers.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    estimator: Any
    order: tuple[int, ...]

    @property
    def rowwise(self) -> bool:
        """Only trees are known to look at each row alone."""
        return self.estimator is None or isinstance(self.estimator, NearestRow)

    def numbers(self, rows: Rows) -> NDArray[np.integer[Any]]:
        """Return the number of each row's cluster; 0 for noise."""
        if self.estimator is None:
            return np.zeros(len(rows), np.int64)
        with one_thread():
            labels = self.estimator.predict(standardised(rows, self.mean, self.deviation))
        return self._numbered(np.asarray(labels, np.int64))

    def probabilities(self, rows: Rows) -> NDArray[np.floating[Any]]:
        """Clusters are not weighed against each other."""
        raise TypeError("clusters have no probabilities: use ps.fit_classifier for those")

    def _numbered(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of labels; clusters without a sampled pixel come after the others.

        >>> model = ClusterModel(np.zeros(1), np.ones(1), None, order=(2, 0))
        >>> model._numbered(np.array([0, 1, 2, 3, -1]))
        array([2, 3, 1, 4, 0])
        """
        known, ranks = np.sort(self.order), np.argsort(self.order)
        place = np.searchsorted(known, labels)
        is_known = np.isin(labels, known)
        numbers = 1 + len(known) + labels - place
        numbers[is_known] = 1 + ranks[place[is_known]]
        return np.where(labels < 0, 0, numbers)


def standardised(
    rows: NDArray[np.floating[Any]], mean: NDArray[np.float64], deviation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return rows less the mean, in units of the deviation."""
    centred: NDArray[np.float64] = (rows - mean) / deviation
    return centred


def by_intensity(
    labels: NDArray[np.integer[Any]], intensity: NDArray[np.float64]
) -> tuple[int, ...]:
    """Return the labels from 0 up that occur, those of dark pixels first.

    Means are correctly rounded; of two that are equal that comes first whose first pixel does.

    >>> by_intensity(np.array([1, 0, -1, 1, 0]), np.array([2.0, 5.0, 9.0, 3.0, 1.0]))
    (1, 0)
    """
    ranked = []
    for label in np.unique(labels[labels >= 0]):
        at = np.flatnonzero(labels == label)
        ranked.append((to_float(exact_sum(intensity[at]), at.size), int(at[0]), int(label)))
    return tuple(label for _, _, label in sorted(ranked))


def make_clusterer(
    estimator: Any, n_clusters: int | None, seed: int, noise: Noise = "nearest"
) -> Clusterer:
    """Return the clusterer that is asked for by name or as an estimator of scikit-learn.

    Raises
    ------
    ValueError
        There is no clusterer of this name, or the number of clusters is none it can be told.
    TypeError
        The estimator cannot cluster.
    """
    if n_clusters is not None:
        whole_number("n_clusters", n_clusters, least=1)
    if isinstance(estimator, str):
        return _named(estimator, n_clusters, seed, noise)
    if not _clusters(estimator):
        raise TypeError(
            f"estimator is {estimator!r}, which does not cluster: give one of "
            f"{', '.join(ESTIMATORS)}, or an instance with fit_predict, such as KMeans(3)"
        )
    own = clone(estimator)
    parameters = own.get_params()
    counted = next((name for name in ("n_clusters", "n_components") if name in parameters), None)
    if n_clusters is not None:
        if counted is None:
            raise ValueError(_TOO_MUCH.format(type(own).__name__))
        own.set_params(**{counted: n_clusters})
    asked = own.get_params()[counted] if counted else None
    number = int(asked) if isinstance(asked, Integral) else None
    return Clusterer(type(own).__name__, seeded(own, seed), number, noise)


_TOO_MUCH = "{} finds the number of clusters by itself: leave n_clusters out"


def _named(name: str, n_clusters: int | None, seed: int, noise: Noise) -> Clusterer:
    if name not in ESTIMATORS:
        raise ValueError(f"unknown estimator {name!r}: choose one of {', '.join(ESTIMATORS)}")
    if name in _WITH_NUMBER:
        number = 2 if n_clusters is None else int(n_clusters)
        return Clusterer(name, seeded(_WITH_NUMBER[name](number), seed), number, noise)
    if n_clusters is not None:
        raise ValueError(_TOO_MUCH.format(name))
    return Clusterer(name, None, None, noise)


def _clusters(estimator: Any) -> bool:
    """Say whether an object is an estimator that groups rows without being told their classes."""
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        return False
    if is_classifier(estimator) or is_regressor(estimator):
        return False
    return hasattr(estimator, "predict") or hasattr(estimator, "fit_predict")
