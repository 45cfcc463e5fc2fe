"""Commands that segment: ``segment``, ``demo``, ``info``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from pspy_dask.cli.jobs import console_of, do_job
from pspy_dask.cli.options import (
    LABEL_TYPES,
    channel_of,
    cluster_options,
    foreground_options,
    object_options,
    output_options,
    source_options,
)
from pspy_dask.cli.telling import EPILOG, bench, called, reported, tell, working


@click.command(epilog=EPILOG)
@click.argument("image")
@click.argument("results", type=click.Path(path_type=Path))
@foreground_options
@object_options
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
@click.option("--name", default="particles", show_default=True, help="Name of the labels.")
@click.option(
    "--label-type",
    type=click.Choice(LABEL_TYPES),
    metavar="TYPE",
    help="uint8 ... int64.  [default: int32]",
)
@output_options
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
    console = console_of(options)
    with reported(options["verbose"], console):
        do_job(image, results, options, console, name=options["name"])


@click.command(epilog=EPILOG)
@click.argument("folder", type=click.Path(path_type=Path), default="pspy-demo")
@click.option("--side", type=click.IntRange(64), default=8192, show_default=True, help="Pixels.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier demo.")
@cluster_options
def demo(folder: Path, side: int, overwrite: bool, **options: Any) -> None:
    """Make a mosaic of nanoparticles, segment it, and say where everything is.

    FOLDER is pspy-demo unless given.
    """
    console = Console(quiet=options["quiet"], highlight=False)
    with reported(options["verbose"], console):
        from pspy_dask.run.demo import RECIPE, demo_paths, run_demo

        demo_paths(folder, overwrite=overwrite)
        with bench(options, console) as (client, watcher, machine), working(options["verbose"]):
            image, done = run_demo(
                folder, client, watcher, side=side, overwrite=overwrite, machine=machine
            )
        tell(console, done)
        console.print(f"  [bold]{'image':<16}[/] {escape(str(image.absolute()))}", soft_wrap=True)
        changed = ["--gaussian", f"{RECIPE.gaussian:g}", "--min-size", f"{RECIPE.min_size}"]
        local = ["--name", "local", "--threshold", "sauvola", "--local-size", "101"]
        console.print("\nTry next:", style="bold")
        for line in (
            f"open {done.outputs['report']} in a browser",
            shlex.join([called(), "segment", str(image), str(folder / "local"), *local, *changed]),
            shlex.join([called(), "segment", "--help"]),
        ):
            console.print(f"  {escape(line)}", soft_wrap=True)


@click.command()
@click.argument("image")
@source_options
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
def info(image: str, channel: str | None, level: int, axes: str | None, verbose: bool) -> None:
    """Show what IMAGE holds: axes, size, type, calibration, chunks."""
    console = Console(highlight=False)
    with reported(verbose, console):
        from pspy_dask.run.describe import describe_image

        known = describe_image(image, channel=channel_of(channel), level=level, axes=axes)
        for what, value in known:
            console.print(f"[bold]{what:<12}[/] {escape(value)}", soft_wrap=True)
