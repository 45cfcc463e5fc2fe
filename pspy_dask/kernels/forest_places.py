"""Where the nodes of each tree lie in the tables of a forest: the children of a node side by side.

So a step is a sum: where the left child lies, and one where a row goes right. The root comes first
and has a pair of places for itself; then level by level downwards, so that the upper levels, which
every row asks, lie together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.trees import Nodes

TOP = 256  # places of a tree that there are in any case: they can be looked up in registers


class Places(NamedTuple):
    """What lies at each place, tree after tree.

    ``nodes`` says which node of the forest, ``children`` where within its tree the node's left
    child lies, or -1 at leaves. ``starts`` are the first places of the trees, and the end.
    ``steps`` are, for each tree, the steps within the first 32, 64, 128 and 256 places.
    """

    nodes: NDArray[np.int32]
    children: NDArray[np.int32]
    starts: NDArray[np.int64]
    steps: NDArray[np.int64]

    @property
    def largest(self) -> int:
        """Places of the largest tree."""
        return int(np.diff(self.starts).max())

    @property
    def within(self) -> NDArray[np.int64]:
        """Where each place lies within its tree."""
        begin = self.starts[:-1]
        return np.arange(self.starts[-1]) - np.repeat(begin, np.diff(self.starts))


def places_of(nodes: Nodes) -> Places:
    """Return where the nodes of a forest lie."""
    trees = nodes.roots.size
    room = nodes.left.size + trees * (TOP + 1)
    found = np.zeros(room, np.int32), np.full(room, -1, np.int32)
    starts, steps = np.zeros(trees + 1, np.int64), np.zeros((trees, 4), np.int64)
    _place_trees(nodes, *found, starts, steps)
    placed, children = (one[: starts[-1]] for one in found)
    return Places(placed, children, starts, steps)


@compiled
def _place_trees(
    nodes: Nodes,
    placed: NDArray[np.int32],
    children: NDArray[np.int32],
    starts: NDArray[np.int64],
    steps: NDArray[np.int64],
) -> None:
    for tree in range(nodes.roots.size):
        base = starts[tree]
        placed[base] = nodes.roots[tree]
        first, stop, taken = 0, 1, 2
        while first < stop:
            for place in range(base + first, base + stop):
                node = placed[place]
                if nodes.left[node] >= 0:
                    children[place] = taken
                    placed[base + taken] = nodes.left[node]
                    placed[base + taken + 1] = nodes.right[node]
                    taken += 2
            first, stop = max(2, stop), taken
            for size in range(4):
                if taken <= 32 << size and first < stop:
                    steps[tree, size] += 1
                    break
        starts[tree + 1] = base + max(taken, TOP)
