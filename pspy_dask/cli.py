"""The command ``pspy-dask``."""

from __future__ import annotations

import logging
import shlex
import shutil
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape

from pspy_dask.parameters import METHODS, SegmentationParameters
from pspy_dask.run.interrupts import INTERRUPTED, SENTENCE, interrupted_once

F = TypeVar("F", bound=Callable[..., Any])

BAD_INPUT, FAILED = 2, 1

_LABEL_TYPES = [f"{sign}int{bits}" for sign in ("u", "") for bits in (8, 16, 32, 64)]

_EPILOG = (
    """Exit codes: 0 done, 1 failed while working, 2 refused before any work, 130 interrupted."""
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pspy-dask")
def main() -> None:
    """Segment huge micrographs into labelled particles.

    The image may be far larger than memory; the result is the same, bit for bit, whatever the
    chunking. Start with "pspy-dask demo", then "pspy-dask segment IMAGE RESULTS".
    """


def cluster_options(command: F) -> F:
    """Add the options that say where the work is done."""
    options = [
        click.option("--scheduler", metavar="ADDRESS", help="Use a Dask cluster that is running."),
        click.option("--workers", type=int, help="Worker processes here.  [default: one a core]"),
        click.option("--memory", metavar="SIZE", help="Limit of each worker, such as 2GiB."),
        click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
        click.option("-v", "--verbose", is_flag=True, help="Show logs and tracebacks."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def source_options(command: F) -> F:
    """Add the options that say which pixels of a file are meant."""
    options = [
        click.option("--channel", help="Channel of an image that has several: number or name."),
        click.option("--level", type=int, default=0, show_default=True, help="Resolution level."),
        click.option("--axes", metavar="NAMES", help="Axes where IMAGE does not say, such as zyx."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@main.command(epilog=_EPILOG)
@click.argument("image")
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--threshold",
    type=click.Choice(METHODS),
    metavar="METHOD",
    help=f"One of {', '.join(METHODS)}.  [default: otsu]",
)
@click.option("--gaussian", type=float, metavar="SIGMA", help="Smooth first; sigma in pixels.")
@click.option("--rolling-ball", type=int, metavar="PIXELS", help="Remove background first.")
@click.option("--local-size", type=int, metavar="PIXELS", help="Neighbourhood, odd.  [default: 51]")
@click.option("--invert/--no-invert", default=None, help="Particles are darker than background.")
@click.option("--min-size", type=int, metavar="PIXELS", help="Drop smaller objects.")
@click.option("--clear-border/--keep-border", default=None, help="Drop objects cut by the edge.")
@click.option("--watershed/--no-watershed", default=None, help="Part particles that touch.")
@click.option(
    "--watershed-separation",
    type=int,
    metavar="PIXELS",
    help="Least distance of their centres.  [default: a disk of min-size pixels, or 20]",
)
@click.option(
    "--watershed-erosion", type=int, metavar="PIXELS", help="Erode before looking for centres."
)
@click.option(
    "--watershed-budget",
    type=int,
    metavar="PIXELS",
    help="Flood larger components window by window.  [default: by memory]",
)
@click.option("--watershed-exact/--watershed-windows", default=None, help="Refuse them instead.")
@click.option(
    "--threshold-over",
    type=click.Choice(["frame", "series"]),
    help="A threshold for each frame, or one for the series.  [default: frame]",
)
@click.option(
    "--parameters",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML or JSON file with the above; options given here win.",
)
@source_options
@click.option("--chunks", type=int, metavar="PIXELS", help="Side of a chunk.  [default: as stored]")
@click.option("--name", default="particles", show_default=True, help="Name of the labels.")
@click.option(
    "--label-type",
    type=click.Choice(_LABEL_TYPES),
    metavar="TYPE",
    help="uint8 ... int64.  [default: int32]",
)
@click.option("--copy-image", is_flag=True, help="Leave an OME-Zarr IMAGE untouched; copy it.")
@click.option("--tiff", is_flag=True, help="Write the labels as TIFF too.")
@click.option("--overwrite", is_flag=True, help="Replace earlier results.")
@cluster_options
def segment(image: str, results: Path, **options: Any) -> None:
    """Segment IMAGE into particles; write labels, tables and a report to the folder RESULTS.

    IMAGE is an OME-Zarr, Zarr or (Big)TIFF image, a microscope's file (dm3, dm4, emd, ser, mrc,
    hspy, ...), or a folder or quoted pattern of TIFF frames. Labels of an OME-Zarr image go into
    its labels/ folder, where viewers find them; other images are copied to OME-Zarr first.

    \b
    pspy-dask segment mosaic.ome.zarr results --gaussian 2 --min-size 20
    pspy-dask segment "HAADF.dm4" results --threshold local_otsu --local-size 31
    pspy-dask segment "frames/*.tif" results --threshold li --threshold-over series
    """  # noqa: D301  # click keeps the lines after a real backspace as they are
    console = Console(quiet=options["quiet"], highlight=False)
    with reported(options["verbose"]):
        from pspy_dask.run.job import Job, run_job

        job = Job(
            source=image,
            out=results,
            parameters=recipe(options),
            name=options["name"],
            channel=channel_of(options["channel"]),
            level=options["level"],
            axes=options["axes"],
            chunks="auto" if options["chunks"] is None else options["chunks"],
            dtype=options["label_type"],
            copy_image=options["copy_image"],
            tiff=options["tiff"],
            overwrite=options["overwrite"],
        )
        check_job(job)
        with bench(options, console) as (client, watcher, machine), working(options["verbose"]):
            done = run_job(job, client, watcher, machine=machine)
        tell(console, done)


@main.command(epilog=_EPILOG)
@click.argument("folder", type=click.Path(path_type=Path), default="pspy-demo")
@click.option("--side", type=click.IntRange(64), default=8192, show_default=True, help="Pixels.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier demo.")
@cluster_options
def demo(folder: Path, side: int, overwrite: bool, **options: Any) -> None:
    """Make a mosaic of nanoparticles, segment it, and say where everything is.

    FOLDER is pspy-demo unless given.
    """
    console = Console(quiet=options["quiet"], highlight=False)
    with reported(options["verbose"]):
        from pspy_dask.run.demo import RECIPE, demo_paths, run_demo

        demo_paths(folder, overwrite=overwrite)
        with bench(options, console) as (client, watcher, machine), working(options["verbose"]):
            image, done = run_demo(
                folder, client, watcher, side=side, overwrite=overwrite, machine=machine
            )
        tell(console, done)
        console.print(f"  [bold]{'image':<14}[/] {escape(str(image.absolute()))}", soft_wrap=True)
        changed = ["--gaussian", f"{RECIPE.gaussian:g}", "--min-size", f"{RECIPE.min_size}"]
        local = ["--name", "local", "--threshold", "sauvola", "--local-size", "101"]
        console.print("\nTry next:", style="bold")
        for line in (
            f"open {done.outputs['report']} in a browser",
            shlex.join([called(), "segment", str(image), str(folder / "local"), *local, *changed]),
            shlex.join([called(), "segment", "--help"]),
        ):
            console.print(f"  {escape(line)}", soft_wrap=True)


@main.command()
@click.argument("image")
@source_options
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
def info(image: str, channel: str | None, level: int, axes: str | None, verbose: bool) -> None:
    """Show what IMAGE holds: axes, size, type, calibration, chunks."""
    console = Console(highlight=False)
    with reported(verbose):
        from pspy_dask.run.describe import describe_image

        known = describe_image(image, channel=channel_of(channel), level=level, axes=axes)
        for what, value in known:
            console.print(f"[bold]{what:<12}[/] {escape(value)}", soft_wrap=True)


def called() -> str:
    """Return this command as it can be typed again: by its path where no PATH leads to it."""
    path = sys.argv[0]
    found = shutil.which(Path(path).name)
    return Path(path).name if found and Path(found).samefile(path) else path


def recipe(options: dict[str, Any]) -> SegmentationParameters:
    """Return the parameters of a file, where one is given, changed by the options given."""
    names = [f.name for f in fields(SegmentationParameters)]
    given = {name: options[name] for name in names if options.get(name) is not None}
    path = options["parameters"]
    start = SegmentationParameters.load(path) if path else SegmentationParameters()
    return replace(start, **given)


def channel_of(text: str | None) -> int | str | None:
    """Return a channel as a number where it is one."""
    is_number = text is not None and text.isascii() and text.removeprefix("-").isdigit()
    return int(text) if text is not None and is_number else text


@contextmanager
def bench(options: dict[str, Any], console: Console) -> Iterator[tuple[Any, Any, str]]:
    """Give a client, a watcher that shows progress, and the machine in words."""
    from pspy_dask.run.cluster import describe, open_cluster
    from pspy_dask.run.progress import LiveProgress

    place = {name: options[name] for name in ("scheduler", "workers", "memory")}
    with (
        interrupted_once(),
        open_cluster(**place) as client,
        LiveProgress(console) as watcher,
    ):
        yield client, watcher, describe(client)


def check_job(job: Any) -> None:
    """Refuse what can be refused before a cluster is started."""
    from pspy_dask.run.job import check

    check(job)


def tell(console: Console, done: Any) -> None:
    """Say what was found and where the results are."""
    seconds = sum(done.seconds.values())
    speed = done.pixels / seconds / 1e6
    console.print(
        f"\n[bold green]{done.objects:,} particles[/] in {seconds:.1f} s ({speed:.1f} MPix/s)"
    )
    for what, path in done.outputs.items():
        console.print(f"  [bold]{what:<14}[/] {escape(str(path))}", soft_wrap=True)
    for note in done.notes:
        console.print(f"\n[yellow]Note:[/] {escape(note)}", soft_wrap=True)


@contextmanager
def reported(verbose: bool) -> Iterator[None]:
    """Turn errors into one sentence and the exit code of what was refused before any work."""
    for name in ("distributed", "asyncio"):
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.CRITICAL)
    with _told(verbose, BAD_INPUT):
        yield


@contextmanager
def working(verbose: bool) -> Iterator[None]:
    """Turn errors into one sentence and the exit code of what failed while working.

    Warnings of tasks are told at the end, as notes of the results.
    """
    with warnings.catch_warnings(), _told(verbose, FAILED):
        warnings.filterwarnings("default" if verbose else "ignore")
        yield


@contextmanager
def _told(verbose: bool, code: int) -> Iterator[None]:
    try:
        yield
    except click.ClickException:
        raise  # told already
    except KeyboardInterrupt:
        raise Failure(SENTENCE, INTERRUPTED) from None
    except Exception as error:
        if verbose:
            traceback.print_exc()
        if isinstance(error, ValueError | TypeError | OSError | OverflowError):
            raise Failure(_sentence(error), code) from None
        text = f"{type(error).__name__}: {_sentence(error)} (--verbose shows where)"
        raise Failure(text, FAILED) from None


def _sentence(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror  # without the number
        if error.filename is not None:
            text = f"{error.filename}: {text.lower()}: check the path and your rights to it"
    return " ".join(text.split())


class Failure(click.ClickException):
    """An error told in one sentence, with its own exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.exit_code = code  # type: ignore[misc]  # click declares it for the class
