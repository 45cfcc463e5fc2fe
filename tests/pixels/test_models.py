"""Models find what scikit-learn finds, travel well and are known by what they hold."""

from __future__ import annotations

import pickle

import dask
import numpy as np
import pytest
from dask.base import tokenize
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from pspy_dask.pixels.estimators import CLASSIFIERS, fit, new_estimator
from pspy_dask.pixels.models import EstimatorModel, ForestModel, model_of

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(600, 5)).astype(np.float32)
CLASSES = np.array([2, 7, 300], np.int32)[(ROWS[:, 0] > 0).astype(int) + (ROWS[:, 1] > 0.4)]
FORESTS = [
    RandomForestClassifier(20, random_state=0),
    RandomForestClassifier(9, random_state=0, max_depth=3, class_weight="balanced"),
    ExtraTreesClassifier(20, random_state=0),
]


@pytest.mark.parametrize("forest", FORESTS, ids=str)
def test_a_forest_equals_scikit_learn(forest):
    fitted = clone(forest).fit(ROWS, CLASSES)
    model = model_of(fitted)
    assert isinstance(model, ForestModel) and model.rowwise and model.has_probabilities
    np.testing.assert_array_equal(model.numbers(ROWS), fitted.predict(ROWS))
    np.testing.assert_array_equal(model.probabilities(ROWS), fitted.predict_proba(ROWS))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_models_travel_and_have_one_token(name):
    estimator = fit(new_estimator(name, 0), ROWS, CLASSES)
    model = model_of(estimator)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.numbers(ROWS), estimator.predict(ROWS))
    with dask.config.set({"tokenize.ensure-deterministic": True}):
        assert tokenize(model) == tokenize(copy)
        assert tokenize(model) == tokenize(model_of(fit(new_estimator(name, 0), ROWS, CLASSES)))
        other = model_of(fit(new_estimator(name, 0), ROWS[::2], CLASSES[::2]))
        assert tokenize(model) != tokenize(other)


def test_a_token_stays_though_neighbours_are_counted():
    model = model_of(new_estimator("nearest_neighbours", 0).fit(ROWS, CLASSES))
    before = tokenize(model)
    model.numbers(ROWS)
    assert tokenize(model) == before


@pytest.mark.parametrize("forest", FORESTS, ids=str)
def test_a_forest_travels_in_few_bytes_and_arrives_whole(forest):
    fitted = clone(forest).fit(ROWS, CLASSES)
    model = model_of(fitted)
    sent = pickle.dumps(model)
    assert len(sent) < len(pickle.dumps(model.forest.nodes)) / 4 + 1000  # names and types
    copy = pickle.loads(sent)
    inner = model.forest.left >= 0
    for name, before in model.forest.nodes._asdict().items():
        after, kept = getattr(copy.forest.nodes, name), slice(None)
        if name in ("value", "missing_left"):
            kept = ~inner if name == "value" else inner
        assert before.dtype == after.dtype
        assert before[kept].tobytes() == after[kept].tobytes()
    many = np.tile(ROWS, (40, 1))  # so many that tables are packed
    np.testing.assert_array_equal(copy.numbers(many), fitted.predict(many))
    np.testing.assert_array_equal(copy.probabilities(many), fitted.predict_proba(many))


def test_trees_in_another_order_travel_too():
    best_first = RandomForestClassifier(5, random_state=0, max_leaf_nodes=25).fit(ROWS, CLASSES)
    gaps = ROWS.copy()
    gaps[::7, 0] = np.nan
    missing = RandomForestClassifier(5, random_state=0).fit(gaps, CLASSES)
    for fitted, rows in ((best_first, ROWS), (missing, gaps)):
        copy = pickle.loads(pickle.dumps(model_of(fitted)))
        np.testing.assert_array_equal(copy.probabilities(rows), fitted.predict_proba(rows))


class Contrary(RandomForestClassifier):
    """A forest that predicts in its own way."""

    def predict(self, rows):
        return super().predict(rows)[::-1]


def test_a_class_derived_from_a_forest_is_asked_itself():
    fitted = Contrary(5, random_state=0).fit(ROWS, CLASSES)
    model = model_of(fitted)
    assert isinstance(model, EstimatorModel) and not model.rowwise
    np.testing.assert_array_equal(model.numbers(ROWS), fitted.predict(ROWS))


def test_probabilities_are_there_where_the_estimator_has_them():
    assert not model_of(LinearSVC().fit(ROWS, CLASSES)).has_probabilities
    fitted = GaussianNB().fit(ROWS, CLASSES)
    model = model_of(fitted)
    assert model.has_probabilities
    np.testing.assert_array_equal(model.probabilities(ROWS), fitted.predict_proba(ROWS))
