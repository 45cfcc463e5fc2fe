"""Reading and writing Zarr from one and two threads of a process, a core to each.

``python -m benchmarks.local_zarr [--runs RUNS]``: windows of a mosaic of 8192 x 8192 pixels as
tasks read them (2064 x 2064 pixels of chunks of 512 x 512), and labels as they write them (2048 x
2048), by zarr-python alone and by `pspy_dask.io.local_zarr`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import numpy as np
import zarr

import pspy_dask as ps
from benchmarks.command import parser_of
from benchmarks.measure import interleaved, machine, pin_threads
from benchmarks.recipes import written_mosaic
from pspy_dask.blocks.grid import Box
from pspy_dask.io.local_zarr import local
from pspy_dask.io.ome_zarr import write_labels

_SIDE, _CHUNK, _HALO = 8192, 2048, 8
Work = Callable[[Box], object]


def main(runs: int) -> None:
    """Measure all and print a table as Markdown."""
    print(f"{machine()}\n\n| a window | by | 1 thread, ms | 2 threads, ms | over 1 |")
    print("|---|---|---|---|---|")
    boxes = [
        Box((y, x), (y + _CHUNK, x + _CHUNK))
        for y in range(0, _SIDE, _CHUNK)
        for x in range(0, _SIDE, _CHUNK)
    ]
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        pools = {"1": one, "2": two}
        for threads, pool in pools.items():
            pin_threads(pool, int(threads))
        for what, who, work in _works():
            candidates = {n: _all_of(work, boxes, pool) for n, pool in pools.items()}
            found = interleaved(candidates, runs=runs)
            alone, together = (1000 * median(found[n]) / len(boxes) for n in pools)
            print(f"| {what} | {who} | {alone:.1f} | {together:.1f} | {alone / together:.2f}x |")


def _works() -> Iterator[tuple[str, str, Work]]:
    with written_mosaic(_SIDE) as path:
        labels = ps.segment(ps.open_image(path), gaussian=2.0, min_size=20)
        pixels = labels.values
        image, writing = zarr.open_array(f"{path}/0", mode="r"), write_labels(labels, path)
        for who, works_on in (("zarr-python", _as_it_is), ("here", local)):
            read, written = works_on(image), works_on(writing.array(0))
            yield "read", who, lambda box, a=read: a[box.grow((_HALO,) * 2, (_SIDE,) * 2).slices]
            yield "write", who, lambda box, a=written: _store(a, box, pixels)
        writing.discard()


def _as_it_is(array: zarr.Array) -> zarr.Array:
    return array


def _store(array: zarr.Array, box: Box, pixels: np.ndarray) -> None:
    array[box.slices] = pixels[box.slices]


def _all_of(work: Work, boxes: list[Box], pool: ThreadPoolExecutor) -> Callable[[], object]:
    return lambda: list(pool.map(work, boxes))


if __name__ == "__main__":
    parser = parser_of("benchmarks.local_zarr", __doc__)
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each (default 5)")
    main(parser.parse_args().runs)
