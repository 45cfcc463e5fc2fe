"""Boxes of an image, wherever they lie: one task for each, which gets its window in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask._task_spec import Task, TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.windows import Graph, Pass, Window, dask_inputs, plan_pass, share


class Part(NamedTuple):
    """A box of a frame, and what is to be known of it."""

    frame: int | None
    box: Box
    what: Any


BoxFunction = Callable[[NDArray[Any], Window, Any], Any]


def map_boxes(
    array: da.Array,
    function: BoxFunction,
    parts: Sequence[Part],
    *,
    halo: Index,
    frames: bool = False,
) -> da.Array:
    """Return ``function(pixels, window, what)`` of every part, one task a part.

    A task reads its box with the halo around it and nothing else, or is given the chunks that
    these meet. The result is a lazy array of objects, ``(parts,)``; there is at least one part.
    """
    plan = plan_pass(array, halo=halo, frames=frames)
    name = f"boxes-{tokenize(array.name, function, halo, *parts)}"
    root = f"plan-{name}"
    windows = [_window(plan, part) for part in parts]
    # It waits for a chunk that is needed, or others would all be made before it; see `Pass.root`.
    first = plan.inputs_of(windows[0])[:1]
    tasks: Graph = {root: Task(root, share, (plan, function), *first)}
    for number, (part, window) in enumerate(zip(parts, windows, strict=True)):
        key = (name, number)
        inputs = plan.inputs_of(window)
        tasks[key] = Task(key, _box_task, TaskRef(root), window, part.what, *inputs)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=dask_inputs([array]))
    return da.Array(graph, name, chunks=((1,) * len(parts),), dtype=object)


def _window(plan: Pass, part: Part) -> Window:
    shape = plan.grid.shape
    return Window(part.box, part.box.grow(plan.halo, shape), shape, part.frame)


def _box_task(
    shared: tuple[Pass, BoxFunction], window: Window, what: Any, *inputs: NDArray[Any]
) -> NDArray[Any]:
    plan, function = shared
    (pixels,) = plan.read(window, inputs)
    result = np.empty(1, object)
    result[0] = function(pixels, window, what)
    return result
