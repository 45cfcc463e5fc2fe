"""A forest in few bytes, to be sent about: 3 to 5 bytes a node instead of 17 and 8 a class."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.trees import Forest, Ints


class CompactForest(NamedTuple):
    """What a forest is made of, each thing once; leaves have shares and other nodes questions.

    Attributes
    ----------
    nodes
        How many there are.
    inner
        Which nodes are no leaves, a bit each.
    children
        Left and right ones of each that is none; None where each tree lists a node, then all
        below it to the left, then all to the right, as scikit-learn does.
    roots
        First node of each tree.
    feature, threshold, missing_left
        Of each node that is no leaf; the last as bits, None where none are set.
    shares
        Different rows of shares.
    leaf
        Which of them each leaf has.
    classes, features, takes_missing
        As in `Forest`.
    """

    nodes: int
    inner: NDArray[np.uint8]
    children: tuple[Ints, Ints] | None
    roots: NDArray[np.int64]
    feature: NDArray[np.unsignedinteger[Any]]
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.uint8] | None
    shares: NDArray[np.float64]
    leaf: NDArray[np.unsignedinteger[Any]]
    classes: NDArray[Any]
    features: int
    takes_missing: bool


def compact_forest(forest: Forest) -> CompactForest:
    """Return a forest in few bytes.

    Examples
    --------
    >>> from pspy_dask.kernels.trees import Tree, forest_of_trees
    >>> sides, value = np.array([1, -1, -1]), np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    >>> stump = Tree(sides, sides * 2, sides * 0, sides * 0.5, value, sides < 0)
    >>> forest = forest_of_trees([stump] * 9, np.array(["dark", "bright"]), features=1)
    >>> compact = compact_forest(forest)
    >>> compact.feature.size, compact.shares.tolist(), bool(
    ...     (expanded_forest(compact).left == forest.left).all()
    ... )
    (9, [[0.0, 1.0], [1.0, 0.0]], True)
    """
    nodes = forest.nodes
    inner = nodes.left >= 0
    left, right = _children_in_order(inner)
    ordered = np.array_equal(left, nodes.left) and np.array_equal(right, nodes.right)
    missing = nodes.missing_left[inner]
    shares, leaf = _different(nodes.value[~inner])
    return CompactForest(
        inner.size,
        np.packbits(inner),
        None if ordered else (nodes.left[inner], nodes.right[inner]),
        nodes.roots,
        nodes.feature[inner].astype(np.min_scalar_type(forest.features)),
        nodes.threshold[inner],
        np.packbits(missing) if missing.any() else None,
        shares,
        leaf,
        forest.classes,
        forest.features,
        forest.takes_missing,
    )


def expanded_forest(compact: CompactForest) -> Forest:
    """Return the forest, but for the shares of nodes that are no leaves, which nothing asks for."""
    inner = np.unpackbits(compact.inner, count=compact.nodes).view(np.bool_)
    if compact.children is None:
        left, right = _children_in_order(inner)
    else:
        left, right = (_spread(each, inner, -1) for each in compact.children)
    missing = np.zeros(len(compact.feature), np.bool_)
    if compact.missing_left is not None:
        missing = np.unpackbits(compact.missing_left, count=missing.size).view(np.bool_)
    value = np.zeros((compact.nodes, compact.shares.shape[1]))
    value[~inner] = compact.shares[compact.leaf]
    return Forest(
        left,
        right,
        _spread(compact.feature.astype(np.int32), inner, 0),
        _spread(compact.threshold, inner, 0),
        _spread(missing, inner, False),
        value,
        compact.roots,
        compact.classes,
        compact.features,
        compact.takes_missing,
    )


def _spread(numbers: NDArray[Any], inner: NDArray[np.bool_], else_: float) -> NDArray[Any]:
    spread = np.full(inner.size, else_, numbers.dtype)
    spread[inner] = numbers
    return spread


def _different(
    rows: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.unsignedinteger[Any]]]:
    """Return different rows, bit for bit, and which each is."""
    codes = np.zeros(len(rows), np.int64)
    for column in np.ascontiguousarray(rows.T).view(np.uint64):
        _, which = np.unique(column, return_inverse=True)
        codes = codes * (int(which.max()) + 1) + which
        codes = np.unique(codes, return_inverse=True)[1]
    _, first = np.unique(codes, return_index=True)
    return rows[first], codes.astype(np.min_scalar_type(len(first)))


@compiled
def _children_in_order(inner: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return children where all below a node to its left follow it, then all to its right."""
    left, right = np.full(inner.size, -1, np.int32), np.full(inner.size, -1, np.int32)
    waiting = np.empty(inner.size, np.int32)
    count = 0
    for node in range(inner.size):
        if node > 0 and inner[node - 1]:
            left[node - 1] = node
        elif count > 0:
            count -= 1
            right[waiting[count]] = node
        if inner[node]:
            waiting[count] = node
            count += 1
    return left, right
