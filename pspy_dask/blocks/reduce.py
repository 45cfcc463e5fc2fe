"""Reductions of an image to a few numbers: partial results of windows, merged in a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple, Protocol

import dask.array as da
import numpy as np
from dask._task_spec import Task, TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Index
from pspy_dask.blocks.merging import merge_partials, merge_tree
from pspy_dask.blocks.windows import Graph, Key, Pass, dask_inputs, lead, plan_pass

_STRIP = 4


PartialFunction = Callable[..., Any]


class Reducer(Protocol):
    """What is summed up: a partial result of a window, how two merge, what comes of the last.

    ``merge`` is associative and commutative to the last bit, so that the order in which the
    tasks end makes no difference.
    """

    @property
    def partial(self) -> PartialFunction:
        """``partial(pixels, window, *values)`` of a window; only the chunk's own pixels count."""
        ...

    def merge(self, a: Any, b: Any) -> Any:
        """Return the partial result of two sets of windows."""
        ...

    def finish(self, partial: Any) -> NDArray[Any]:
        """Return the numbers (one axis) that the partial result of all windows stands for."""
        ...


def reduce_windows(
    array: da.Array,
    reducer: Reducer,
    *,
    halo: Index,
    length: int,
    dtype: Any,
    frames: bool = False,
    per_frame: bool = True,
    values: Sequence[da.Array] = (),
) -> da.Array:
    """Return ``length`` numbers for the image, or for each of its frames, as a lazy array.

    Its shape is ``(length,)``, or ``(t, length)`` for a series reduced frame by frame. Where
    windows are read at random a task takes a strip of up to four, one after the other, so that a
    pass over a large image costs a quarter of a task a chunk.
    """
    plan = plan_pass(array, halo=halo, frames=frames, values=values)
    name = f"reduce-{tokenize(array.name, reducer, halo, per_frame, [v.name for v in values])}"
    root = f"plan-{name}"
    tasks: Graph = {root: plan.root(root, (plan, reducer))}
    ends: dict[int | None, list[Key]] = {}
    for frame, key in _partial_tasks(tasks, root, name, plan):
        ends.setdefault(frame if per_frame else None, []).append(key)
    for frame, keys in ends.items():
        _join(tasks, root, name, frame, keys)
    by_frame = frames and per_frame
    chunks = ((1,) * array.shape[0], (length,)) if by_frame else ((length,),)
    return _graph_of(name, tasks, [array], values, chunks, dtype)


class ImageToReduce(NamedTuple):
    """One of several images that are reduced together, as `reduce_windows` takes it.

    Reducers may differ in what ``partial`` does, such as in what they know of their image.
    """

    array: da.Array
    reducer: Reducer
    halo: Index
    frames: bool


def reduce_images(parts: Sequence[ImageToReduce], *, length: int, dtype: Any) -> da.Array:
    """Return ``length`` numbers for all images together, as a lazy array of shape ``(length,)``.

    Partial results of all windows of all frames of all images are merged as those of one image.
    """
    name = f"reduce-{tokenize([(part.array.name, *part[1:]) for part in parts])}"
    tasks: Graph = {}
    keys: list[Key] = []
    for number, part in enumerate(parts):
        plan = plan_pass(part.array, halo=part.halo, frames=part.frames)
        root = f"plan-{number}-{name}"
        tasks[root] = plan.root(root, (plan, part.reducer))
        keys += [key for _, key in _partial_tasks(tasks, root, f"{number}-{name}", plan)]
    _join(tasks, f"plan-0-{name}", name, None, keys)
    return _graph_of(name, tasks, [part.array for part in parts], (), ((length,),), dtype)


def _partial_tasks(
    tasks: Graph, root: str, name: str, plan: Pass
) -> Iterator[tuple[int | None, Key]]:
    """Add the tasks of all strips of windows, and yield the frame and the key of each."""
    for frame in plan.all_frames:
        for number, strip in enumerate(_strips(plan)):
            key = (f"partial-{name}", *lead(frame), number)
            inputs = [ref for index in strip for ref in plan.inputs(frame, index)]
            tasks[key] = Task(key, _partial_task, TaskRef(root), frame, strip, *inputs)
            yield frame, key


def _join(tasks: Graph, root: str, name: str, frame: int | None, keys: list[Key]) -> None:
    """Add the tasks that merge partial results, the last of which finishes."""
    last = merge_tree(tasks, name, lead(frame), keys, merge_partials, TaskRef(root))
    key = (name, *lead(frame), 0)
    tasks[key] = Task(key, _finish_task, TaskRef(root), frame is not None, *last)


def _graph_of(
    name: str,
    tasks: Graph,
    arrays: Sequence[da.Array],
    values: Sequence[da.Array],
    chunks: tuple[tuple[int, ...], ...],
    dtype: Any,
) -> da.Array:
    needed: list[Any] = [*dask_inputs(arrays), *values]
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=needed)
    return da.Array(graph, name, chunks=chunks, dtype=dtype)


def _strips(plan: Pass) -> list[tuple[Index, ...]]:
    indices = list(plan.grid.nodes(0))
    width = 1 if plan.source is None else min(_STRIP, max(1, len(indices) // 32))
    return [tuple(indices[i : i + width]) for i in range(0, len(indices), width)]


def _partial_task(
    shared: tuple[Pass, Reducer],
    frame: int | None,
    strip: tuple[Index, ...],
    *inputs: NDArray[Any],
) -> Any:
    plan, reducer = shared
    share_of_one = len(inputs) // len(strip)  # strips of several windows have no chunks as inputs
    partials = []
    for index in strip:
        window = plan.window(frame, index)
        pixels, *values = plan.read(window, inputs[:share_of_one])
        partials.append(reducer.partial(pixels, window, *values))
    return reduce(reducer.merge, partials)


def _finish_task(shared: tuple[Pass, Reducer], framed: bool, *partials: Any) -> NDArray[Any]:
    numbers = np.asarray(shared[1].finish(merge_partials(shared, *partials)))
    return numbers[None] if framed else numbers
