"""A forest as tables of words that many rows walk at once: see `forest_steps` and `forest_lanes`.

A feature becomes its code: how many of the forest's thresholds for that feature lie below it, 16
bits. A node becomes a word of 32 bits, its children a pair of neighbouring words:

====== ============================================================================
bits   meaning
====== ============================================================================
31..16 the least code that goes right: 1 + how many thresholds lie below the node's
15..13 the column of the feature's code: features 0 and 1 change places, and so on
12..0  where the left child lies within the tree: an even number; the right one follows
====== ============================================================================

At a leaf the upper 16 bits are all set, which no code reaches, and the lower 13 name the leaf
itself: a walk that goes on stays where it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.trees import Forest, Nodes

BLOCK = 4096  # rows that go through one tree before the next: tree and rows stay cached
COLUMNS = 8
CHILD = 0x1FFF
LEAF = 0xFFFF0000
TOP_WORDS = 256  # words of a tree that can be looked up in registers

_MOST_CODES = 65534
_MOST_PAIRS = 4096
_SHARE_BITS = 22


class ForestTables(NamedTuple):
    """What compiled code reads; words of each tree from its top downwards, level by level."""

    words: NDArray[np.uint32]
    starts: NDArray[np.int64]  # of each tree, and the end
    steps: NDArray[np.int64]  # (trees, 4): steps within the first 32, 64, 128 and 256 words
    order: NDArray[np.int64]  # trees, those soonest walked first
    thresholds: NDArray[np.float32]  # of each feature in turn, ascending, then infinity
    halvings: NDArray[np.int64]  # how often the thresholds of each feature are to be halved
    telling: int  # the feature that most trees ask first
    nodes: NDArray[np.int32]  # which node of the forest each word is
    shares: NDArray[np.int32]  # (classes but the first, words): in units of 1 / unit
    unit: int


def forest_tables(forest: Forest) -> ForestTables | None:
    """Return a forest's tables, or None where it is too large for them.

    They hold 8 features, 65534 different thresholds of each, and 8190 nodes of a tree.
    """
    if forest.features > COLUMNS or forest.roots.size > 1 << _SHARE_BITS:
        return None
    nodes = forest.nodes
    thresholds = _thresholds(nodes, forest.features)
    if max(len(known) for known in thresholds) > _MOST_CODES:
        return None
    rank = np.zeros(nodes.left.size, np.int64)
    for feature, known in enumerate(thresholds):
        asks = (nodes.left >= 0) & (nodes.feature == feature)
        rank[asks] = np.searchsorted(known, nodes.threshold[asks])
    trees = nodes.roots.size
    words = np.zeros(nodes.left.size + trees * TOP_WORDS, np.uint32)
    origin = np.zeros(words.size, np.int32)
    starts, steps = np.zeros(trees + 1, np.int64), np.zeros((trees, 4), np.int64)
    if not _pack_trees(nodes, rank, words, origin, starts, steps):
        return None
    origin = origin[: starts[-1]]
    unit = 1 << min(_SHARE_BITS, 30 - trees.bit_length())
    shares = np.rint(nodes.value[:, 1:].T * unit).astype(np.int32)
    order = np.argsort(np.diff(starts), kind="stable")
    return ForestTables(
        words[: starts[-1]],
        starts,
        steps,
        order,
        *_searchable(thresholds),
        int(np.bincount(nodes.feature[nodes.roots]).argmax()),
        origin,
        np.ascontiguousarray(shares[:, origin]),
        unit,
    )


def _thresholds(nodes: Nodes, features: int) -> list[NDArray[np.float32]]:
    """Return the thresholds that the forest asks of each feature, ascending."""
    inner = nodes.left >= 0
    return [np.unique(nodes.threshold[inner & (nodes.feature == f)]) for f in range(features)]


def _searchable(known: list[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return thresholds in rows of a length that is a power of two, one after the other."""
    halvings = np.array([len(one).bit_length() for one in known], np.int64)
    table = np.full((len(known), 1 << int(halvings.max())), np.inf, np.float32)
    for row, one in zip(table, known, strict=True):
        row[: len(one)] = one
    return table.reshape(-1), halvings


@compiled
def _pack_trees(
    nodes: Nodes,
    rank: NDArray[np.int64],
    words: NDArray[np.uint32],
    origin: NDArray[np.int32],
    starts: NDArray[np.int64],
    steps: NDArray[np.int64],
) -> bool:
    """Write the words of all trees; return whether each of them is small enough."""
    for tree in range(nodes.roots.size):
        base = starts[tree]
        queue = origin[base : base + 2 * _MOST_PAIRS]
        queue[0] = nodes.roots[tree]
        taken = 2  # the root has a pair of words for itself
        first, stop = 0, 1
        while first < stop:
            for place in range(first, stop):
                node = np.int64(queue[place])
                inner = nodes.left[node] >= 0
                if inner:
                    if taken == 2 * _MOST_PAIRS:
                        return False
                    queue[taken], queue[taken + 1] = nodes.left[node], nodes.right[node]
                    words[base + place] = _word(rank[node], nodes.feature[node], taken)
                    taken += 2
                else:
                    words[base + place] = LEAF | place
            first, stop = max(2, stop), taken
            for size in range(4):
                if taken <= 32 << size and first < stop:
                    steps[tree, size] += 1
                    break
        starts[tree + 1] = base + max(taken, TOP_WORDS)
    return True


@compiled
def _word(rank: int, feature: int, child: int) -> int:
    return ((rank + 1) << 16) | ((int(feature) ^ 1) << 13) | child
