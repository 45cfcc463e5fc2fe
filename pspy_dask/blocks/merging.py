"""Partial results of many tasks, merged in a tree of few tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import dask.array as da
import numpy as np
from dask._task_spec import Task, TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from pspy_dask.blocks.windows import Graph, Key

_FAN = 16


def merge_tree(
    tasks: Graph,
    name: str,
    at: tuple[int, ...],
    keys: Sequence[Key],
    merge: Callable[..., Any],
    *shared: TaskRef,
) -> list[TaskRef]:
    """Add tasks ``merge(*shared, *partials)`` until few partial results are left; return those.

    Whoever takes them merges them as well: a task less to wait for.
    """
    refs, level = [TaskRef(key) for key in keys], 0
    while len(refs) > _FAN:
        merged: list[TaskRef] = []
        for number, start in enumerate(range(0, len(refs), _FAN)):
            key: Key = (f"merge-{name}", level, *at, number)
            tasks[key] = Task(key, merge, *shared, *refs[start : start + _FAN])
            merged.append(TaskRef(key))
        refs, level = merged, level + 1
    return refs


def merge_partials(shared: tuple[Any, Any], *partials: Any) -> Any:
    """Return partial results merged by the reducer, the second of the shared values."""
    return reduce(shared[1].merge, partials)


def total(array: da.Array) -> da.Array:
    """Return the sum of an array of small chunks, lazily, as an array without axes.

    ``array.sum()`` takes more than a task a chunk; this takes one for 16 chunks.
    """
    name = f"total-{tokenize(array.name)}"
    keys: list[Key] = [(array.name, *index) for index in np.ndindex(array.numblocks)]
    tasks: Graph = {}
    end: Key = (name,)
    tasks[end] = Task(end, _sum, *merge_tree(tasks, name, (), keys, _sum))
    needed: list[Any] = [array]
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=needed)
    return da.Array(graph, name, chunks=(), dtype=np.zeros(0, array.dtype).sum().dtype)


def _sum(*numbers: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(sum(n.sum() for n in numbers))
