"""The recipe and its table against scikit-image in memory and dask-image, one thread each.

``python -m benchmarks.speed [side]``: gaussian 2, Otsu, labels, clear_border, min_size 20, table,
on a mosaic of side x side pixels (default 8192), each on one core. Ours and dask-image read
OME-Zarr, as ``pspy-dask demo`` writes it; scikit-image starts with the image in memory. Every run
is a process of its own, warmed up by a run before, so that peaks are its own.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.measure import ONE_THREAD, in_process, machine, spread

RUNS = 5
SIGMA, LEAST = 2.0, 20


def ours(path: str) -> Callable[[], int]:
    """Return the recipe from Zarr, labels and table computed in one graph, nothing kept."""
    import dask

    import pspy_dask as ps

    def work() -> int:
        image = ps.open_image(path)
        labels = ps.segment(image, gaussian=SIGMA, min_size=LEAST)
        with dask.config.set(scheduler="synchronous"):
            return len(ps.region_properties(labels, image).compute())

    return work


def scikit_image(path: str) -> Callable[[], int]:
    """Return the same steps in memory."""
    import numpy as np
    import zarr
    from skimage import filters, measure, morphology, segmentation

    image = np.asarray(zarr.open_group(path, mode="r")["0"][:])
    wanted = ("label", "area", "bbox", "centroid", "equivalent_diameter_area")
    wanted += ("intensity_mean", "intensity_min", "intensity_max", "intensity_std")

    def work() -> int:
        smooth = filters.gaussian(image.astype(np.float32), SIGMA, preserve_range=True)
        labels = measure.label(smooth > filters.threshold_otsu(smooth))
        labels = segmentation.clear_border(labels)
        labels = morphology.remove_small_objects(labels, max_size=LEAST - 1)
        labels = segmentation.relabel_sequential(labels)[0]
        return len(measure.regionprops_table(labels, image, properties=wanted)["label"])

    return work


def dask_image(path: str) -> Callable[[], int]:
    """Return the steps that dask-image has: gaussian, Otsu, labels.

    Without border, size and table: its region sums read the whole image once an object. The mask
    is kept in memory for it: ``label`` would compute what is before it once for every seam.
    """
    import dask
    import dask.array as da
    import numpy as np
    from dask_image import ndfilters, ndmeasure
    from skimage.filters import threshold_otsu

    def work() -> int:
        image = da.from_zarr(path, component="0", chunks=(2048, 2048))
        smooth = ndfilters.gaussian_filter(image.astype(np.float32), SIGMA, mode="nearest")
        with dask.config.set(scheduler="synchronous"):
            low, high = dask.compute(smooth.min(), smooth.max())
            counts, edges = da.histogram(smooth, 256, range=(float(low), float(high)))
            centers = (edges[1:] + edges[:-1]) / 2
            level = threshold_otsu(hist=(counts.compute(), np.asarray(centers)))
            labels, count = ndmeasure.label((smooth > level).persist(), np.ones((3, 3)))
            found, _ = dask.compute(count, labels.max())
        return int(found)

    return work


CANDIDATES = {"pspy_dask": ours, "scikit-image": scikit_image, "dask-image, no table": dask_image}


def on_one_core() -> None:
    """Keep this process on one core, whatever threads a library starts."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def timed(work: Callable[[], int]) -> None:
    """Time work after a warm-up; print seconds, peak memory and number of objects."""
    on_one_core()
    work()
    since = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - since
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "objects": found}))


def write_mosaic(path: str, side: int) -> None:
    """Write the mosaic of the demo as OME-Zarr."""
    from pspy_dask.datasets import mosaic
    from pspy_dask.io.ome_zarr import write_image

    write = write_image(mosaic((side, side)), path)
    for step in write.steps():
        step.compute()
    write.finish()


def main(side: int) -> None:
    """Print the comparison as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "mosaic.ome.zarr")
        write_mosaic(path, side)
        environment = {**os.environ, **ONE_THREAD}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in CANDIDATES}
        for _ in range(RUNS):  # interleaved: one run of each a turn
            for name, results in found.items():
                out = in_process("benchmarks.speed", "--one", name, path, environment=environment)
                results.append(json.loads(out.splitlines()[-1]))
    print(f"{side} x {side} uint16, one thread each, {machine()}\n")
    print("| | seconds, median (range) | MPix/s | ratio | peak memory | objects |")
    print("|---|---|---|---|---|---|")
    base = median(result["seconds"] for result in found["pspy_dask"])
    for name, results in found.items():
        seconds = [result["seconds"] for result in results]
        print(
            f"| {name} | {spread(seconds)} | {side * side / median(seconds) / 1e6:.1f} "
            f"| {median(seconds) / base:.2f} | {max(r['peak'] for r in results) / 2**20:.0f} MiB "
            f"| {results[0]['objects']} |"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        timed(CANDIDATES[sys.argv[2]](sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 8192)
