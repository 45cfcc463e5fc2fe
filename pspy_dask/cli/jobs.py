"""A job as a command has it done: from its options to what it tells in the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pspy_dask.cli.options import channel_of, recipe
from pspy_dask.cli.telling import bench, tell, working

if TYPE_CHECKING:
    from pspy_dask.run.classes import ClassStep


def console_of(options: dict[str, Any]) -> Console:
    """Return where the command speaks."""
    return Console(quiet=options["quiet"], highlight=False)


def do_job(
    image: str,
    results: Path,
    options: dict[str, Any],
    console: Console,
    *,
    name: str,
    classes: ClassStep | None = None,
) -> None:
    """Check the job before a cluster is started, do it, and tell what came of it."""
    from pspy_dask.run.job import run_job
    from pspy_dask.run.plan import Job, check

    job = Job(
        source=image,
        out=results,
        parameters=recipe(options),
        classes=classes,
        name=name,
        channel=channel_of(options["channel"]),
        level=options["level"],
        axes=options["axes"],
        chunks="auto" if options["chunks"] is None else options["chunks"],
        dtype=options.get("label_type"),
        copy_image=options["copy_image"],
        tiff=options["tiff"],
        overwrite=options["overwrite"],
    )
    checked = check(job)
    if classes is not None:
        classes.assign(checked)  # lazy: it refuses what it cannot take
    with bench(options, console) as (client, watcher, machine), working(options["verbose"]):
        done = run_job(job, client, watcher, machine=machine)
    tell(console, done)
