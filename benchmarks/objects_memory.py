"""Properties of 10^5 and 10^6 objects on one small worker: memory must not grow with objects.

``python -m benchmarks.objects_memory [objects ...]``: all that a shape has, of discs on a lattice
of 32 x 32 pixels each, made where they are read, in chunks of 2032 a side, from labels to Parquet
(default 10^5 and 10^6 discs), on a worker of one thread and 2 GiB that has measured a few before.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import parser_of
from benchmarks.measure import found_by, machine
from benchmarks.memory import Resident, joined
from benchmarks.objects import SHAPES
from benchmarks.watershed_memory import worker

OBJECTS = (100_000, 1_000_000)
_CELL = 32
_CHUNK = 2032  # half a disc less than 2048, so that seams cut discs
_WARM_UP = 100
_LIMIT = "2GiB"


class Discs:
    """Labels of discs on a lattice whose pixels are computed when they are read."""

    dtype = np.dtype(np.int32)
    ndim = 2

    def __init__(self, across: int) -> None:
        self.across, self.shape = across, (across * _CELL,) * 2

    def __getitem__(self, index: tuple[slice, slice]) -> Any:
        y, x = (np.arange(s.start, s.stop) for s in index)
        row, column = (y // _CELL)[:, None], x // _CELL
        dy, dx = (a % _CELL - (_CELL - 1) / 2 for a in (y, x))
        inside = dy[:, None] ** 2 + dx**2 <= (0.4 * _CELL) ** 2
        return np.where(inside, row * self.across + column + 1, 0).astype(np.int32)


def labels(objects: int) -> Any:
    """Return lazy labels of about as many discs."""
    from pspy_dask.blocks.sources import ArraySource, lazy_array

    discs = Discs(round(objects**0.5))
    side = discs.shape[0]
    whole, rest = divmod(side, _CHUNK)
    chunks = (*(_CHUNK,) * whole, *((rest,) if rest else ()))
    return lazy_array(ArraySource(discs, (None, None)), (chunks, chunks))


def write_table(objects: int, path: Path) -> None:
    """Write the table of the discs; each is one connected object, as in labels made here."""
    import pspy_dask as ps
    from pspy_dask.io.tables import write_parquet

    write_parquet(ps.region_properties(labels(objects), properties=SHAPES, connected=True), path)


def run_one(objects: int) -> None:
    """Measure the properties of so many discs; print what was found."""
    with worker(_LIMIT) as (client, pid), tempfile.TemporaryDirectory() as folder:
        write_table(_WARM_UP, Path(folder) / "few.parquet")
        since = time.perf_counter()
        with Resident(pid) as memory:
            write_table(objects, Path(folder) / "many.parquet")
        found = {
            "objects": round(objects**0.5) ** 2,
            "side": labels(objects).shape[0],
            "seconds": time.perf_counter() - since,
            "start": memory.start,
            "peak": memory.peak,
            "table": _bytes_of(Path(folder) / "many.parquet"),
            "restarts": client.run_on_scheduler(joined) - 1,
        }
    print(json.dumps(found))


def _bytes_of(path: Path) -> int:
    """Return what a table takes in memory; in the file equal discs share their values."""
    import pyarrow.parquet as pq

    stored = pq.read_metadata(path)
    return int(stored.num_rows * stored.num_columns * 8)


def main(counts: list[int]) -> None:
    """Measure all and print a table as Markdown."""
    print(f"one worker of one thread and {_LIMIT}, {machine()}\n")
    print(
        "| objects | side | seconds | worker before | peak above it | table in memory | restarts |"
    )
    print("|" + "---|" * 7, flush=True)
    for objects in counts:
        one = found_by("benchmarks.objects_memory", "--one", str(objects))
        print(
            f"| {one['objects']} | {one['side']} | {one['seconds']:.0f} "
            f"| {one['start'] / 2**20:.0f} MiB | {(one['peak'] - one['start']) / 2**20:.0f} MiB "
            f"| {one['table'] / 2**20:.0f} MiB | {one['restarts']} |",
            flush=True,
        )


if __name__ == "__main__":
    parser = parser_of("benchmarks.objects_memory", __doc__, processes=True)
    parser.add_argument("objects", nargs="*", type=int, default=OBJECTS, help="how many discs")
    given = parser.parse_args()
    if given.one:
        run_one(int(given.one[0]))
    else:
        main(list(given.objects))
