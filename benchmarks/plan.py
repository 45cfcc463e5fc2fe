"""What planning costs: the graph of the recipe with watershed, without running it.

An image of so many 2048 x 2048 chunks, gaussian 2, Otsu, watershed, clear_border, min_size 20:
built, ordered as dask's schedulers order it, and submitted to a scheduler that has no workers. The
largest plans are built only; what their scheduler would need follows from what a task needed there.
"""

from __future__ import annotations

import pickle
import time
from typing import Any

import psutil
from dask.order import order
from distributed import Client, LocalCluster

import pspy_dask as ps
from benchmarks.blank import image_of, optimized
from benchmarks.scaling import RECIPE

_LARGEST_SUBMITTED = 10_000


def measured(sizes: list[int]) -> list[dict[str, Any]]:
    """Return a row for each number of chunks."""
    with (
        LocalCluster(
            n_workers=0, processes=False, dashboard_address=None, protocol="inproc://"
        ) as cluster,
        Client(cluster) as client,
    ):
        _plan(4, client)  # the first one imports
        rows = [_plan(chunks, client) for chunks in sizes]
    submitted = [r for r in rows if r["scheduler"] is not None]
    known = [r["scheduler"] / (r["tasks"] * r["chunks"]) for r in submitted]
    for row in rows:
        row["simulated"] = row["scheduler"] is None and bool(known)
        if row["simulated"]:
            row["scheduler"] = known[-1] * row["tasks"] * row["chunks"]
    return rows


def _plan(chunks: int, client: Client) -> dict[str, Any]:
    """Return seconds of each step, tasks a chunk, and bytes of the graph and the scheduler."""
    image = image_of(chunks)
    since = time.perf_counter()
    labels = ps.segment(image, **RECIPE).data
    built = time.perf_counter()
    pickled = len(pickle.dumps(labels.__dask_graph__()))
    sent = time.perf_counter()
    tasks = optimized(labels)
    planned = time.perf_counter()
    row: dict[str, Any] = {
        "chunks": chunks,
        "tasks": len(tasks) / chunks,
        "build": built - since,
        "optimize": planned - sent,
        "bytes": pickled,
    }
    if chunks > _LARGEST_SUBMITTED:
        return {**row, "order": None, "submit": None, "scheduler": None}
    order(tasks)
    ordered = time.perf_counter()
    before = psutil.Process().memory_info().rss
    future = client.compute(labels)
    while len(client.run_on_scheduler(_tasks)) < len(tasks):
        time.sleep(0.05)
    submitted = time.perf_counter()
    grown = psutil.Process().memory_info().rss - before
    future.cancel()
    return {
        **row,
        "order": ordered - planned,
        "submit": submitted - ordered,
        "scheduler": grown,
    }


def _tasks(dask_scheduler: Any) -> range:
    return range(len(dask_scheduler.tasks))
