"""Tables: rows of objects that lie in many chunks, gathered without ever meeting all in one place.

Every chunk makes rows of what it sees. Rows that no other chunk can add to are done; the others go
up the tree, where rows of the same object merge, until they are done too. The table has one
partition for each band of chunks along the first axis (and frame): it takes the finished rows
whose first pixel lies in the band, so partitions in order are rows in raster order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import dask.array as da
import dask.dataframe as dd
import pandas as pd
from dask._task_spec import Task, TaskRef
from dask.base import tokenize
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Grid, Index
from pspy_dask.blocks.windows import Graph, Key, Pass, Window, dask_inputs, lead, plan_pass


class RowProgram(Protocol):
    """What the rows are; rows are plain values that pickle."""

    def rows(self, pixels: Sequence[NDArray[Any]], window: Window) -> Any:
        """Return the rows of what one chunk sees."""
        ...

    def merge(self, parts: Sequence[Any]) -> Any:
        """Return the rows of several blocks with those of the same object made one."""
        ...

    def divide(self, rows: Any, box: Box, shape: Index) -> tuple[Any, Any]:
        """Return (rows that no block outside this box can add to, the others)."""
        ...

    def starting(self, rows: Any, start: int, stop: int) -> Any:
        """Return the rows of objects whose first pixel lies in a band of the first axis."""
        ...

    def table(self, parts: Sequence[Any], frame: int | None) -> pd.DataFrame:
        """Return finished rows of one band as a table."""
        ...

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        ...


def gather_table(
    arrays: Sequence[da.Array], program: RowProgram, *, frames: bool = False
) -> dd.DataFrame:
    """Return the lazy table of the objects in arrays that share one grid of chunks."""
    plans = [plan_pass(a, halo=(0,) * (a.ndim - frames), frames=frames) for a in arrays]
    grid = plans[0].grid
    token = tokenize([a.name for a in arrays], program)
    name, root = f"table-{token}", f"plan-table-{token}"
    tasks: Graph = {root: plans[0].root(root, (plans, program))}
    keys: list[Key] = []
    for frame in plans[0].all_frames:
        _climb(tasks, plans, root, token, frame)
        for band in range(grid.levels[0][0]):
            key: Key = (name, len(keys))
            done = [TaskRef(_node(token, frame, *at)) for at in _above_band(grid, band)]
            span = (grid.edges[0][band], grid.edges[0][band + 1])
            tasks[key] = Task(key, _band_task, TaskRef(root), frame, span, *done)
            keys.append(key)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=dask_inputs(arrays))
    partitions = [Delayed(key, graph, layer=name) for key in keys]
    table: dd.DataFrame = dd.from_delayed(partitions, meta=program.empty(), verify_meta=False)
    return table


def _climb(tasks: Graph, plans: Sequence[Pass], root: str, token: str, frame: int | None) -> None:
    grid = plans[0].grid
    for index in grid.nodes(0):
        key = _node(token, frame, 0, index)
        inputs = [plan.inputs(frame, index) for plan in plans]
        counts = tuple(map(len, inputs))
        refs = [ref for some in inputs for ref in some]
        tasks[key] = Task(key, _leaf_task, TaskRef(root), frame, index, counts, *refs)
    for level in range(1, grid.top + 1):
        for index in grid.nodes(level):
            key = _node(token, frame, level, index)
            below = [
                TaskRef(_node(token, frame, level - 1, child))
                for child in grid.children(level, index)
            ]
            tasks[key] = Task(key, _join_task, TaskRef(root), level, index, *below)


def _above_band(grid: Grid, band: int) -> list[tuple[int, Index]]:
    """Return all nodes, chunks included, that hold rows of objects starting in this band."""
    return [
        (level, index)
        for level in range(grid.top + 1)
        for index in grid.nodes(level)
        if index[0] == band // grid.fan[0] ** level
    ]


def _node(token: str, frame: int | None, level: int, index: Index) -> Key:
    return (f"rows-{token}", *lead(frame), level, *index)


Shared = tuple[Sequence[Pass], RowProgram]
Divided = tuple[Any, Any]


def _leaf_task(
    shared: Shared, frame: int | None, index: Index, counts: Sequence[int], *inputs: Any
) -> Divided:
    plans, program = shared
    window = plans[0].window(frame, index)
    pixels, start = [], 0
    for plan, count in zip(plans, counts, strict=True):
        pixels.append(plan.read(window, inputs[start : start + count])[0])
        start += count
    return program.divide(program.rows(pixels, window), window.core, window.shape)


def _join_task(shared: Shared, level: int, index: Index, *below: Divided) -> Divided:
    plans, program = shared
    grid = plans[0].grid
    rows = program.merge([still_open for _, still_open in below])
    return program.divide(rows, grid.box(level, index), grid.shape)


def _band_task(
    shared: Shared, frame: int | None, span: tuple[int, int], *nodes: Divided
) -> pd.DataFrame:
    program = shared[1]
    return program.table([program.starting(done, *span) for done, _ in nodes], frame)
