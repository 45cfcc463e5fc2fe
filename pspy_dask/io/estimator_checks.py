"""Estimators out of files: whether all that they are made of is known, and whole.

scikit-learn follows the indices in trees without looking, so a crafted file could have it read
anywhere in memory. Types are known one by one, for there is no telling what others follow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from types import BuiltinFunctionType, FunctionType, NoneType
from typing import Any

import numpy as np
from sklearn._loss import _loss, link, loss
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics._dist_metrics import EuclideanDistance64
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KDTree, KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier
from sklearn.tree._tree import Tree

_COUNTERS = 7  # from here on the state of a tree of neighbours tells how often it was asked

_VALUES = (str, int, float, bool, NoneType, list, tuple, dict, np.ndarray, *np.sctypeDict.values())
_ESTIMATORS = (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreesClassifier,
    GaussianNB,
    HistGradientBoostingClassifier,
    KNeighborsClassifier,
    LabelEncoder,
    LogisticRegression,
    Pipeline,
    QuadraticDiscriminantAnalysis,
    RandomForestClassifier,
    StandardScaler,
)
_PARTS = (
    EuclideanDistance64,
    KDTree,
    np.random.Generator,
    Tree,
    TreePredictor,
    _BinMapper,
    _loss.CyHalfBinomialLoss,
    _loss.CyHalfMultinomialLoss,
    link.Interval,
    link.LogitLink,
    link.MultinomialLogit,
    loss.HalfBinomialLoss,
    loss.HalfMultinomialLoss,
)


def strange_types(estimator: Any, trusted: Collection[str] = ()) -> list[str]:
    """Return the types that an estimator is made of and that are neither known nor trusted.

    Of those that are known it is seen that they are whole; those that are trusted are left alone.

    Raises
    ------
    ValueError
        A part of a known type points outside itself.
    """
    parts = [part for part in _parts(estimator) if _name(part) not in trusted]
    strange = {_name(part) for part in parts if not _is_known(part)}
    for part in parts:
        _CHECKS.get(type(part), _whole)(part)
    return sorted(strange)


def _parts(whole: Any) -> list[Any]:
    """Return all that an object is made of, each once, however deep it lies."""
    found, to_do = {}, [whole]
    while to_do:
        part = to_do.pop()
        if id(part) not in found:
            found[id(part)] = part
            to_do.extend(_inside(part))
    return [*found.values()]


def _inside(part: Any) -> Iterable[Any]:
    if isinstance(part, type | FunctionType):
        return ()
    if isinstance(part, np.ndarray):
        return part.ravel().tolist() if part.dtype.hasobject else ()
    held = list(getattr(part, "__dict__", {}).values())
    if isinstance(part, dict):
        return [*held, *part.keys(), *part.values()]
    return [*held, *part] if isinstance(part, list | tuple | set | frozenset) else held


def type_name(kind: Any) -> str:
    """Return the name of a type or function as skops tells it.

    >>> type_name(GaussianNB)
    'sklearn.naive_bayes.GaussianNB'
    """
    return f"{getattr(kind, '__module__', 'numpy')}.{kind.__name__}"


def _name(part: Any) -> str:
    names_itself = isinstance(part, type | FunctionType | BuiltinFunctionType | np.ufunc)
    return type_name(part if names_itself else type(part))


def _is_known(part: Any) -> bool:
    """Whether a part is of a known type, and used in the way that is known."""
    if type(part) is KNeighborsClassifier:  # other ways have no tree that could be looked at
        return bool(vars(part).get("_fit_method", "kd_tree") == "kd_tree")
    if type(part) is HistGradientBoostingClassifier:
        mapper = vars(part).get("_bin_mapper")
        return mapper is None or not np.any(mapper.is_categorical_)
    if type(part) is Pipeline:  # its memory is a folder of pickles
        return part.memory is None
    if type(part) is np.random.Generator:
        return type(part.bit_generator) is np.random.PCG64
    return type(part) in _KNOWN


def _whole(part: Any) -> None:
    """Pass: there is nothing to be followed."""


def _check_array(array: Any) -> None:
    # Such may be of any length and take no room.
    if array.dtype.itemsize == 0:
        raise ValueError("an array holds nothing")


def _check_tree(owner: Any) -> None:
    """See to the tree of an estimator, which shows it rows of as many features as it knows."""
    tree = vars(owner).get("tree_")
    if tree is None:  # the pattern of a forest is not fitted
        return
    if type(tree) is not Tree or not 0 < tree.node_count <= tree.capacity:
        raise ValueError("a tree has other nodes than it says")
    if tree.n_features != owner.n_features_in_:
        raise ValueError("a tree is of another number of features")
    inner = tree.children_left != -1
    _check_nodes(tree.children_left[inner], tree.children_right[inner], inner)
    _check_below(tree.feature[inner], tree.n_features)


def _check_boosting(owner: Any) -> None:
    for stage in vars(owner).get("_predictors", ()):
        for predictor in stage:
            nodes = predictor.nodes
            inner = nodes["is_leaf"] == 0
            _check_nodes(nodes["left"][inner], nodes["right"][inner], inner)
            _check_below(nodes["feature_idx"][inner], owner.n_features_in_)
            if nodes["is_categorical"].any() and _is_known(owner):
                raise ValueError("a tree asks for categories")


def _check_nodes(left: Any, right: Any, inner: Any) -> None:
    """See that children come after their parent: then walks end, and stay within the nodes."""
    parents = np.flatnonzero(inner)
    for children in (left, right):
        _check_below(children, len(inner))
        if (children.astype(np.int64) <= parents).any():
            raise ValueError("a tree walks in circles")
    if len(inner) == 0:
        raise ValueError("a tree has no nodes")


def _check_below(numbers: Any, limit: int) -> None:
    wide = np.asarray(numbers).astype(np.int64)
    if wide.size and (wide.min() < 0 or wide.max() >= limit):
        raise ValueError("a tree points outside itself")


def _check_neighbours(tree: Any) -> None:
    """See that a tree is what scikit-learn makes of its points."""
    state = tree.__getstate__()
    fresh = KDTree(state[0], leaf_size=state[4]).__getstate__()
    if not all(map(np.array_equal, state[1:_COUNTERS], fresh[1:_COUNTERS])):
        raise ValueError("a tree of neighbours is not that of its points")


_KNOWN = frozenset((*_VALUES, *_ESTIMATORS, *_PARTS))
_CHECKS: dict[type, Callable[[Any], None]] = {
    np.ndarray: _check_array,
    DecisionTreeClassifier: _check_tree,
    DecisionTreeRegressor: _check_tree,
    ExtraTreeClassifier: _check_tree,
    HistGradientBoostingClassifier: _check_boosting,
    KDTree: _check_neighbours,
}

#: Names of the types that classifiers are made of.
KNOWN = frozenset(map(type_name, (*_ESTIMATORS, *_PARTS)))
