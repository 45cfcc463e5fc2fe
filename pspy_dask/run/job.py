"""The whole job: an image in; labels, tables and a report out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import xarray as xr
from distributed import Client

from pspy_dask.io.labels import write_label_tiff
from pspy_dask.io.ome_zarr import write_image
from pspy_dask.io.outputs import explain_full_disk, partial_name, remove, replace_folder
from pspy_dask.io.sources import open_image
from pspy_dask.io.tables import convert_to_csv, read_table, write_csv, write_parquet
from pspy_dask.particles.properties import region_properties, table_units
from pspy_dask.run.bench import Bench, finished
from pspy_dask.run.classes import class_table, store_classes, write_picture
from pspy_dask.run.labelling import label_particles, stored_labels
from pspy_dask.run.plan import (
    CLASSES,
    CSV,
    IMAGE,
    PARQUET,
    PICTURE,
    REPORT,
    TIFF,
    Job,
    Results,
    check,
    into_source,
    outputs_of,
)
from pspy_dask.run.progress import Watcher, count_tasks
from pspy_dask.run.report import COLUMNS, Classified, ReportData, write_report


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
    count_tasks(client)
    bench = Bench(client, watcher)
    with explain_full_disk(str(out)), _complete_or_absent(work), ExitStack() as writings:
        home, listed = work / IMAGE, out / IMAGE
        if into_source(job):
            home = listed = Path(job.source).absolute()
        else:
            bench.pyramid("copy the image", write_image(image, home))
            image = open_image(home, chunks=job.chunks)
        desk = _Desk(job, image, home, work, bench, writings, machine, title)
        final = outputs_of(job, listed, out)
        classes = desk.classes() if job.classes is not None else None
        notes: Sequence[str] = ()
        count = None
        if job.finds_particles:
            count, notes = desk.particles(classes, final)
        elif job.tiff and classes is not None:
            desk.tiff(classes.numbers)
        writings.close()
        replace_folder(work, out)
    return Results(final, count, image.size, bench.seconds, notes)


@dataclass(frozen=True)
class _Desk:
    """What the stages of a job share; what they write ends with the job."""

    job: Job
    image: xr.DataArray
    home: Path
    work: Path
    bench: Bench
    writings: ExitStack
    machine: str
    title: str

    def classes(self) -> Classified:
        """Tell pixels apart; return the stored classes, and what is told of them."""
        asked = self.job.classes
        assert asked is not None
        overwrite = self.job.overwrite
        counts, writing = store_classes(
            asked, self.image, self.home, self.bench, overwrite=overwrite
        )
        self.writings.enter_context(finished(writing))
        stored = stored_labels(writing, self.image, "classes")
        table, units = class_table(asked, counts, self.image)

        def show() -> None:
            write_csv(table, self.work / CLASSES, units=units)
            write_picture(self.image, stored, asked, self.work / PICTURE)

        self.bench.stage("draw picture", stored, "", show)
        return Classified(asked, stored, table)

    def particles(
        self, classes: Classified | None, outputs: Mapping[str, Path]
    ) -> tuple[int, Sequence[str]]:
        """Label and measure particles; return how many there are, and what is in doubt."""
        job = self.job
        numbers = None if classes is None else classes.numbers
        labels, found, writing = label_particles(job, self.image, numbers, self.home, self.bench)
        self.writings.enter_context(finished(writing))
        table = self._measured(labels)
        if job.tiff:
            self.tiff(labels)
        data = ReportData(
            title=self.title,
            source=str(job.source),
            image=self.image,
            labels=labels,
            table=table,
            parameters=job.parameters,
            classified=classes,
            thresholds=found.thresholds,
            flooding=found.flooding,
            timings=self.bench.seconds,
            machine=self.machine,
            outputs={what: str(path) for what, path in outputs.items()},
            version=version("pspy-dask"),
        )
        report = self.work / REPORT
        self.bench.stage("write report", labels, "", lambda: write_report(data, report))
        return len(table), [] if found.flooding is None else found.flooding.notes()

    def tiff(self, labels: xr.DataArray) -> None:
        """Write labels as TIFF."""
        target = self.work / TIFF
        self.bench.stage("write label TIFF", labels, "", lambda: write_label_tiff(labels, target))

    def _measured(self, labels: xr.DataArray) -> pd.DataFrame:
        lazy = region_properties(labels, self.image, connected=True)
        units = table_units(labels, self.image.dtype)

        def write() -> None:
            write_parquet(lazy, self.work / PARQUET, units=units)
            convert_to_csv(self.work / PARQUET, self.work / CSV)

        self.bench.stage("measure particles", labels, "rows", write)
        return read_table(self.work / PARQUET, columns=COLUMNS)


@contextmanager
def _complete_or_absent(work: Path) -> Iterator[None]:
    work.mkdir()
    try:
        yield
    except BaseException:
        remove(work)
        raise
