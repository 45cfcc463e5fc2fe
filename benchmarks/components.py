"""Connected components of a mask in chunks, beside other ways to them; one core each."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask_image import ndmeasure
from skimage import measure

import pspy_dask as ps
from benchmarks import planes
from benchmarks.blank import tasks_a_chunk
from benchmarks.measure import interleaved, memory_of, span

_CHUNK = 2048


def measured(side: int, *, runs: int) -> list[dict[str, Any]]:
    """Return a row for each way: seconds of one core, and the number of components."""
    (mask,) = planes.masks(planes.micrograph(side))
    lazy = da.from_array(mask, chunks=_CHUNK)
    ways: dict[str, Callable[[], Any]] = {
        "pspy_dask": lambda: _largest(ps.label(lazy).data),
        "scikit-image in memory": lambda: measure.label(mask).max(),
        "dask-image": lambda: _largest(ndmeasure.label(lazy, np.ones((3, 3)))[0]),
    }
    if importlib.util.find_spec("tilewise_ccl"):
        ways["tilewise-ccl"] = lambda: _tilewise(lazy)
    else:
        print("tilewise-ccl is left out: install it to take part", flush=True)
    seconds = interleaved(ways, runs=runs, clock=time.process_time)
    base = median(seconds["pspy_dask"])
    tasks = {
        "pspy_dask": tasks_a_chunk(ps.label(lazy).data),
        "dask-image": tasks_a_chunk(ndmeasure.label(lazy, np.ones((3, 3)))[0]),
    }
    return [
        {
            "who": who,
            "seconds": span(s),
            "ratio": median(s) / base,
            "components": int(ways[who]()),
            "memory": memory_of(ways[who]),
            "tasks": tasks.get(who),
        }
        for who, s in seconds.items()
    ]


def _largest(labels: Any) -> int:
    with dask.config.set(scheduler="synchronous"):
        return int(labels.max().compute())


def _tilewise(mask: Any) -> int:
    from tilewise_ccl import label_array

    tile = (_CHUNK, _CHUNK)
    return _largest(label_array(mask, tile, backend="dask", max_threads=1))
