"""A forest as tables of words that vectors of lanes can walk: see `forest_lanes`.

A feature becomes its code: how many of the forest's thresholds for that feature lie below it, 16
bits. A node becomes a word of 32 bits, its children a pair of neighbouring words:

====== =========================================================================
bits   inner node
====== =========================================================================
31..16 the least code that goes right, its highest bit flipped: signed compares
15     whether the feature's code is the upper half of a packed pair of codes
14..13 which pair of codes that is
12..1  the pair of words of the children; the right one is odd
0      0; at a leaf 1, and the bits above it are the number of the leaf
====== =========================================================================
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.trees import Forest, Nodes

MOST_FEATURES = 8
UPPER_HALF, PAIRS_BIT_0, PAIRS_BIT_1, CHILDREN = 1 << 15, 1 << 13, 1 << 14, 0x1FFE
TOP_WORDS = 128  # so many words of a tree can be looked up without reading memory lane by lane

_MOST_CODES = 65535
_MOST_PAIRS = 4096
_SHARE_BITS = 22


class Tables(NamedTuple):
    """What compiled code reads; words of each tree from its top downwards, level by level."""

    words: NDArray[np.int32]
    starts: NDArray[np.int64]  # of each tree, and the end
    steps: NDArray[np.int64]  # (trees, 3): steps within the first 32, 64 and 128 words
    order: NDArray[np.int64]  # trees, those soonest walked first
    thresholds: NDArray[np.float32]  # of each feature in turn, ascending, then infinity
    halvings: NDArray[np.int64]  # how often the thresholds of each feature are to be halved
    leaf_nodes: NDArray[np.int64]  # node of each leaf
    shares: NDArray[np.int32]  # (classes but the first, leaves): in units of 1 / unit
    unit: int


def lane_tables(forest: Forest) -> Tables | None:
    """Return a forest's tables, or None where it is too large for them.

    They hold 8 features, 65535 different thresholds of each, and 8190 nodes of a tree.
    """
    if forest.features > MOST_FEATURES or forest.roots.size > 1 << _SHARE_BITS:
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
    words = np.ones(nodes.left.size + trees * TOP_WORDS, np.uint32)
    starts, steps = np.zeros(trees + 1, np.int64), np.zeros((trees, 3), np.int64)
    leaf_nodes = np.flatnonzero(nodes.left < 0)
    number = np.cumsum(nodes.left < 0) - 1
    if not _pack_trees(nodes, rank, number, words, starts, steps):
        return None
    unit = 1 << min(_SHARE_BITS, 30 - trees.bit_length())
    shares = np.rint(nodes.value[leaf_nodes, 1:].T * unit).astype(np.int32)
    return Tables(
        words[: starts[-1]].view(np.int32),
        starts,
        steps,
        np.argsort(np.diff(starts), kind="stable"),
        *_searchable(thresholds),
        leaf_nodes,
        np.ascontiguousarray(shares),
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
    number: NDArray[np.int64],
    words: NDArray[np.uint32],
    starts: NDArray[np.int64],
    steps: NDArray[np.int64],
) -> bool:
    """Write the words of all trees; return whether each of them is small enough."""
    queue = np.empty(2 * _MOST_PAIRS, np.int64)
    for tree in range(nodes.roots.size):
        queue[0] = nodes.roots[tree]
        base = starts[tree]
        taken = 2  # the root has a pair of words for itself
        level_begin, level_end = 0, 1
        while level_begin < level_end:
            for place in range(level_begin, level_end):
                node = queue[place]
                if nodes.left[node] >= 0:
                    if taken == queue.size:
                        return False
                    queue[taken], queue[taken + 1] = nodes.left[node], nodes.right[node]
                    taken += 2
                words[base + place] = _word(nodes, node, rank[node], number[node], taken - 2)
            level_begin, level_end = max(2, level_end), taken
            for size in range(3):
                if taken <= 32 << size and level_begin < level_end:
                    steps[tree, size] += 1
                    break
        starts[tree + 1] = base + max(taken, TOP_WORDS)
    return True


@compiled
def _word(nodes: Nodes, node: int, rank: int, number: int, children: int) -> int:
    if nodes.left[node] < 0:
        return (number << 1) | 1
    feature = np.int64(nodes.feature[node])
    code = (rank + 1) ^ 0x8000
    return (code << 16) | ((feature & 1) << 15) | ((feature >> 1) << 13) | children
