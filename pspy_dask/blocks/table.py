"""Tables: rows of objects that lie in many chunks, gathered without ever meeting all in one place.

Every chunk makes rows of what it sees. Rows that no other chunk can add to are done; the others go
up the tree, where rows of the same object merge, until they are done too. The table is cut along
the first axis (and by frame): for each band of chunks one or a few partitions, which take the
finished rows whose first pixel lies in them, so partitions in order are rows in raster order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from math import prod
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

_CHUNKS = 8  # rows of so many chunks make a partition
_MOST = 8  # but a band is cut no finer: each of its partitions depends on all of its chunks


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
    arrays: Sequence[da.Array],
    program: RowProgram,
    *,
    frames: bool = False,
    again: bool = False,
    halo: int = 0,
) -> dd.DataFrame:
    """Return the lazy table of the objects in arrays that share one grid of chunks.

    The program gets every chunk with a halo of so many pixels, clipped at the image's edges.

    No partition can be made before the whole tree is climbed, for any object may end in the last
    chunk. Finished rows wait until then; or, where ``again``, every chunk drops them and is worked
    through once more for its band, so that only rows of objects on seams wait in memory.
    """
    plans = [plan_pass(a, halo=(halo,) * (a.ndim - frames), frames=frames) for a in arrays]
    grid = plans[0].grid
    token = tokenize([a.name for a in arrays], program, again)
    name, root = f"table-{token}", f"plan-table-{token}"
    tasks: Graph = {root: plans[0].root(root, (plans, program))}
    keys: list[Key] = []
    for frame in plans[0].all_frames:
        _climb(tasks, plans, root, token, frame, again=again)
        for band, span in enumerate(pairwise(grid.edges[0])):
            above = _above_band(grid, band, lowest=1 if again else 0)
            done = [TaskRef(_node(token, frame, *at)) for at in above]
            if again:
                done += _repeat(tasks, plans, root, token, frame, band)
            for part in _parts(grid, span):
                key: Key = (name, len(keys))
                tasks[key] = Task(key, _table_task, TaskRef(root), frame, part, *done)
                keys.append(key)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=dask_inputs(arrays))
    partitions = [Delayed(key, graph, layer=name) for key in keys]
    table: dd.DataFrame = dd.from_delayed(partitions, meta=program.empty(), verify_meta=False)
    return table


def _climb(
    tasks: Graph,
    plans: Sequence[Pass],
    root: str,
    token: str,
    frame: int | None,
    *,
    again: bool,
) -> None:
    grid = plans[0].grid
    leaf = _open_task if again else _leaf_task
    for index in grid.nodes(0):
        key = _node(token, frame, 0, index)
        counts, refs = _inputs(plans, frame, index)
        tasks[key] = Task(key, leaf, TaskRef(root), frame, index, counts, *refs)
    for level in range(1, grid.top + 1):
        for index in grid.nodes(level):
            key = _node(token, frame, level, index)
            below = [
                TaskRef(_node(token, frame, level - 1, child))
                for child in grid.children(level, index)
            ]
            tasks[key] = Task(key, _join_task, TaskRef(root), level, index, *below)


def _repeat(
    tasks: Graph, plans: Sequence[Pass], root: str, token: str, frame: int | None, band: int
) -> list[TaskRef]:
    """Have the chunks of a band make their finished rows, once the tree is climbed."""
    grid, made = plans[0].grid, []
    top = TaskRef(_node(token, frame, grid.top, (0,) * len(grid.shape)))
    for index in product((band,), *map(range, grid.levels[0][1:])):
        key: Key = (f"again-{token}", *lead(frame), *index)
        counts, refs = _inputs(plans, frame, index)
        tasks[key] = Task(key, _again_task, TaskRef(root), top, frame, index, counts, *refs)
        made.append(TaskRef(key))
    return made


def _inputs(
    plans: Sequence[Pass], frame: int | None, index: Index
) -> tuple[tuple[int, ...], list[TaskRef]]:
    """Return how many inputs a chunk has from each array, and all of them."""
    window = plans[0].window(frame, index)  # arrays read at random may have other chunks
    inputs = [plan.inputs_of(window) for plan in plans]
    return tuple(map(len, inputs)), [ref for some in inputs for ref in some]


def _parts(grid: Grid, span: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the spans of the partitions of a band."""
    start, length = span[0], span[1] - span[0]
    chunks = prod(grid.levels[0][1:])
    count = min(length, _MOST, max(1, chunks // _CHUNKS))
    return list(pairwise(start + length * k // count for k in range(count + 1)))


def _above_band(grid: Grid, band: int, *, lowest: int) -> list[tuple[int, Index]]:
    """Return all nodes from a level up that hold rows of objects starting in this band."""
    return [
        (level, index)
        for level in range(lowest, grid.top + 1)
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


def _open_task(*arguments: Any) -> Divided:
    return None, _leaf_task(*arguments)[1]


def _again_task(shared: Shared, _top: Divided, *arguments: Any) -> Divided:
    return _leaf_task(shared, *arguments)[0], None


def _table_task(
    shared: Shared, frame: int | None, part: tuple[int, int], *nodes: Divided
) -> pd.DataFrame:
    program = shared[1]
    rows = [program.starting(done, *part) for done, _ in nodes]
    return program.table(rows, frame)
