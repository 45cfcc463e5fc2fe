"""Estimators out of files: whether the indices that they hold stay within their arrays.

scikit-learn follows them without looking, so a crafted file could have it read anywhere in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.neighbors import KDTree
from sklearn.tree._tree import Tree

_DEEP = 12  # objects in objects
_COUNTERS = 7  # from here on the state of a tree of neighbours tells how often it was asked


def check_estimator(estimator: Any) -> None:
    """Raise ValueError where a tree somewhere in an estimator points outside itself."""
    features = int(estimator.n_features_in_)
    for part in _parts(estimator, _DEEP):
        if isinstance(part, Tree):
            _check_tree(part, features)
        elif isinstance(part, TreePredictor):
            _check_predictor(part, features)
        elif isinstance(part, KDTree):
            _check_neighbours(part, features)


def _parts(value: Any, deep: int) -> Iterator[Any]:
    """Yield what an object is made of."""
    yield value
    if deep == 0 or isinstance(value, str | bytes | int | float | np.ndarray | type(None)):
        return
    inner: Any = getattr(value, "__dict__", {}).values()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list | tuple | set):
        inner = value
    for each in inner:
        yield from _parts(each, deep - 1)


def _check_tree(tree: Any, features: int) -> None:
    inner = tree.children_left != -1
    _check_nodes(tree.children_left[inner], tree.children_right[inner], inner)
    _check_below(tree.feature[inner], features)
    if tree.n_features != features:
        raise ValueError("a tree is of another number of features")


def _check_predictor(predictor: Any, features: int) -> None:
    nodes = predictor.nodes
    inner = nodes["is_leaf"] == 0
    _check_nodes(nodes["left"][inner], nodes["right"][inner], inner)
    _check_below(nodes["feature_idx"][inner], features)
    if nodes["is_categorical"].any():
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


def _check_neighbours(tree: Any, features: int) -> None:
    """See that the tree is what scikit-learn makes of its points."""
    state = tree.__getstate__()
    points, leaf_size = state[0], state[4]
    if points.ndim != 2 or points.shape[1] != features:
        raise ValueError("a tree of neighbours is of another number of features")
    fresh = KDTree(points, leaf_size=leaf_size).__getstate__()
    if not all(map(np.array_equal, state[1:_COUNTERS], fresh[1:_COUNTERS])):
        raise ValueError("a tree of neighbours is not that of its points")
