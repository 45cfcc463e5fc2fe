"""Whole tables: what depends on some columns of all rows, brought back to the partitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask._task_spec import List, Task, TaskRef
from dask.base import tokenize
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from pspy_dask.blocks.windows import Graph, Key

WholeColumn = Callable[[pd.DataFrame], NDArray[Any]]
WholeTable = Callable[[pd.DataFrame], pd.DataFrame]
PutColumn = Callable[[pd.DataFrame, NDArray[Any]], pd.DataFrame]


def spread_column(
    table: dd.DataFrame, needs: Sequence[str], function: WholeColumn, put: PutColumn
) -> dd.DataFrame:
    """Return the lazy table with what ``put(partition, values)`` adds to each of its partitions.

    ``function`` makes a value for each row of the table from the columns needed, which alone meet
    in one task; two tasks a partition.
    """
    token = tokenize(table, needs, function, put)
    tasks, parts, whole = _gather(table, needs, _Apart(function), token)
    keys: list[Key] = []
    for k, part in enumerate(parts):
        key: Key = (f"spread-{token}", k)
        tasks[key] = Task(key, _put, put, TaskRef(part.key), TaskRef(whole), k)
        keys.append(key)
    return _table(tasks, parts, keys, put(table._meta, np.zeros(0, np.int64)))


def reduce_rows(
    table: dd.DataFrame, needs: Sequence[str], function: WholeTable, meta: pd.DataFrame
) -> dd.DataFrame:
    """Return the lazy table of one partition that ``function`` makes of the columns needed."""
    token = tokenize(table, needs, function)
    tasks, parts, whole = _gather(table, needs, _Together(function), token)
    return _table(tasks, parts, [whole], meta)


def _gather(
    table: dd.DataFrame, needs: Sequence[str], function: Any, token: str
) -> tuple[Graph, list[Delayed], Key]:
    tasks: Graph = {}
    parts = list(table.to_delayed())
    some = []
    for k, part in enumerate(parts):
        key: Key = (f"take-{token}", k)
        tasks[key] = Task(key, _take, TaskRef(part.key), list(needs))
        some.append(TaskRef(key))
    whole: Key = (f"whole-{token}", 0)
    tasks[whole] = Task(whole, function, List(*some))
    return tasks, parts, whole


def _table(
    tasks: Graph, parts: Sequence[Delayed], keys: Sequence[Key], meta: pd.DataFrame
) -> dd.DataFrame:
    name = str(keys[0][0])
    needed: list[Any] = list(parts[:1])  # all partitions share one graph
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=needed)
    made = [Delayed(key, graph, layer=name) for key in keys]
    result: dd.DataFrame = dd.from_delayed(made, meta=meta, verify_meta=False)
    return result


class _Together:
    """Applies a function to the rows of all partitions at once."""

    def __init__(self, function: Callable[[pd.DataFrame], Any]) -> None:
        self.function = function

    def __call__(self, parts: Sequence[pd.DataFrame]) -> Any:
        return self.function(pd.concat(parts, ignore_index=True))


class _Apart(_Together):
    """Parts its values by partition again."""

    def __call__(self, parts: Sequence[pd.DataFrame]) -> list[NDArray[Any]]:
        values = super().__call__(parts)
        return np.split(values, np.cumsum([len(part) for part in parts])[:-1])


def _take(part: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    return part[names]


def _put(
    put: PutColumn, part: pd.DataFrame, values: Sequence[NDArray[Any]], k: int
) -> pd.DataFrame:
    return put(part, values[k])
