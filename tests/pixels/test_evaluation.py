"""How well a classifier knows its pixels is what scikit-learn says of it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from pspy_dask.pixels.estimators import new_estimator
from pspy_dask.pixels.evaluation import evaluate, figure_of
from pspy_dask.pixels.training import training_rows

RNG = np.random.default_rng(2)
ROWS = RNG.normal(size=(400, 3)).astype(np.float32)
CLASSES = np.where(ROWS[:, 0] + 0.4 * RNG.normal(size=400) > 0, 4, 9).astype(np.int32)
PIXELS = training_rows(
    np.pad(np.arange(400)[:, None], ((0, 0), (3, 0))).astype(np.int64), CLASSES, ROWS
)


def test_a_forest_is_judged_out_of_bag():
    forest = RandomForestClassifier(60, oob_score=True, random_state=0).fit(ROWS, CLASSES)
    found = evaluate(forest, PIXELS, 0)
    assert found.accuracy == forest.oob_score_ < 1
    assert found.accuracy_by == "out of bag"
    assert np.sum(found.confusion) == 400
    assert found.importances == tuple(forest.feature_importances_)


def test_pixels_that_all_trees_saw_are_not_counted():
    forest = RandomForestClassifier(2, oob_score=True, random_state=0)
    with pytest.warns(UserWarning, match="out-of-bag|OOB"):
        forest.fit(ROWS, CLASSES)
    unseen = np.nan_to_num(forest.oob_decision_function_).any(axis=1).sum()
    assert np.sum(evaluate(forest, PIXELS, 0).confusion) == unseen < 400


@pytest.mark.parametrize("name", ["naive_bayes", "logistic_regression", "trees"])
def test_others_are_cross_validated(name):
    trees = ExtraTreesClassifier(10, random_state=0)
    estimator = trees if name == "trees" else new_estimator(name, 0)
    estimator.fit(ROWS, CLASSES)
    found = evaluate(estimator, PIXELS, 3)
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    predicted = cross_val_predict(estimator, ROWS, CLASSES, cv=folds)
    assert found.accuracy_by == "cross-validation, 5 folds"
    assert found.accuracy == accuracy_score(CLASSES, predicted)
    assert np.array_equal(found.confusion, confusion_matrix(CLASSES, predicted))


def test_features_are_permuted_where_an_estimator_says_nothing_of_them():
    estimator = new_estimator("naive_bayes", 0).fit(ROWS, CLASSES)
    found = evaluate(estimator, PIXELS, 3)
    drop = permutation_importance(estimator, ROWS, CLASSES, n_repeats=5, random_state=3)
    np.testing.assert_array_equal(found.importances, drop.importances_mean)
    assert np.argmax(found.importances) == 0
    assert found.importances_by == "drop of accuracy when permuted (5 repeats, seed 3)"


@pytest.mark.parametrize(("name", "few"), [("naive_bayes", 1), ("qda", 2)])
def test_too_few_pixels_tell_nothing(name, few):
    chosen = np.sort(np.append(np.flatnonzero(CLASSES == 4)[:few], np.flatnonzero(CLASSES == 9)))
    pixels = PIXELS.take(chosen)
    fit_to = PIXELS  # an estimator that could be fitted
    estimator = new_estimator(name, 0).fit(fit_to.rows, fit_to.classes)
    found = evaluate(estimator, pixels, 0)
    assert np.isnan(found.accuracy) and str(found).startswith("accuracy unknown (a class has")


def test_the_figure_shows_counts_and_features():
    estimator = new_estimator("naive_bayes", 0).fit(ROWS, CLASSES)
    found = evaluate(estimator, PIXELS, 0)
    figure = figure_of(found, ["film", "particle"], ["bright", "steep", "round"])
    left, right = figure.axes
    texts = [text.get_text() for text in left.texts]
    assert [int(text.split("\n")[0]) for text in texts] == list(np.ravel(found.confusion))
    assert left.get_xlabel() == "predicted class" and left.get_ylabel() == "annotated class"
    assert f"{found.accuracy:.1%}" in left.get_title()
    assert {bar.get_width() for bar in right.patches} == {*found.importances}
    assert {label.get_text() for label in right.get_yticklabels()} == {"bright", "steep", "round"}
    figure.canvas.draw()
