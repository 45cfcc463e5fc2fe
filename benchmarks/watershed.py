"""The recipe with watershed against scikit-image in memory; the flood alone; workers and threads.

``python -m benchmarks.watershed [side]``: gaussian 2, Otsu, watershed, clear_border, min_size 20 on
a mosaic of side x side pixels (default 8192), read from OME-Zarr and the labels written to Zarr.
Every timed run of a recipe is a process of its own on one core, warmed up by a run before.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numba import njit

from benchmarks.measure import ONE_THREAD, in_process, interleaved, machine, spread
from benchmarks.speed import RUNS, on_one_core, timed, write_mosaic
from pspy_dask.kernels.parting import grow
from pspy_dask.kernels.rasters import neighbours

SIGMA, LEAST, SEPARATION = 2.0, 20, 5


def ours(path: str) -> Callable[[], int]:
    """Return the recipe from Zarr to Zarr in one graph."""
    import dask

    def work() -> int:
        writing = labels_of(path)
        with dask.config.set(scheduler="synchronous"):
            writing.step(0).compute()
        return finish(writing)

    return work


def labels_of(path: str) -> Any:
    """Begin to write the labels of the mosaic."""
    import pspy_dask as ps
    from pspy_dask.io.ome_zarr import write_labels

    labels = ps.segment(ps.open_image(path), gaussian=SIGMA, min_size=LEAST, watershed=True)
    return write_labels(labels, path, name=f"labels-{os.getpid()}")


def finish(writing: Any) -> int:
    """Return the number of objects; remove what was written."""
    count = int(writing.array(0)[:].max())
    writing.discard()
    return count


def scikit_image(path: str) -> Callable[[], int]:
    """Return the same steps in memory, with the image read from Zarr and the labels written."""
    import zarr
    from skimage import morphology, segmentation

    def work() -> int:
        mask, distance, markers = steps(zarr.open_group(path, mode="r")["0"][:])
        labels = segmentation.watershed(-distance, markers, mask=mask)
        labels = segmentation.clear_border(labels)
        labels = morphology.remove_small_objects(labels, max_size=LEAST - 1)
        labels = segmentation.relabel_sequential(labels)[0].astype(np.int32)
        with tempfile.TemporaryDirectory() as folder:
            sizes = {"chunks": (512, 512), "shards": (2048, 2048)}
            kwargs = {"shape": labels.shape, "dtype": labels.dtype, **sizes}
            zarr.create_array(folder + "/labels.zarr", **kwargs)[:] = labels
        return int(labels.max())

    return work


def steps(image: Any) -> tuple[Any, Any, Any]:
    """Return foreground, distances and markers by SciPy and scikit-image."""
    from scipy.ndimage import distance_transform_edt
    from skimage import feature, filters, measure

    smooth = filters.gaussian(image.astype(np.float32), SIGMA, preserve_range=True)
    mask = smooth > filters.threshold_otsu(smooth)
    distance = distance_transform_edt(mask)
    footprint = np.ones((SEPARATION, SEPARATION))
    peaks = feature.peak_local_max(
        distance, footprint=footprint, labels=measure.label(mask), exclude_border=False
    )
    marked = np.zeros(mask.shape, bool)
    marked[tuple(peaks.T)] = True
    return mask, distance, measure.label(marked)


def agreement(path: str) -> dict[str, float]:
    """Compare the partitions of the same foreground, all objects kept."""
    import zarr
    from skimage import segmentation
    from sklearn.metrics import adjusted_rand_score

    import pspy_dask as ps

    mask, distance, markers = steps(zarr.open_group(path, mode="r")["0"][:])
    theirs = segmentation.watershed(-distance, markers, mask=mask)[mask]
    labels = ps.watershed(mask, separation=SEPARATION)
    ours = labels.data.compute(scheduler="synchronous")[mask]
    both = theirs > 0
    return {
        "ours": int(ours.max()),
        "theirs": int(theirs.max()),
        "rand": float(adjusted_rand_score(ours[both], theirs[both])),
        "left out": int((~both).sum()),
    }


def flood_alone(path: str) -> dict[str, list[float]]:
    """Return the seconds of the flood, ours and scikit-image's, from the same markers.

    Ours floods component by component, as the recipe does; to copy each into its raster and the
    labels back counts too.
    """
    import zarr
    from scipy.ndimage import find_objects
    from skimage import measure, segmentation

    mask, distance, found = steps(zarr.open_group(path, mode="r")["0"][:4096, :4096])
    components, markers = measure.label(mask).astype(np.int32), found.astype(np.int32)
    squared = np.rint(distance**2).astype(np.int32)
    boxes = np.array([[y.start, y.stop, x.start, x.stop] for y, x in find_objects(components)])
    labels = np.zeros(mask.shape, np.int32)

    def mine() -> None:
        flood_each(components, squared, markers, boxes, labels)

    def theirs() -> None:
        segmentation.watershed(-distance, markers, mask=mask)

    return interleaved({"pspy_dask": mine, "scikit-image": theirs}, runs=RUNS)


@njit(nogil=True)
def flood_each(components: Any, squared: Any, markers: Any, boxes: Any, labels: Any) -> None:
    sides = boxes[:, 1::2] - boxes[:, ::2] + 2
    room = np.zeros((5, (sides[:, 0] * sides[:, 1]).max()), np.int32)
    heads, tails = np.full(1024, -1, np.int32), np.full(1024, -1, np.int32)
    for c in range(len(boxes)):
        top, bottom, left, right = boxes[c]
        height, width = bottom - top, right - left
        pixels = (height + 2) * (width + 2)
        inside, depth, label, rank, queue = room[:, :pixels]
        inside[:] = 0
        label[:] = 0
        for y in range(height):
            for x in range(width):
                at = (y + 1) * (width + 2) + x + 1
                if components[top + y, left + x] == c + 1:
                    inside[at] = 1
                    depth[at] = squared[top + y, left + x]
                    label[at] = markers[top + y, left + x]
        faces, around = neighbours(1, height, width)
        heads, tails = grow(inside, pixels, faces, around, depth, label, rank, queue, heads, tails)
        for y in range(height):
            for x in range(width):
                at = (y + 1) * (width + 2) + x + 1
                if inside[at]:
                    labels[top + y, left + x] = label[at]


def scaling(path: str) -> dict[str, list[float]]:
    """Return the seconds of the recipe on one worker, on two, and on one with two threads.

    Every thread has a core to itself: one worker of one thread, whatever threads its libraries
    start, has one core, two have two.
    """
    import dask
    from distributed import Client, LocalCluster

    from pspy_dask.run.cluster import allocation

    shapes = {"1 worker": (1, 1), "2 workers": (2, 1), "1 worker of 2 threads": (1, 2)}
    with ExitStack() as inside:
        inside.enter_context(dask.config.set(allocation(2**31)))  # as workers of 2 GiB are started
        clients = {}
        for name, (workers, threads) in shapes.items():
            cluster = inside.enter_context(
                LocalCluster(
                    n_workers=workers, threads_per_worker=threads, dashboard_address="127.0.0.1:0"
                )
            )
            clients[name] = inside.enter_context(Client(cluster, set_as_default=False))
            pin(clients[name], threads)

        def run_on(client: Client) -> Callable[[], None]:
            def work() -> None:
                writing = labels_of(path)
                client.compute(writing.step(0).sum()).result()
                writing.discard()

            return work

        return interleaved({name: run_on(c) for name, c in clients.items()}, runs=RUNS)


def pin(client: Any, threads: int) -> None:
    """Keep each worker of one thread, or each thread of one worker, on a core of its own."""
    cores = sorted(os.sched_getaffinity(0))
    addresses = list(client.scheduler_info(n_workers=-1)["workers"])
    if threads == 1:
        for address, core in zip(addresses, cores, strict=False):
            client.run(pin_process, core, workers=[address])
    else:
        client.run(pin_threads, cores[:threads])


def pin_process(core: int) -> None:
    """Keep all threads of this process on a core, those to come too."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def pin_threads(cores: list[int], dask_worker: Any) -> None:
    """Keep each thread that does tasks on a core of its own."""
    executor = dask_worker.executors["default"]
    together = threading.Barrier(len(cores))

    def take(core: int) -> None:
        together.wait()  # so that every thread takes one
        os.sched_setaffinity(0, {core})

    for done in [executor.submit(take, core) for core in cores]:
        done.result()


CANDIDATES = {"pspy_dask": ours, "scikit-image": scikit_image}


def compare(path: str, side: int, environment: dict[str, str]) -> None:
    """Print the recipe beside scikit-image."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CANDIDATES}
    for _ in range(RUNS):
        for name, results in found.items():
            out = in_process("benchmarks.watershed", "--one", name, path, environment=environment)
            results.append(json.loads(out.splitlines()[-1]))
    print(
        "| Zarr to Zarr, one thread | seconds, median (range) | MPix/s | ratio | peak | objects |"
    )
    print("|---|---|---|---|---|---|")
    base = median(r["seconds"] for r in found["pspy_dask"])
    for name, results in found.items():
        seconds = [r["seconds"] for r in results]
        print(
            f"| {name} | {spread(seconds)} | {side * side / median(seconds) / 1e6:.1f} "
            f"| {median(seconds) / base:.2f} | {max(r['peak'] for r in results) / 2**20:.0f} MiB "
            f"| {results[0]['objects']} |",
            flush=True,
        )


def table(title: str, found: dict[str, list[float]], base: str, *, speed_up: bool) -> None:
    """Print seconds and ratios to one of the rows."""
    print(f"\n| {title} | seconds, median (range) | ratio |\n|---|---|---|")
    for name, seconds in found.items():
        ratio = median(seconds) / median(found[base])
        print(
            f"| {name} | {spread(seconds)} | {1 / ratio if speed_up else ratio:.2f} |", flush=True
        )


def main(side: int) -> None:
    """Print all comparisons as Markdown."""
    environment = {**os.environ, **ONE_THREAD}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "mosaic.ome.zarr")
        write_mosaic(path, side)
        print(f"{side} x {side} uint16, {machine()}, {time.strftime('%Y-%m-%d')}\n")
        compare(path, side, environment)
        out = in_process("benchmarks.watershed", "--agreement", path, environment=environment)
        print(f"\nThe partition of all the foreground beside scikit-image's: {out.strip()}")
        out = in_process("benchmarks.watershed", "--flood", path, environment=environment)
        flood = json.loads(out.splitlines()[-1])
        table("flood of 4096 x 4096, one thread", flood, "pspy_dask", speed_up=False)
        table("recipe on a cluster", scaling(path), "1 worker", speed_up=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        timed(CANDIDATES[sys.argv[2]](sys.argv[3]))
    elif sys.argv[1:2] == ["--flood"]:
        on_one_core()
        print(json.dumps(flood_alone(sys.argv[2])))
    elif sys.argv[1:2] == ["--agreement"]:
        print(json.dumps(agreement(sys.argv[2])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 8192)
