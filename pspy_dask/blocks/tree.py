"""Up and down the tree of chunks: how a chunk learns what it needs to know of all others.

Every chunk sends a message up; a node joins those of its children, keeps what the way down will
need, and sends a smaller one up. The root knows what no chunk could; on the way down every node
tells each child its part, until the chunks finish. A program says what the messages are; this
module only carries them, as a dask graph or, for reference, in a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import dask.array as da
import numpy as np
from dask._task_spec import Task, TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Grid, Index
from pspy_dask.blocks.windows import (
    Graph,
    Key,
    Pass,
    Window,
    finish_graph,
    frame_grid,
    lead,
    plan_pass,
)

LeafFunction = Callable[..., tuple[Any, Any]]


class Program(Protocol):
    """The messages that travel up and down; all of them plain values."""

    @property
    def leaf(self) -> LeafFunction:
        """``leaf(pixels, window, *values)`` is (message to the parent, what the chunk keeps)."""
        ...

    def join(
        self, box: Box, boxes: Sequence[Box], shape: Index, messages: Sequence[Any]
    ) -> tuple[Any, Any]:
        """Return (message to the parent, what the node keeps) of a node's children."""
        ...

    def split(
        self, box: Box, boxes: Sequence[Box], shape: Index, kept: Any, told: Any | None
    ) -> Sequence[Any]:
        """Return a message to each child; the root is told nothing."""
        ...

    def finish(self, window: Window, kept: Any, told: Any) -> NDArray[Any]:
        """Return the pixels of the chunk."""
        ...


def sweep(
    array: da.Array,
    program: Program,
    *,
    halo: Index,
    dtype: Any,
    frames: bool = False,
    values: Sequence[da.Array] = (),
    name: str = "sweep",
    reread: da.Array | None = None,
) -> da.Array:
    """Return the array that a program makes of an image, each frame by itself.

    The name of the dask array begins with ``name``. Where ``reread`` is given, the same pixels by
    the same or another name, the last pass computes from it what a chunk would keep, so that
    nothing waits in memory while the messages travel.
    """
    plan = plan_pass(array, halo=halo, frames=frames, values=values)
    token = tokenize(array.name, program, halo, reread is None, [v.name for v in values])
    name, root = f"{name}-{token}", f"plan-{token}"
    tasks: Graph = {root: plan.root(root, (plan, program))}
    last = plan if reread is None else plan_pass(reread, halo=halo, frames=frames, values=values)
    for frame in plan.all_frames:
        climb(tasks, plan, root, token, frame)
        _descend(tasks, plan.grid, root, token, frame)
        for index in plan.grid.nodes(0):
            key = plan.key(name, frame, index)
            told = TaskRef(_node("told", token, frame, 1, plan.grid.parent(index)))
            if reread is not None:
                inputs = [TaskRef(root), frame, index, told, *last.inputs(frame, index)]
                tasks[key] = Task(key, _finish_again, *inputs)
            else:
                kept = TaskRef(_node("joined", token, frame, 0, index))
                tasks[key] = Task(key, _finish_kept, TaskRef(root), frame, index, told, kept)
    arrays = [array] if reread is None else [array, reread]
    return finish_graph(name, tasks, plan, arrays, values, dtype, cheap=reread is None)


def at_the_root(
    swept: da.Array,
    numbers: Callable[[Any], NDArray[Any]],
    *,
    length: int,
    dtype: Any,
    frames: bool = False,
) -> da.Array:
    """Return numbers that a function makes of the message that reached the root of a sweep.

    The lazy result has shape ``(length,)``, or ``(t, length)`` for a series.
    """
    name = f"root-{tokenize(swept.name, numbers)}"
    tasks: Graph = {}
    for frame, root in _roots(swept, frames=frames):
        key = (name, *lead(frame), 0)
        tasks[key] = Task(key, _root_task, TaskRef(root), numbers, frame is not None)
    needed: list[Any] = [swept]
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=needed)
    chunks = ((1,) * swept.shape[0], (length,)) if frames else ((length,),)
    return da.Array(graph, name, chunks=chunks, dtype=dtype)


def has_roots(swept: da.Array, *, frames: bool = False) -> bool:
    """Whether the messages that :func:`at_the_root` reads are in the graph of an array.

    They are no more once a sweep was computed and persisted.
    """
    return all(root in swept.dask for _, root in _roots(swept, frames=frames))


def _roots(swept: da.Array, *, frames: bool) -> Iterator[tuple[int | None, Key]]:
    """Yield every frame of a sweep and the key of what reached its root."""
    grid, _ = frame_grid(swept, frames=frames)
    token = swept.name.rpartition("-")[2]
    for frame in range(swept.shape[0]) if frames else [None]:
        yield frame, _node("joined", token, frame, grid.top, (0,) * len(grid.shape))


def _root_task(
    joined: tuple[Any, Any], numbers: Callable[[Any], NDArray[Any]], framed: bool
) -> NDArray[Any]:
    result = numbers(joined[0])
    return result[None] if framed else result


def climb(tasks: Graph, plan: Pass, root: str, token: str, frame: int | None) -> None:
    """Add the tasks of the way up: one a chunk and one a node, named ``joined``."""
    grid = plan.grid
    for index in grid.nodes(0):
        key = _node("joined", token, frame, 0, index)
        inputs = plan.inputs(frame, index)
        tasks[key] = Task(key, _leaf_task, TaskRef(root), frame, index, *inputs)
    for level in range(1, grid.top + 1):
        for index in grid.nodes(level):
            key = _node("joined", token, frame, level, index)
            below = [
                TaskRef(_node("joined", token, frame, level - 1, child))
                for child in grid.children(level, index)
            ]
            tasks[key] = Task(key, _join_task, TaskRef(root), level, index, *below)


def _descend(tasks: Graph, grid: Grid, root: str, token: str, frame: int | None) -> None:
    for level in range(grid.top, 0, -1):
        for index in grid.nodes(level):
            key = _node("told", token, frame, level, index)
            refs = [TaskRef(_node("joined", token, frame, level, index))]
            if level < grid.top:
                refs.append(TaskRef(_node("told", token, frame, level + 1, grid.parent(index))))
            tasks[key] = Task(key, _split_task, TaskRef(root), level, index, *refs)


def _node(kind: str, token: str, frame: int | None, level: int, index: Index) -> Key:
    return (f"{kind}-{token}", *lead(frame), level, *index)


Shared = tuple[Pass, Program]


def _leaf_task(
    shared: Shared, frame: int | None, index: Index, *inputs: NDArray[Any]
) -> tuple[Any, Any]:
    plan, program = shared
    window = plan.window(frame, index)
    pixels, *values = plan.read(window, inputs)
    return program.leaf(pixels, window, *values)


def _join_task(
    shared: Shared, level: int, index: Index, *below: tuple[Any, Any]
) -> tuple[Any, Any]:
    plan, program = shared
    box, boxes = _boxes(plan.grid, level, index)
    return program.join(box, boxes, plan.grid.shape, [message for message, _ in below])


def _split_task(
    shared: Shared,
    level: int,
    index: Index,
    joined: tuple[Any, Any],
    from_parent: Sequence[Any] | None = None,
) -> Sequence[Any]:
    plan, program = shared
    told = None if from_parent is None else from_parent[plan.grid.slot(level, index)]
    box, boxes = _boxes(plan.grid, level, index)
    return program.split(box, boxes, plan.grid.shape, joined[1], told)


def _finish_kept(
    shared: Shared,
    frame: int | None,
    index: Index,
    from_parent: Sequence[Any],
    leaf: tuple[Any, Any],
) -> NDArray[Any]:
    plan, program = shared
    told = from_parent[plan.grid.slot(0, index)]
    return plan.block(program.finish(plan.window(frame, index), leaf[1], told), frame)


def _finish_again(
    shared: Shared,
    frame: int | None,
    index: Index,
    from_parent: Sequence[Any],
    *inputs: NDArray[Any],
) -> NDArray[Any]:
    return _finish_kept(
        shared, frame, index, from_parent, _leaf_task(shared, frame, index, *inputs)
    )


def _boxes(grid: Grid, level: int, index: Index) -> tuple[Box, list[Box]]:
    children = grid.children(level, index)
    return grid.box(level, index), [grid.box(level - 1, child) for child in children]


def sweep_serially(
    pixels: NDArray[Any], grid: Grid, program: Program, halo: Index, dtype: Any
) -> NDArray[Any]:
    """Return what :func:`sweep` gives, by a plain loop in memory: the reference."""
    joined: dict[tuple[int, Index], tuple[Any, Any]] = {}
    told: dict[tuple[int, Index], Sequence[Any]] = {}
    windows = {}
    for index in grid.nodes(0):
        core = grid.box(0, index)
        window = Window(core, core.grow(halo, grid.shape), grid.shape, None)
        windows[index] = window
        joined[0, index] = program.leaf(pixels[window.outer.slices], window)
    for level in range(1, grid.top + 1):
        for index in grid.nodes(level):
            messages = [joined[level - 1, c][0] for c in grid.children(level, index)]
            joined[level, index] = program.join(*_boxes(grid, level, index), grid.shape, messages)
    for level in range(grid.top, 0, -1):
        for index in grid.nodes(level):
            above = told.get((level + 1, grid.parent(index)))
            mine = None if above is None else above[grid.slot(level, index)]
            kept = joined[level, index][1]
            told[level, index] = program.split(*_boxes(grid, level, index), grid.shape, kept, mine)
    result = np.empty(grid.shape, dtype)
    for index, window in windows.items():
        message = told[1, grid.parent(index)][grid.slot(0, index)]
        result[window.core.slices] = program.finish(window, joined[0, index][1], message)
    return result
