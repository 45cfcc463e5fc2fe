"""The whole job: an image in; labels, tables and a report out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from distributed import Client
from numpy.typing import DTypeLike

from pspy_dask.blocks.chunking import ChunksLike
from pspy_dask.blocks.images import like
from pspy_dask.blocks.sources import ArraySource, lazy_array
from pspy_dask.io.labels import write_label_tiff
from pspy_dask.io.ome_zarr import check_label_name, check_labels_free, write_image, write_labels
from pspy_dask.io.outputs import (
    check_output,
    explain_full_disk,
    partial_name,
    remove,
    replace_folder,
)
from pspy_dask.io.pyramid_write import PyramidWrite
from pspy_dask.io.sources import is_ome_zarr, open_image
from pspy_dask.io.tables import convert_to_csv, read_table, write_parquet
from pspy_dask.parameters import GLOBAL_METHODS, SegmentationParameters
from pspy_dask.particles.properties import region_properties, table_form
from pspy_dask.run.bench import Bench, finished
from pspy_dask.run.progress import Watcher, count_tasks
from pspy_dask.run.replacing import check_replaceable
from pspy_dask.run.report import COLUMNS, ReportData, write_report
from pspy_dask.run.summary import Flooding
from pspy_dask.segmentation.checks import check_recipe, label_type
from pspy_dask.segmentation.labels import flooding
from pspy_dask.segmentation.recipe import global_values, segment_with

_IMAGE, _PARQUET, _CSV, _TIFF, _REPORT = _RESULTS = (
    "image.ome.zarr",
    "particles.parquet",
    "particles.csv",
    "labels.tif",
    "report.html",
)


@dataclass(frozen=True)
class Job:
    """What to do.

    Attributes
    ----------
    source
        Anything :func:`pspy_dask.open_image` opens.
    out
        Folder for the results; it must not exist unless ``overwrite``.
    parameters
        The recipe.
    name
        Name of the labels in the OME-Zarr image.
    channel, level, chunks, axes
        As in :func:`pspy_dask.open_image`.
    dtype
        Integer type of the labels; None lets the size of the image choose.
    copy_image
        Leave an OME-Zarr source as it is; labels go into a copy of it in ``out``.
    tiff
        Write the labels as TIFF too.
    overwrite
        Replace results of an earlier job; a folder that holds anything else is refused.
    """

    source: Any
    out: Path
    parameters: SegmentationParameters = field(default_factory=SegmentationParameters)
    name: str = "particles"
    channel: int | str | None = None
    level: int = 0
    chunks: ChunksLike = "auto"
    axes: str | None = None
    dtype: DTypeLike | None = None
    copy_image: bool = False
    tiff: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Results:
    """Where the results are and how many objects there are.

    Attributes
    ----------
    outputs
        What was written, and where.
    objects
        Number of objects.
    pixels
        Number of pixels of the image.
    seconds
        Time that each stage took.
    notes
        What a user should know before trusting the labels.
    """

    outputs: Mapping[str, Path]
    objects: int
    pixels: int
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()


def check(job: Job) -> xr.DataArray:
    """Return the image of a job; raise what can be known to be wrong before any work."""
    image = open_image(
        job.source, chunks=job.chunks, channel=job.channel, level=job.level, axes=job.axes
    )
    check_recipe(image, job.parameters)
    label_type(image.shape, job.dtype)
    check_label_name(job.name)
    out = Path(job.out).resolve()
    check_output(out, overwrite=job.overwrite)
    check_replaceable(out, job.source, image.attrs.get("source"), _RESULTS)
    if _into_source(job):
        check_labels_free(job.source, name=job.name, overwrite=job.overwrite)
    return image


def _into_source(job: Job) -> bool:
    return is_ome_zarr(job.source) and not job.copy_image


def run_job(job: Job, client: Client, watcher: Watcher, *, machine: str = "") -> Results:
    """Do the job; results are complete or absent.

    Every check that can be made before long work is made first. Labels go into ``labels/<name>``
    of an OME-Zarr source, where viewers look for them; any other image is copied to OME-Zarr in
    the output folder first, and its labels go there.
    """
    image = check(job)
    title = str(image.name or "image")  # a copy is named after its own folder
    out = Path(job.out).resolve()
    work = partial_name(out)
    remove(work)
    into_source = _into_source(job)
    count_tasks(client)
    bench = Bench(client, watcher)
    with explain_full_disk(str(out)), _complete_or_absent(work):
        home = Path(job.source).absolute() if into_source else work / _IMAGE
        if not into_source:
            bench.pyramid("copy the image", write_image(image, home))
            image = open_image(home, chunks=job.chunks)
        labels, found, writing = _label(job, image, home, bench)
        with finished(writing):
            table = _tables(job, image, labels, work, bench)
            if job.tiff:
                bench.stage("write label TIFF", labels, "", lambda: _tiff(labels, work))
            final = _outputs(job, home if into_source else out / _IMAGE, out)
            data = ReportData(
                title=title,
                source=str(job.source),
                image=image,
                labels=labels,
                table=table,
                parameters=job.parameters,
                thresholds=found.thresholds,
                flooding=found.flooding,
                timings=bench.seconds,
                machine=machine,
                outputs={what: str(path) for what, path in final.items()},
                version=version("pspy-dask"),
            )
            bench.stage("write report", labels, "", lambda: write_report(data, work / _REPORT))
        replace_folder(work, out)
    notes = [] if found.flooding is None else found.flooding.notes()
    return Results(final, len(table), image.size, bench.seconds, notes)


class _Found(NamedTuple):
    """Levels of a global threshold; what is in doubt after a watershed."""

    thresholds: list[float]
    flooding: Flooding | None


def _label(
    job: Job, image: xr.DataArray, home: Path, bench: Bench
) -> tuple[xr.DataArray, _Found, PyramidWrite]:
    """Store the labels and their pyramid, still unlisted; return them and what was found."""
    values = global_values(image, job.parameters)

    def threshold() -> tuple[da.Array, ...]:
        kept: tuple[da.Array, ...] = tuple(bench.client.persist(list(values)))
        numbers.extend(
            np.asarray(v).ravel() for v in bench.client.gather(bench.client.compute(list(kept)))
        )
        return kept

    numbers: list[Any] = []
    if values:
        values = bench.stage("find threshold", image, "partial", threshold)
    lazy = segment_with(image, job.parameters, values, dtype=job.dtype)
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
    stored = writing.array(0)
    data = lazy_array(ArraySource(stored, (None,) * stored.ndim), image.data.chunks)
    is_global = job.parameters.threshold in GLOBAL_METHODS
    thresholds = [float(v) for v in numbers[0]] if is_global else []
    return like(image, data, "labels"), _Found(thresholds, in_doubt), writing


def _tables(
    job: Job, image: xr.DataArray, labels: xr.DataArray, work: Path, bench: Bench
) -> pd.DataFrame:
    lazy = region_properties(labels, image, connected=True)
    units = table_form(labels, image.dtype).column_units

    def write() -> None:
        write_parquet(lazy, work / _PARQUET, units=units)
        convert_to_csv(work / _PARQUET, work / _CSV)

    bench.stage("measure particles", labels, "rows", write)
    return read_table(work / _PARQUET, columns=COLUMNS)


def _tiff(labels: xr.DataArray, work: Path) -> None:
    write_label_tiff(labels, work / _TIFF)


def _outputs(job: Job, home: Path, out: Path) -> dict[str, Path]:
    result = {
        "labels": home / "labels" / job.name,
        "table": out / _PARQUET,
        "table (CSV)": out / _CSV,
        "report": out / _REPORT,
    }
    return result | ({"labels (TIFF)": out / _TIFF} if job.tiff else {})


@contextmanager
def _complete_or_absent(work: Path) -> Iterator[None]:
    work.mkdir()
    try:
        yield
    except BaseException:
        remove(work)
        raise
