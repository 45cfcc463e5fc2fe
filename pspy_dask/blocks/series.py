"""Series: what the chunks of a frame and of the frames before tell, carried on frame by frame.

Every chunk of every frame is made a small value at once, for dask may make frames in any order, and
pixels that wait for other frames would pile up. From these values of a frame and of a few frames
before it comes a partial result; those of a frame merge in a tree; then a chain takes frame after
frame and makes one partition of a table of each. What the chain hands on does not grow with them.
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

from pspy_dask.blocks.grid import Index
from pspy_dask.blocks.merging import merge_partials, merge_tree
from pspy_dask.blocks.windows import Graph, Key, Pass, dask_inputs, plan_pass


class SeriesProgram(Protocol):
    """What is followed through the frames; partial results and states are values that pickle."""

    @property
    def before(self) -> int:
        """How many frames before its own a chunk looks at."""
        ...

    def code(self, pixels: NDArray[Any]) -> Any:
        """Return all that partial results take of a chunk, as a small value."""
        ...

    def partial(self, codes: Sequence[Any]) -> Any:
        """Return the partial result of a chunk in a frame and those before, the latest first."""
        ...

    def merge(self, a: Any, b: Any) -> Any:
        """Return the partial result of two sets of chunks; associative and commutative."""
        ...

    def advance(self, state: Any, partial: Any, frame: int) -> tuple[Any, pd.DataFrame]:
        """Return the state after a frame and the table of it; the first state is None."""
        ...

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        ...


def follow_series(array: da.Array, program: SeriesProgram) -> dd.DataFrame:
    """Return the lazy table of a series whose first axis is time, one partition a frame."""
    plan = plan_pass(array, halo=(0,) * (array.ndim - 1), frames=True)
    token = tokenize(array.name, program)
    name, root = f"series-{token}", f"plan-series-{token}"
    tasks: Graph = {root: plan.root(root, (plan, program))}
    keys: list[Key] = []
    last: list[TaskRef] = []
    for frame in range(array.shape[0]):
        seen = tuple(range(frame, max(-1, frame - program.before - 1), -1))
        whole = _frame(tasks, plan, root, token, seen)
        state: Key = (f"state-{token}", frame)
        tasks[state] = Task(state, _advance_task, TaskRef(root), frame, TaskRef(whole), *last)
        last = [TaskRef(state)]
        key: Key = (name, frame)
        tasks[key] = Task(key, _table_of, TaskRef(state))
        keys.append(key)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=dask_inputs([array]))
    partitions = [Delayed(key, graph, layer=name) for key in keys]
    table: dd.DataFrame = dd.from_delayed(partitions, meta=program.empty(), verify_meta=False)
    return table


def _frame(tasks: Graph, plan: Pass, root: str, token: str, seen: Index) -> Key:
    """Add the tasks of the chunks of a frame and of their tree, and return the key of its end."""
    frame = seen[0]
    keys: list[Key] = []
    for index in plan.grid.nodes(0):
        code: Key = (f"code-{token}", frame, *index)
        tasks[code] = Task(
            code, _code_task, TaskRef(root), frame, index, *plan.inputs(frame, index)
        )
        key: Key = (f"partial-{token}", frame, *index)
        codes = [TaskRef((f"code-{token}", at, *index)) for at in seen]
        tasks[key] = Task(key, _partial_task, TaskRef(root), *codes)
        keys.append(key)
    if len(keys) == 1:
        return keys[0]
    last = merge_tree(tasks, token, (frame,), keys, merge_partials, TaskRef(root))
    end: Key = (f"merged-{token}", frame)  # before the chain, which takes frame after frame
    tasks[end] = Task(end, merge_partials, TaskRef(root), *last)
    return end


Shared = tuple[Pass, SeriesProgram]


def _code_task(shared: Shared, frame: int, index: Index, *inputs: NDArray[Any]) -> Any:
    plan, program = shared
    return program.code(plan.read(plan.window(frame, index), inputs)[0])


def _partial_task(shared: Shared, *codes: Any) -> Any:
    return shared[1].partial(codes)


def _advance_task(
    shared: Shared, frame: int, partial: Any, before: tuple[Any, pd.DataFrame] | None = None
) -> tuple[Any, pd.DataFrame]:
    return shared[1].advance(before[0] if before else None, partial, frame)


def _table_of(made: tuple[Any, pd.DataFrame]) -> pd.DataFrame:
    return made[1]
