"""The watershed on one small worker: memory on mosaics of any side, and on hostile masks.

``python -m benchmarks.watershed_memory [side ...]``: gaussian 2, Otsu, watershed, clear_border,
min_size 20 from OME-Zarr to Zarr in 2048 x 2048 chunks (default 8192 and 32768), on a worker of
one thread and 1 GiB that has run a small image before; then rings, a spiral and specks of density
0.40 over 8192 x 8192 on a worker of 2 GiB; then the bytes that chunks exchange.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import sections
from benchmarks.command import parser_of
from benchmarks.measure import found_by
from benchmarks.memory import Resident, address_in, joined, make, started

SIDES = (8192, 32768)
_CHUNK = 2048
_WARM_UP = 512
_HOSTILE_SIDE = 8192


class Mask:
    """A mask whose pixels are computed when they are read."""

    dtype = np.dtype(np.bool_)
    ndim = 2

    def __init__(self, name: str, side: int) -> None:
        self.name, self.shape = name, (side, side)

    def __getitem__(self, index: tuple[slice, slice]) -> Any:
        rows, columns = (np.arange(s.start, s.stop) for s in index)
        if self.name == "specks":
            lines = [np.random.default_rng(y).random(self.shape[1], np.float32) for y in rows]
            return np.array(lines)[:, index[1]] < 0.40
        y, x = (a - self.shape[0] / 2 + 0.5 for a in np.meshgrid(rows, columns, indexing="ij"))
        if self.name == "rings":
            return np.hypot(y, x) % 16 < 9
        return (np.hypot(y, x) / 16 + np.arctan2(y, x) / (2 * np.pi)) % 1 < 0.5


@contextmanager
def worker(limit: str) -> Any:
    """Give a client of one worker of one thread in a process of its own, and its process."""
    from distributed import Client

    from benchmarks.memory import count_workers

    with tempfile.TemporaryDirectory() as scratch, ExitStack() as inside:
        file = Path(scratch) / "scheduler.json"
        options = ("--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        inside.enter_context(started("dask_scheduler", *options, "--host", "127.0.0.1"))
        client = inside.enter_context(Client(address_in(file)))
        count_workers(client)
        options = ("--nthreads", "1", "--memory-limit", limit, "--local-directory", scratch)
        inside.enter_context(
            started("dask_worker", client.scheduler.address, "--no-dashboard", *options)
        )
        client.wait_for_workers(1, timeout=60)
        (pid,) = client.run(os.getpid).values()
        yield client, pid


def measured(client: Any, pid: int, labels: Any, warm: Any) -> dict[str, Any]:
    """Return what it takes to label, after a small image has been labelled."""
    import pspy_dask as ps

    client.compute(warm.data.max()).result()
    since = time.perf_counter()
    largest = labels.data.map_blocks(_block_max, dtype=np.int64, chunks=(1, 1))
    doubts = [v.data for v in ps.flooding(labels).values()]
    with Resident(pid) as memory:
        found, giants, share = client.gather(client.compute([largest, *doubts]))
    return {
        "seconds": time.perf_counter() - since,
        "objects": int(found.max()),
        "start": memory.start,
        "peak": memory.peak,
        "giants": int(giants),
        "disagreement": float(share),
        "restarts": client.run_on_scheduler(joined) - 1,
    }


def _block_max(block: Any) -> Any:
    return np.full((1, 1), block.max(), np.int64)


def run_mosaic(side: int, folder: str) -> None:
    """Label the mosaic in a folder; print what was measured."""
    import pspy_dask as ps

    recipe = {"gaussian": 2.0, "min_size": 20, "watershed": True}
    with worker("1GiB") as (client, pid):
        images = (ps.open_image(Path(folder) / f"{n}.ome.zarr") for n in (side, _WARM_UP))
        labels, warm = (ps.segment(image, **recipe) for image in images)
        print(json.dumps(measured(client, pid, labels, warm)))


def run_mask(name: str, side: int) -> None:
    """Part a hostile mask; print what was measured."""
    import pspy_dask as ps
    from pspy_dask.blocks.sources import ArraySource, lazy_array

    def labels(side: int, chunk: int) -> Any:
        chunks = ((chunk,) * (side // chunk),) * 2
        return ps.watershed(
            lazy_array(ArraySource(Mask(name, side), (None, None)), chunks), min_size=20
        )

    with worker("2GiB") as (client, pid):
        print(json.dumps(measured(client, pid, labels(side, _CHUNK), labels(_WARM_UP, 256))))


def run_exchange(path: str) -> None:
    """Count the bytes that travel up and down the tree; print those of a chunk."""
    import dask
    from dask.callbacks import Callback

    import pspy_dask as ps

    travelling = {"joined": 0, "told": 0}

    def count(key: Any, result: Any, *others: Any) -> None:
        kind = str(key[0]).partition("-")[0]
        if kind in travelling:
            message = result[0] if kind == "joined" else result
            travelling[kind] += len(pickle.dumps(message, protocol=5))

    labels = ps.segment(ps.open_image(path), gaussian=2.0, min_size=20, watershed=True)
    with Callback(posttask=count), dask.config.set(scheduler="synchronous"):
        labels.data.map_blocks(_block_max, dtype=np.int64, chunks=(1, 1)).compute()
    chunks = labels.data.npartitions
    print(json.dumps({kind: size / chunks for kind, size in travelling.items()}))


def run_one(what: str, *given: str) -> None:
    """Measure what the command asks of a process of its own."""
    if what == "mosaic":
        run_mosaic(int(given[0]), given[1])
    elif what == "mask":
        run_mask(given[0], int(given[1]))
    else:
        run_exchange(given[0])


def ask(*arguments: str) -> dict[str, Any]:
    """Return what this module prints in a process of its own."""
    return found_by("benchmarks.watershed_memory", "--one", *arguments)


def figures(sides: Sequence[int]) -> dict[str, Any]:
    """Return a row for each side and hostile mask, and the bytes that a chunk exchanges."""
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for side in (_WARM_UP, *sides):
            make(side, Path(folder) / f"{side}.ome.zarr")
        for side in sides:
            rows.append({"image": "mosaic", "side": side, "limit": "1 GiB"})
            rows[-1] |= ask("mosaic", str(side), folder)
        exchange = ask("exchange", str(Path(folder) / f"{sides[0]}.ome.zarr"))
    for name in ("rings", "spiral", "specks"):
        rows.append({"image": name, "side": _HOSTILE_SIDE, "limit": "2 GiB"})
        rows[-1] |= ask("mask", name, str(_HOSTILE_SIDE))
    return {"rows": rows, "exchange": exchange, "exchange_side": sides[0]}


if __name__ == "__main__":
    parser = parser_of("benchmarks.watershed_memory", __doc__, processes=True)
    parser.add_argument("sides", nargs="*", type=int, default=SIDES, help="of the mosaics")
    given = parser.parse_args()
    if given.one:
        run_one(*given.one)
    else:
        sys.stdout.write(sections.memory(figures(given.sides)))
