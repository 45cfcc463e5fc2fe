"""Chunks that take less to make than to hand on: whoever needs one makes it."""

from __future__ import annotations

import dask.array as da
from dask._task_spec import GraphNode, TaskRef
from dask.highlevelgraph import MaterializedLayer

from pspy_dask.blocks.grid import Index


class CheapLayer(MaterializedLayer):
    """The layer of a dask array whose chunks are cheap."""


def chunk_of(array: da.Array, index: Index) -> GraphNode | TaskRef:
    """Return a chunk as an argument of a task: a cheap one is made inside that task.

    That is a task less a chunk, and no pixels wait in memory between two tasks. A chunk that
    several tasks take is made by each of them.
    """
    key = (array.name, *index)
    layer = array.dask.layers.get(array.name)
    return layer[key] if isinstance(layer, CheapLayer) else TaskRef(key)
