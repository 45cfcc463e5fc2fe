"""A forest as tables of words that many rows walk at once, in one of two formats.

Lanes are faster where the processor and the size of the forest allow them; steps go far beyond.
See `forest_lanes` and `forest_steps`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.forest_lanes import LaneTables, lane_tables
from pspy_dask.kernels.forest_places import places_of
from pspy_dask.kernels.forest_steps import StepTables, step_tables
from pspy_dask.kernels.simd import processor_features
from pspy_dask.kernels.trees import Forest

#: Whether there are lanes: only where registers can be looked up are they faster than steps.
LANES = "avx512f" in processor_features()

_SHARE_BITS = 22


class ForestTables(NamedTuple):
    """What compiled code reads; what is said of words lies as they do."""

    walk: LaneTables | StepTables
    starts: NDArray[np.int64]  # of each tree, and the end
    order: NDArray[np.int64]  # trees, those soonest walked first
    nodes: NDArray[np.int32]  # which node of the forest each word is
    shares: NDArray[np.int32]  # (classes but the first, words): in units of 1 / unit
    unit: int


def forest_tables(forest: Forest, *, lanes: bool = LANES) -> ForestTables | None:
    """Return a forest's tables, or None where it is too large for them.

    Where forests are beyond the limits of lanes, or the processor has none, steps hold up to 1024
    features and trees of 4 million nodes.
    """
    trees = forest.roots.size
    if trees > 1 << _SHARE_BITS:
        return None
    nodes = forest.nodes
    places = places_of(nodes)
    walk: LaneTables | StepTables | None = None
    if lanes:
        walk = lane_tables(nodes, forest.features, places)
    if walk is None:
        walk = step_tables(nodes, forest.features, places)
    if walk is None:
        return None
    unit = 1 << min(_SHARE_BITS, 30 - trees.bit_length())
    shares = np.rint(nodes.value[:, 1:].T * unit).astype(np.int32)
    return ForestTables(
        walk,
        places.starts,
        np.argsort(np.diff(places.starts), kind="stable"),
        places.nodes,
        np.ascontiguousarray(shares[:, places.nodes]),
        unit,
    )
