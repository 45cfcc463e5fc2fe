"""What planning costs: the graph of the recipe with watershed, without running it.

``python -m benchmarks.graph [chunks ...]``: an image of so many 2048 x 2048 chunks (default 1024
and 10000), gaussian 2, Otsu, watershed, clear_border, min_size 20. Built, ordered as dask's
schedulers order it, and submitted to a scheduler that has no workers.
"""

from __future__ import annotations

import pickle
import sys
import time
from math import isqrt
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

import pspy_dask as ps
from benchmarks.measure import machine
from pspy_dask.blocks.sources import ArraySource, lazy_array

_SIDE = 2048
RECIPE: dict[str, Any] = {"gaussian": 2.0, "min_size": 20, "watershed": True}


class Nothing:
    """A uint16 image of any size that holds no memory; the recipe would read it at random."""

    dtype = np.dtype(np.uint16)
    ndim = 2

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError


def image_of(chunks: int) -> Any:
    """Return a lazy image of a square number of chunks."""
    across = isqrt(chunks)
    shape = (across * _SIDE, across * _SIDE)
    return lazy_array(ArraySource(Nothing(shape), (None, None)), ((_SIDE,) * across,) * 2)


def plan(chunks: int, client: Client) -> dict[str, float]:
    """Return the seconds of each step, the tasks a chunk and the bytes that are sent."""
    from dask.order import order

    image = image_of(chunks)
    since = time.perf_counter()
    labels = ps.segment(image, **RECIPE).data
    built = time.perf_counter()
    graph = labels.__dask_optimize__(labels.__dask_graph__(), labels.__dask_keys__())
    tasks = dict(graph)
    optimized = time.perf_counter()
    order(tasks)
    ordered = time.perf_counter()
    future = client.compute(labels)
    while len(client.run_on_scheduler(count_tasks)) < len(tasks):
        time.sleep(0.05)
    submitted = time.perf_counter()
    future.cancel()
    return {
        "tasks": len(tasks) / chunks,
        "build": built - since,
        "optimize": optimized - built,
        "order": ordered - optimized,
        "submit": submitted - ordered,
        "bytes": len(pickle.dumps(labels.__dask_graph__())),
    }


def count_tasks(dask_scheduler: Any) -> range:
    return range(len(dask_scheduler.tasks))


def main(sizes: list[int]) -> None:
    """Print the table as Markdown."""
    print(f"graph of the recipe with watershed, {machine()}; submitting includes ordering\n")
    print("| chunks | tasks a chunk | build | optimize | order | submit | graph |")
    print("|---|---|---|---|---|---|---|")
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        for chunks in (4, *sizes):
            found = plan(chunks, client)
            if chunks == 4:  # the first one imports
                continue
            steps = (f"{found[k]:.2f} s" for k in ("build", "optimize", "order", "submit"))
            print(
                f"| {chunks} | {found['tasks']:.2f} | {' | '.join(steps)} "
                f"| {found['bytes'] / 2**20:.2f} MiB |",
                flush=True,
            )


if __name__ == "__main__":
    main([int(a) for a in sys.argv[1:]] or [1024, 10_000])
