"""Classifiers by name, and any other of scikit-learn's manner, ready to be fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pspy_dask.blocks.one_thread import one_thread
from pspy_dask.pixel_parameters import CLASSIFIERS, ClassifierName
from pspy_dask.pixels.seeds import seeded

__all__ = ["CLASSIFIERS", "ClassifierName", "check_fitted", "fit", "new_estimator"]


def new_estimator(classifier: ClassifierName | Any, seed: int) -> Any:
    """Return an estimator that is not fitted: of a name, or a copy of one that was given.

    Parameters
    ----------
    classifier
        One of `CLASSIFIERS`, or an estimator with ``fit`` and ``predict``. It is not changed.
    seed
        What random numbers start from, wherever the estimator says nothing else.

    Raises
    ------
    ValueError
        There is no classifier of this name.
    TypeError
        The object is no classifier, or a class instead of an object.

    Examples
    --------
    >>> new_estimator("naive_bayes", seed=0)
    GaussianNB()
    >>> new_estimator(RandomForestClassifier(10), seed=3).random_state
    3
    """
    if isinstance(classifier, str):
        if classifier not in _MADE:
            names = ", ".join(CLASSIFIERS)
            raise ValueError(f"unknown classifier {classifier!r}: choose one of {names}")
        return _MADE[classifier](seed)
    _check_classifier(classifier)
    return seeded(clone(classifier), seed)


def fit(estimator: Any, rows: NDArray[np.float32], classes: NDArray[np.int32]) -> Any:
    """Fit an estimator to rows of features, and return it.

    Matrices are multiplied by one thread, so that the result does not hang on how many cores there
    are. Trees of a forest grow side by side all the same, for each has its own random numbers.
    """
    try:
        with one_thread():
            return estimator.fit(rows, classes)
    except ValueError as error:
        kind = type(estimator).__name__
        raise ValueError(
            f"{kind} cannot be fitted to these {len(rows)} pixels ({_first_line(error)}): annotate "
            "more, or choose another classifier"
        ) from error


def check_fitted(estimator: Any, numbers: Sequence[int], features: int) -> None:
    """Raise ValueError where a fitted estimator does not tell these classes by so many features."""
    _check_classifier(estimator)
    classes = np.asarray(estimator.classes_).tolist()
    if classes != list(numbers) or estimator.n_features_in_ != features:
        raise ValueError(
            f"the estimator tells {classes} by {estimator.n_features_in_} features, not "
            f"{list(numbers)} by {features}"
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _check_classifier(classifier: Any) -> None:
    kind = type(classifier).__name__
    if isinstance(classifier, type):
        raise TypeError(
            f"{classifier.__name__} is a class: give an object, {classifier.__name__}()"
        )
    for method in ("fit", "predict"):
        if not callable(getattr(classifier, method, None)):
            raise TypeError(
                f"{kind} has no {method}: give a classifier of scikit-learn's manner, or the name "
                f"of one of {', '.join(CLASSIFIERS)}"
            )
    if not isinstance(classifier, BaseEstimator):
        raise TypeError(f"{kind} cannot be copied: derive it from sklearn.base.BaseEstimator")
    if not is_classifier(classifier):
        raise TypeError(f"{kind} does not tell classes apart: give a classifier")


def _random_forest(seed: int) -> Any:
    return RandomForestClassifier(200, oob_score=True, n_jobs=-1, random_state=seed)


def _nearest_neighbours(seed: int) -> Any:
    return make_pipeline(StandardScaler(), KNeighborsClassifier(algorithm="kd_tree"))


def _qda(seed: int) -> Any:
    # A feature that is the same all along a stroke has no spread, which would be divided by.
    return make_pipeline(StandardScaler(), QuadraticDiscriminantAnalysis(reg_param=1e-3))


def _logistic_regression(seed: int) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed))


_MADE: dict[str, Callable[[int], Any]] = {
    "random_forest": _random_forest,
    "nearest_neighbours": _nearest_neighbours,
    "naive_bayes": lambda seed: GaussianNB(),
    "qda": _qda,
    "logistic_regression": _logistic_regression,
    "gradient_boosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
}
