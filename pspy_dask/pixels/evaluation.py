"""How well a classifier knows the pixels that it was fitted to, as numbers and as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.inspection import permutation_importance
from sklearn.model_selection import StratifiedKFold

from pspy_dask.blocks.one_thread import one_thread
from pspy_dask.pixel_parameters import FLATTERS
from pspy_dask.pixels.estimators import fit
from pspy_dask.pixels.models import model_of
from pspy_dask.pixels.training import TrainingRows

_FOLDS = 5
_REPEATS = 5
_MOST_PERMUTED = 5000  # rows on which importances are found by permutation


@dataclass(frozen=True)
class Evaluation:
    """How well a classifier knows pixels that were kept from it, and by which features.

    Attributes
    ----------
    accuracy
        Share of the pixels whose class was found; nan where there were too few to keep any back.
    accuracy_by
        How they were kept back.
    confusion
        For every class, in ascending order, how many of its pixels were taken for each class.
    importances
        How much each feature tells.
    importances_by
        How that was found.
    """

    accuracy: float
    accuracy_by: str
    confusion: tuple[tuple[int, ...], ...]
    importances: tuple[float, ...]
    importances_by: str

    def __str__(self) -> str:
        """Return the accuracy in words."""
        if isnan(self.accuracy):
            return f"accuracy unknown ({self.accuracy_by})"
        return f"accuracy {self.accuracy:.1%} ({self.accuracy_by})"


def evaluate(estimator: Any, training: TrainingRows, seed: int) -> Evaluation:
    """Return how well a fitted estimator knows the pixels that it was fitted to.

    A forest that kept the votes of trees on pixels that they had not seen tells its accuracy by
    these; any other estimator is fitted five times more, to four fifths of the pixels each.
    """
    kinds = np.unique(training.classes)
    found, by = _out_of_bag(estimator, kinds)
    if found is None:
        found, by = _cross_validated(estimator, training, seed)
    asked = found > 0
    true = np.searchsorted(kinds, training.classes[asked])
    taken = np.searchsorted(kinds, found[asked])
    counts = np.bincount(true * len(kinds) + taken, minlength=len(kinds) ** 2)
    confusion = counts.reshape(len(kinds), len(kinds))
    accuracy = float(confusion.trace() / counts.sum()) if counts.sum() else float("nan")
    importances, importances_by = _importances(estimator, training, seed)
    return Evaluation(
        accuracy,
        by,
        tuple(tuple(row) for row in confusion.tolist()),
        tuple(importances.tolist()),
        importances_by,
    )


def _out_of_bag(estimator: Any, kinds: NDArray[Any]) -> tuple[NDArray[Any] | None, str]:
    """Return the classes by the trees that had not seen a pixel, 0 where all had; or None."""
    votes = getattr(estimator, "oob_decision_function_", None)
    if votes is None:
        return None, ""
    votes = np.nan_to_num(votes)
    return np.where(votes.any(axis=1), kinds[votes.argmax(axis=1)], 0), "out of bag"


def _cross_validated(estimator: Any, training: TrainingRows, seed: int) -> tuple[NDArray[Any], str]:
    """Return the classes by estimators that had not seen a pixel, 0 where there is none."""
    rows, classes = training.rows, training.classes
    found = np.zeros(len(classes), np.int64)
    folds = min(_FOLDS, int(np.unique(classes, return_counts=True)[1].min()))
    if folds < 2:
        return found, "a class has a single pixel"
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for seen, kept in parts.split(rows, classes):
        try:
            model = model_of(fit(clone(estimator), rows[seen], classes[seen]))
        except ValueError:  # some estimators want more pixels of each class
            return np.zeros_like(found), "a class has too few pixels"
        found[kept] = model.numbers(rows[kept])
    return found, f"cross-validation, {folds} folds"


def _importances(
    estimator: Any, training: TrainingRows, seed: int
) -> tuple[NDArray[np.float64], str]:
    own = getattr(estimator, "feature_importances_", None)
    if own is not None:
        return np.asarray(own, np.float64), "decrease of impurity"
    step = -(-len(training) // _MOST_PERMUTED)
    with one_thread():
        drop = permutation_importance(
            estimator,
            training.rows[::step],
            training.classes[::step],
            scoring="accuracy",
            n_repeats=_REPEATS,
            random_state=seed,
        )
    by = f"drop of accuracy when permuted ({_REPEATS} repeats, seed {seed})"
    return np.asarray(drop.importances_mean, np.float64), by


def figure_of(
    evaluation: Evaluation, class_names: Sequence[str], feature_names: Sequence[str]
) -> Figure:
    """Return a figure of the confusion matrix and of the importances of the features."""
    height = max(3.6, 0.9 + 0.28 * max(len(feature_names), 2 * len(class_names)))
    figure = Figure(figsize=(10, height), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_confusion(left, evaluation, class_names)
    _draw_importances(right, evaluation, feature_names)
    return figure


def _draw_confusion(axes: Axes, evaluation: Evaluation, names: Sequence[str]) -> None:
    counts = np.array(evaluation.confusion)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        text = f"{counts[row, column]}\n{share:.1%}"
        ink = "white" if share > 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", color=ink)
    axes.set_xticks(range(len(names)), names, rotation=45 if len(names) > 3 else 0)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("annotated class")
    remark = FLATTERS.replace(": ", ":\n")
    axes.set_title(f"{str(evaluation).capitalize()}\n{remark}", fontsize="medium")


def _draw_importances(axes: Axes, evaluation: Evaluation, names: Sequence[str]) -> None:
    order = np.argsort(evaluation.importances, kind="stable")
    axes.barh([names[k] for k in order], [evaluation.importances[k] for k in order])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel(evaluation.importances_by)
    axes.set_title("Importance of features")
