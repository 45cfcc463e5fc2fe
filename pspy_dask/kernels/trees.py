"""A forest of decision trees as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]


class Tree(NamedTuple):
    """One decision tree, in the words and the order of scikit-learn's ``tree_``.

    ``left`` and ``right`` are the children of each node, -1 at leaves; a node's children come
    after it. A row goes left where its `feature` is at most the `threshold`, or is nan and
    ``missing_left`` is set. ``value`` holds, for each node and class, the share of the class.
    """

    left: NDArray[np.integer[Any]]
    right: NDArray[np.integer[Any]]
    feature: NDArray[np.integer[Any]]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]
    missing_left: NDArray[Any]


class Nodes(NamedTuple):
    """The arrays of a forest that compiled code reads."""

    left: Ints
    right: Ints
    feature: Ints
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]
    roots: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Forest:
    """Decision trees that vote; nodes of all trees lie one tree after the other.

    Made by :func:`forest_of_trees` or :func:`forest_of_estimator`, or of arrays that were saved.

    Parameters
    ----------
    left, right
        Children of each node, counted through all trees, int32; -1 at leaves.
    feature
        Which feature a node asks for, int32.
    threshold
        float32, rounded down: for features of float32 the answers are those of the doubles.
    missing_left
        Whether nan goes left, bool.
    value
        Share of each class, float64, (nodes, classes).
    roots
        First node of each tree, int64.
    classes
        What the classes are called, in the order of the shares.
    features
        How many features a row has.
    takes_missing
        Whether rows may hold nan.

    Raises
    ------
    ValueError
        If the arrays do not belong together, or do not form trees.
    """

    left: Ints
    right: Ints
    feature: Ints
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]
    roots: NDArray[np.int64]
    classes: NDArray[Any]
    features: int
    takes_missing: bool

    def __post_init__(self) -> None:
        _check_sizes(self)
        _check_trees(self)

    @property
    def nodes(self) -> Nodes:
        """What compiled code reads, of the dtypes that it reads."""
        return Nodes(
            np.ascontiguousarray(self.left, np.int32),
            np.ascontiguousarray(self.right, np.int32),
            np.ascontiguousarray(self.feature, np.int32),
            np.ascontiguousarray(self.threshold, np.float32),
            np.ascontiguousarray(self.missing_left, np.bool_),
            np.ascontiguousarray(self.value, np.float64),
            np.ascontiguousarray(self.roots, np.int64),
        )


def forest_of_trees(
    trees: Sequence[Tree],
    classes: NDArray[Any],
    features: int,
    *,
    takes_missing: bool = False,
) -> Forest:
    """Return the forest that some trees form, in their order.

    Parameters
    ----------
    trees
        At least one; the order counts, for sums are rounded.
    classes
        What the classes are called, in the order of the shares in the leaves.
    features
        How many features a row has.
    takes_missing
        Whether rows may hold nan.

    Raises
    ------
    ValueError
        If there is no tree, or an array does not fit the others.

    Examples
    --------
    >>> stump = Tree(
    ...     left=np.array([1, -1, -1]),
    ...     right=np.array([2, -1, -1]),
    ...     feature=np.array([0, -2, -2]),
    ...     threshold=np.array([0.5, -2.0, -2.0]),
    ...     value=np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]),
    ...     missing_left=np.zeros(3, bool),
    ... )
    >>> forest_of_trees([stump, stump], np.array(["dark", "bright"]), features=1).left
    array([ 1, -1, -1,  4, -1, -1], dtype=int32)
    """
    if not trees:
        raise ValueError("a forest needs at least one tree.")
    sizes = [len(tree.left) for tree in trees]
    roots = np.cumsum([0, *sizes[:-1]])
    if sum(sizes) > np.iinfo(np.int32).max:
        raise ValueError(f"the forest has {sum(sizes)} nodes, more than int32 counts: fit fewer.")

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(tree, name) for tree in trees])

    shift = np.repeat(roots, sizes)
    left, right = joined("left"), joined("right")
    leaf = left < 0
    return Forest(
        np.where(leaf, -1, left + shift).astype(np.int32),
        np.where(right < 0, -1, right + shift).astype(np.int32),
        np.where(leaf, 0, joined("feature")).astype(np.int32),
        np.where(leaf, np.float32(0), _rounded_down(joined("threshold"))),
        joined("missing_left").astype(np.bool_),
        joined("value").astype(np.float64),
        roots.astype(np.int64),
        np.asarray(classes),
        int(features),
        takes_missing,
    )


def forest_of_estimator(estimator: Any) -> Forest:
    """Return a fitted forest of scikit-learn's as plain arrays.

    Parameters
    ----------
    estimator
        A ``RandomForestClassifier`` or ``ExtraTreesClassifier`` (scikit-learn 1.5 or later), or
        what has ``estimators_`` with a ``tree_`` each, ``classes_`` and ``n_features_in_``.

    Raises
    ------
    ValueError
        If it is not fitted, predicts several outputs at once, or is no forest of classifiers.
    """
    members = getattr(estimator, "estimators_", None)
    name = type(estimator).__name__
    if members is None or not hasattr(estimator, "classes_"):
        raise ValueError(f"the estimator {name} is no fitted forest of classifiers: call its fit.")
    if getattr(estimator, "n_outputs_", 1) != 1:
        raise ValueError(f"the estimator {name} predicts several outputs: fit one for each.")
    features = int(estimator.n_features_in_)
    trees = [_tree_of(member.tree_) for member in members]
    return forest_of_trees(
        trees, estimator.classes_, features, takes_missing=_takes_missing(members[0], features)
    )


def _tree_of(tree: Any) -> Tree:
    return Tree(
        tree.children_left,
        tree.children_right,
        tree.feature,
        tree.threshold,
        tree.value[:, 0, :],
        tree.missing_go_to_left,
    )


def _takes_missing(member: Any, features: int) -> bool:
    """Ask a tree whether it predicts where all is missing: that depends on how it was grown."""
    try:
        member.predict(np.full((1, features), np.nan, np.float32))
    except ValueError:
        return False
    return True


def _rounded_down(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that are at most these numbers."""
    with np.errstate(over="ignore"):
        near = np.asarray(numbers, np.float64).astype(np.float32)
        below = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > numbers, below, near)


def _check_sizes(forest: Forest) -> None:
    count, classes = forest.left.size, len(forest.classes)
    for name in ("right", "feature", "threshold", "missing_left"):
        size = getattr(forest, name).size
        if size != count:
            raise ValueError(f"{name} has {size} nodes and left {count}: they must be the same.")
    if forest.value.shape != (count, classes):
        raise ValueError(
            f"value is of shape {forest.value.shape}: it must be nodes by classes, "
            f"({count}, {classes})."
        )


def _check_trees(forest: Forest) -> None:
    """Refuse what is no forest: walks must end, and stay within the arrays."""
    count, inner = forest.left.size, np.flatnonzero(forest.left >= 0)
    children = np.concatenate((forest.left[inner], forest.right[inner]))
    roots = forest.roots
    if roots.size == 0 or roots.min() < 0 or roots.max() >= count:
        raise ValueError("roots must name at least one node, and none beyond the last.")
    if np.any(children <= np.concatenate((inner, inner))) or np.any(children >= count):
        raise ValueError("left and right must name nodes after their parent.")
    parents = np.bincount(children, minlength=count)
    parents[roots] += 1
    if np.any(parents != 1):
        raise ValueError("left and right must name each node but the roots once.")
    asked = forest.feature[inner]
    if np.any(asked < 0) or np.any(asked >= forest.features):
        raise ValueError(f"feature must lie between 0 and {forest.features - 1}.")
    if np.isnan(forest.threshold).any():
        raise ValueError("threshold must not be nan.")
    shares = forest.value[forest.left < 0]
    # Rounded to float32 they still do; what `forest_votes` settles allows for 4e-7.
    if not (np.all(shares >= 0) and np.allclose(shares.sum(axis=1), 1, rtol=0, atol=1e-7)):
        raise ValueError("value must hold shares of classes that sum to 1 at each leaf.")
