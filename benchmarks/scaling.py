"""How the cost of the recipe grows: with the side of the image, and with workers and threads.

Every worker, and every thread of a worker, has a core to itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from math import log
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

import pspy_dask as ps
from benchmarks.measure import pin_threads, seconds_of, span
from benchmarks.recipes import written_mosaic
from pspy_dask.blocks.merging import total
from pspy_dask.io.ome_zarr import write_labels
from pspy_dask.run.cluster import allocation

RECIPE: dict[str, Any] = {"gaussian": 2.0, "min_size": 20, "watershed": True}
SHAPES = {"1 worker": (1, 1), "2 workers": (2, 1), "1 worker of 2 threads": (1, 2)}
_MEMORY = 2**31
_SMALL = 4096  # of the mosaic that workers warm up on
_WARM_UPS = 4  # two workers share out the work anew each time


def measured(sides: list[int], *, runs: int) -> list[dict[str, Any]]:
    """Return a row for each side and shape of cluster: seconds, and the speed-up over one.

    Clusters take turns, each by itself: the processes of one that waits take their share of the
    cores too.
    """
    rows = []
    for side in sides:
        found: dict[str, list[float]] = {name: [] for name in SHAPES}
        with written_mosaic(side) as path, written_mosaic(_SMALL) as small:
            for _, name in product(range(runs), SHAPES):
                with cluster(*SHAPES[name]) as client:
                    for _ in range(_WARM_UPS):
                        recipe_on(client, small)()
                    found[name].append(seconds_of(recipe_on(client, path)))
        base = median(found["1 worker"])
        rows += [
            {
                "side": side,
                "who": name,
                "seconds": span(s),
                "speed_up": base / median(s),
            }
            for name, s in found.items()
        ]
    return rows


def exponent(rows: list[dict[str, Any]], who: str) -> float | None:
    """Return p of the fit seconds ~ pixels^p; None where there is one side alone."""
    mine = [(2 * log(r["side"]), log(r["seconds"][0])) for r in rows if r["who"] == who]
    if len(mine) < 2:
        return None
    pixels, seconds = zip(*mine, strict=True)
    return float(np.polyfit(pixels, seconds, 1)[0])


@contextmanager
def cluster(workers: int, threads: int) -> Iterator[Client]:
    """Give a client of a cluster of so many workers, of so many threads each."""
    with (
        allocation(_MEMORY),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            memory_limit=_MEMORY,
            dashboard_address="127.0.0.1:0",
        ) as local,
        Client(local, set_as_default=False) as client,
    ):
        pin(client, threads)
        yield client


def recipe_on(client: Client, path: str) -> Callable[[], None]:
    """Return the recipe with watershed from OME-Zarr to Zarr."""

    def work() -> None:
        labels = ps.segment(ps.open_image(path), **RECIPE)
        writing = write_labels(labels, path, name=f"labels-{os.getpid()}")
        try:
            client.compute(total(writing.step(0))).result()
        finally:
            writing.discard()

    return work


def pin(client: Client, threads: int) -> None:
    """Keep each worker of one thread, or each thread of one worker, on a core of its own."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    addresses = list(client.scheduler_info(n_workers=-1)["workers"])
    if threads == 1:
        for address, core in zip(addresses, cores, strict=False):
            client.run(_pin_process, core, workers=[address])
    else:
        client.run(_pin_worker, threads)


def _pin_process(core: int) -> None:
    """Keep all threads of this process on a core, and by them those to come."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def _pin_worker(threads: int, dask_worker: Any) -> None:
    pin_threads(dask_worker.executors["default"], threads)
