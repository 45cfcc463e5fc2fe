"""Classes and probabilities by a forest of decision trees, equal to scikit-learn's to the last bit.

Tried with forests of 200 trees and 2 classes on the pixels of a 512 x 512 image, CPU time of one
thread against ``RandomForestClassifier.predict`` with one job (Zen 5):

======== ============= ====== ====== ===========
features nodes a tree   lanes  steps  plain walk
======== ============= ====== ====== ===========
7        850           10 x   5.6 x  1.2 x
15       590           8.5 x  5.3 x  1.0 x
32       540           5.5 x  4.3 x  1.0 x
7        20500                5.7 x  0.9 x
15       18700                5.2 x  0.9 x
======== ============= ====== ====== ===========

``predict_proba`` is 5.0, 4.1, 2.9 times as fast in lanes, and 2.8 in steps with the largest trees.

Lanes are `forest_lanes`, where there is AVX-512; steps `forest_steps`, on any processor;
the first of them that holds a forest is taken. The plain walk is below. Before rows waited for
others, lanes took 14 % longer with 7 features. Gathers alone, without AVX-512, were slower than
steps. Looking up 512 words in registers lost 20 % against 256. Sorting rows by the most telling
feature gained 8 % in lanes and nothing in steps. Large trees are fetched from afar once a block:
blocks of 16384 rows took half as long as such of 4096. Words of 32 bits gained 7 % in steps.

Packing the tables takes as long as they gain on 1000 to 1500 rows with trees of 540 to 850 nodes,
and on 11000 with 20500. Tables that are there gain from 16 to 64 rows on.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.forest_tables import ForestTables, forest_tables
from pspy_dask.kernels.forest_votes import settled_labels, summed_shares
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.trees import Forest, Nodes

Rows = NDArray[np.float32]

_BLOCK = 2048  # rows that go through one tree before the next: it stays in the nearest cache
_EVERY = 4  # trees between two looks at what is decided
_FEW = 64  # rows from which on tables that are there are faster
_ROWS_A_NODE = 2  # rows from which on packing tables pays, for each node of a tree
_ENOUGH = 8192  # rows from which on it nearly does in any case, and more may be to come

#: Tables of forests in use, None where forests are too large: kept beside a forest, not in it, so
#: that what is pickled, copied and compared is the forest alone, and gone when it is.
_packed: WeakKeyDictionary[Forest, ForestTables | None] = WeakKeyDictionary()


def forest_labels(forest: Forest, rows: NDArray[Any]) -> NDArray[Any]:
    """Return the class of each row, as ``RandomForestClassifier.predict`` does.

    The class is the one with the largest mean share, the first among equals. Trees that can no
    longer change it are not asked.

    Parameters
    ----------
    forest
        See :func:`pspy_dask.kernels.trees.forest_of_estimator`.
    rows
        (rows, features), real numbers; they are rounded to float32 first, as scikit-learn does.

    Returns
    -------
    ndarray
        (rows,), of the dtype of the forest's classes.

    Raises
    ------
    ValueError
        If there are not as many features as the forest knows, a number is infinite or too large
        for float32, or is nan and the forest was grown in a way that does not take nan.

    References
    ----------
    Breiman, L., Machine Learning 45(1), 5-32, 2001.

    Examples
    --------
    >>> from pspy_dask.kernels.trees import Tree, forest_of_trees
    >>> sides, value = np.array([1, -1, -1]), np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    >>> stump = Tree(sides, sides * 2, sides * 0, sides * 0.5, value, sides < 0)
    >>> forest = forest_of_trees([stump], np.array(["dark", "bright"]), features=1)
    >>> forest_labels(forest, np.array([[0.2], [0.5], [0.7]]))
    array(['dark', 'dark', 'bright'], dtype='<U6')
    """
    pixels, whole = _checked(forest, rows)
    index = np.full(pixels.shape[0], -1, np.int32)
    tables = _tables(forest, index[whole].size)
    if tables is not None:
        index[whole] = settled_labels(pixels[whole], tables)
    open_rows = np.flatnonzero(index < 0)
    index[open_rows] = plain_labels(forest, pixels[open_rows])
    return forest.classes.take(index)


def forest_probabilities(forest: Forest, rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean share of each class, as ``RandomForestClassifier.predict_proba`` does.

    Shares are added in double precision in the order of the trees, as scikit-learn does with one
    job, and divided by their number.

    Parameters
    ----------
    forest, rows
        As in :func:`forest_labels`.

    Returns
    -------
    ndarray
        (rows, classes), float64.

    Raises
    ------
    ValueError
        As :func:`forest_labels` does.

    Examples
    --------
    >>> from pspy_dask.kernels.trees import Tree, forest_of_trees
    >>> leaf = np.array([-1])
    >>> always = Tree(leaf, leaf, leaf, leaf * 1.0, np.array([[0.25, 0.75]]), leaf < 0)
    >>> forest_probabilities(forest_of_trees([always], np.array([1, 2]), 1), np.zeros((1, 1)))
    array([[0.25, 0.75]])
    """
    pixels, whole = _checked(forest, rows)
    shares = np.empty((pixels.shape[0], len(forest.classes)))
    rest = np.ones(pixels.shape[0], np.bool_)
    tables = _tables(forest, rest[whole].size)
    if tables is not None:
        sums = summed_shares(pixels[whole], tables, forest.nodes.value)
        shares[whole], rest[whole] = sums / forest.roots.size, False
    shares[rest] = plain_probabilities(forest, pixels[rest])
    return shares


def plain_labels(forest: Forest, rows: Rows) -> NDArray[np.int32]:
    """Return the number of each row's class by the plain walk: the reference of the lanes."""
    sums = np.zeros((rows.shape[0], len(forest.classes)))
    _add_shares(rows, forest.nodes, True, sums)
    labels: NDArray[np.int32] = np.argmax(sums / forest.roots.size, axis=1).astype(np.int32)
    return labels


def plain_probabilities(forest: Forest, rows: Rows) -> NDArray[np.float64]:
    """Return the mean shares by the plain walk: the reference of the lanes."""
    sums = np.zeros((rows.shape[0], len(forest.classes)))
    _add_shares(rows, forest.nodes, False, sums)
    return sums / forest.roots.size


def _tables(forest: Forest, count: int) -> ForestTables | None:
    """Return what the fast paths read, or None where so few rows are to be walked plainly."""
    if count < _FEW:
        return None
    if forest not in _packed:
        if count < min(_ENOUGH, _ROWS_A_NODE * forest.left.size / forest.roots.size):
            return None
        _packed[forest] = forest_tables(forest)  # threads that do so together write the same
    return _packed[forest]


def _checked(forest: Forest, rows: NDArray[Any]) -> tuple[Rows, slice | NDArray[np.bool_]]:
    """Return rows of float32, side by side, and an index of those where no number is missing."""
    given = np.asarray(rows)
    if given.ndim != 2 or given.shape[1] != forest.features:
        raise ValueError(
            f"rows are of shape {given.shape}: the forest expects {forest.features} features, "
            f"(rows, {forest.features})."
        )
    if given.dtype.kind not in "biuf":
        raise ValueError(f"rows are of {given.dtype}: they must be real numbers.")
    with np.errstate(over="ignore"):
        pixels = np.ascontiguousarray(given, np.float32)
    infinite, missing = _scan(pixels)
    if infinite:
        raise ValueError("rows contain infinity or a value too large for float32: clip them.")
    if missing and not forest.takes_missing:
        raise ValueError("rows contain NaN, which this forest was not grown to take: fill them in.")
    if not missing:
        return pixels, slice(None)
    return pixels, np.logical_not(np.isnan(pixels).any(axis=1))


@compiled
def _scan(rows: Rows) -> tuple[bool, bool]:
    """Say whether a number is infinite, and whether one is nan."""
    infinite = missing = 0
    for number in rows.reshape(-1):
        infinite += np.abs(number) == np.inf
        missing += number != number  # noqa: PLR0124 - only nan is not itself
    return infinite > 0, missing > 0


@compiled
def _add_shares(rows: Rows, nodes: Nodes, early: bool, sums: NDArray[np.float64]) -> None:
    """Add the shares of each row's leaves, or only until its class is settled."""
    trees = nodes.roots.size
    open_rows = np.empty(_BLOCK, np.int64)
    for start in range(0, rows.shape[0], _BLOCK):
        count = min(_BLOCK, rows.shape[0] - start)
        for place in range(count):
            open_rows[place] = start + place
        for tree in range(trees):
            for place in range(count):
                row = open_rows[place]
                leaf = _leaf(rows, row, nodes, nodes.roots[tree])
                for number in range(sums.shape[1]):
                    sums[row, number] += nodes.value[leaf, number]
            rest = trees - 1 - tree
            if early and rest <= tree + 1 and tree % _EVERY == 0:
                count = _still_open(open_rows, count, sums, rest)


@compiled
def _leaf(rows: Rows, row: int, nodes: Nodes, root: int) -> int:
    """Walk down a tree."""
    node = int(root)
    while nodes.left[node] >= 0:
        number = rows[row, nodes.feature[node]]
        missing = number != number  # noqa: PLR0124 - only nan is not itself
        if number <= nodes.threshold[node] or (missing and nodes.missing_left[node]):
            node = int(nodes.left[node])
        else:
            node = int(nodes.right[node])
    return node


@compiled
def _still_open(
    open_rows: NDArray[np.int64], count: int, sums: NDArray[np.float64], rest: int
) -> int:
    """Keep the rows whose leading class the remaining trees can overtake; return how many."""
    kept = 0
    for place in range(count):
        row = open_rows[place]
        first = second = -1.0
        for share in sums[row]:
            if share > first:
                first, second = share, first
            elif share > second:
                second = share
        if first - second <= rest * (1 + 1e-5) + 1e-5:  # sums are rounded, shares sum to 1 nearly
            open_rows[kept] = row
            kept += 1
    return kept
