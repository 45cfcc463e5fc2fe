"""Fitted classifiers as models of pixels: forests by a kernel, any other as scikit-learn has it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from dask.base import normalize_token, tokenize
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from pspy_dask.blocks.one_thread import one_thread
from pspy_dask.kernels.forest import forest_labels, forest_probabilities
from pspy_dask.kernels.forest_compact import CompactForest, compact_forest, expanded_forest
from pspy_dask.kernels.trees import Forest, forest_of_estimator
from pspy_dask.pixels.inference import Rows


@dataclass(frozen=True)
class ForestModel:
    """A forest of decision trees whose classes are numbers above 0.

    Attributes
    ----------
    forest
        The trees; see :func:`pspy_dask.kernels.trees.forest_of_estimator`.
    """

    forest: Forest

    @property
    def rowwise(self) -> bool:
        """A tree looks at each row alone, and sums of shares follow the order of the trees."""
        return True

    @property
    def has_probabilities(self) -> bool:
        """The shares of the trees."""
        return True

    def numbers(self, rows: Rows) -> NDArray[np.integer[Any]]:
        """Return the class of each row, as scikit-learn's ``predict`` does."""
        return forest_labels(self.forest, rows)

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """Return the mean share of each class, as scikit-learn's ``predict_proba`` does."""
        return forest_probabilities(self.forest, rows)

    @cached_property
    def _compact(self) -> CompactForest:
        return compact_forest(self.forest)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel in few bytes: every task that gets the model in another process is sent it."""
        return _model_of_compact, (self._compact,)

    def __dask_tokenize__(self) -> Any:
        """Forests of equal trees are one model."""
        return normalize_token((type(self).__name__, *self._compact))


@dataclass(frozen=True)
class EstimatorModel:
    """Any fitted estimator of scikit-learn's manner whose classes are numbers above 0."""

    estimator: Any
    token: str = field(init=False)

    def __post_init__(self) -> None:
        # Once, for some estimators count how often they are asked. Of a copy, for it does not
        # matter which parts are shared in memory.
        copy = pickle.loads(pickle.dumps(self.estimator))
        object.__setattr__(self, "token", tokenize(copy))

    @property
    def rowwise(self) -> bool:
        """It may multiply matrices, whose last bits hang on what rows are beside each other."""
        return False

    @property
    def has_probabilities(self) -> bool:
        """Whether the estimator tells probabilities."""
        return hasattr(self.estimator, "predict_proba")

    def numbers(self, rows: Rows) -> NDArray[np.integer[Any]]:
        """Return the class of each row."""
        with one_thread():
            numbers: NDArray[np.integer[Any]] = self.estimator.predict(rows)
        return numbers

    def probabilities(self, rows: Rows) -> NDArray[np.floating[Any]]:
        """Return the probability of each class, in the order of ``classes_``."""
        with one_thread():
            shares: NDArray[np.floating[Any]] = self.estimator.predict_proba(rows)
        return shares

    def __dask_tokenize__(self) -> Any:
        """Estimators of equal state are one model."""
        return normalize_token((type(self).__name__, self.token))


def _model_of_compact(compact: CompactForest) -> ForestModel:
    return ForestModel(expanded_forest(compact))


def model_of(estimator: Any) -> ForestModel | EstimatorModel:
    """Return the fastest model that finds what a fitted estimator does, to the last bit."""
    # Not of a class derived from these, which may predict in another way.
    if type(estimator) in (RandomForestClassifier, ExtraTreesClassifier):
        return ForestModel(forest_of_estimator(estimator))
    return EstimatorModel(estimator)
