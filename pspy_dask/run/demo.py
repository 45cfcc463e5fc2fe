"""A mosaic to try things on, made and segmented."""

from __future__ import annotations

from pathlib import Path

from distributed import Client

from pspy_dask.datasets import mosaic
from pspy_dask.io.ome_zarr import write_image
from pspy_dask.io.outputs import check_output, check_writable
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.run.bench import Bench
from pspy_dask.run.job import run_job
from pspy_dask.run.plan import Job, Results
from pspy_dask.run.progress import Watcher, count_tasks

RECIPE = SegmentationParameters(gaussian=2.0, min_size=20)


def demo_paths(folder: Path, *, overwrite: bool) -> tuple[Path, Path]:
    """Return where the mosaic and the results go; neither may exist unless overwritten."""
    image, out = folder / "mosaic.ome.zarr", folder / "results"
    if folder.exists():
        for path in (image, out):
            check_output(path, overwrite=overwrite)
    else:
        check_writable(next(p for p in folder.resolve().parents if p.exists()))
    return image, out


def run_demo(
    folder: Path, client: Client, watcher: Watcher, *, side: int, overwrite: bool, machine: str
) -> tuple[Path, Results]:
    """Write a mosaic of side x side pixels as OME-Zarr and segment it."""
    image, out = demo_paths(folder, overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    count_tasks(client)
    bench = Bench(client, watcher)
    bench.pyramid("make the mosaic", write_image(mosaic((side, side)), image, overwrite=overwrite))
    job = Job(image, out, RECIPE, overwrite=overwrite)
    return image, run_job(job, client, watcher, machine=machine)
