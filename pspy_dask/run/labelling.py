"""The stage of a job that labels particles."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import xarray as xr

from pspy_dask.blocks.images import like
from pspy_dask.blocks.sources import ArraySource, lazy_array
from pspy_dask.io.local_zarr import local
from pspy_dask.io.ome_zarr import write_labels
from pspy_dask.io.pyramid_write import PyramidWrite
from pspy_dask.parameters import GLOBAL_METHODS
from pspy_dask.run.bench import Bench
from pspy_dask.run.classes import ClassStep, IsClass
from pspy_dask.run.plan import Job
from pspy_dask.run.summary import Flooding
from pspy_dask.segmentation.labels import flooding, labels_of
from pspy_dask.segmentation.recipe import global_values, segment_with


class Found(NamedTuple):
    """Levels of a global threshold; what is in doubt after a watershed."""

    thresholds: list[float]
    flooding: Flooding | None


def label_particles(
    job: Job, image: xr.DataArray, classes: xr.DataArray | None, home: Path, bench: Bench
) -> tuple[xr.DataArray, Found, PyramidWrite]:
    """Store the labels and their pyramid, still unlisted; return them and what was found.

    The foreground is what the recipe says, or one of the classes where the job has some.
    """
    if job.classes is None or classes is None:
        thresholds, lazy = _by_threshold(job, image, bench)
    else:
        thresholds, lazy = [], _by_class(job, job.classes, classes)
    writing = write_labels(lazy, home, name=job.name, overwrite=job.overwrite)
    try:
        beyond = flooding(lazy) if job.parameters.watershed else {}
        doubts = [variable.data for variable in beyond.values()]
        measured = bench.levels("label particles", writing, [0], beside=doubts)
        in_doubt = Flooding.of(lazy.attrs["watershed_budget"], *measured) if measured else None
        if in_doubt is not None:
            writing.group.attrs["pspy_dask"] = asdict(in_doubt)
        if len(writing.levels) > 1:
            bench.levels("write pyramid", writing, range(1, len(writing.levels)))
    except BaseException:
        writing.discard()
        raise
    return stored_labels(writing, image, "labels"), Found(thresholds, in_doubt), writing


def stored_labels(writing: PyramidWrite, image: xr.DataArray, name: str) -> xr.DataArray:
    """Return what was stored, read at random on the chunks of its image."""
    stored = writing.array(0)
    data = lazy_array(ArraySource(local(stored), (None,) * stored.ndim), image.data.chunks)
    return like(image, data, name)


def _by_threshold(job: Job, image: xr.DataArray, bench: Bench) -> tuple[list[float], xr.DataArray]:
    values = global_values(image, job.parameters)

    def find() -> tuple[da.Array, ...]:
        kept: tuple[da.Array, ...] = tuple(bench.client.persist(list(values)))
        numbers.extend(
            np.asarray(v).ravel() for v in bench.client.gather(bench.client.compute(list(kept)))
        )
        return kept

    numbers: list[Any] = []
    if values:
        values = bench.stage("find threshold", image, "partial", find)
    lazy = segment_with(image, job.parameters, values, dtype=job.dtype)
    is_global = job.parameters.threshold in GLOBAL_METHODS
    return [float(v) for v in numbers[0]] if is_global else [], lazy


def _by_class(job: Job, classes: ClassStep, numbers: xr.DataArray) -> xr.DataArray:
    assert classes.particles is not None
    function = IsClass(classes.particles)
    return labels_of(numbers, function, 0, job.parameters, job.dtype, ())
