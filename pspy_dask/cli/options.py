"""Options that commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from pspy_dask.parameters import METHODS, SegmentationParameters

F = TypeVar("F", bound=Callable[..., Any])

LABEL_TYPES = [f"{sign}int{bits}" for sign in ("u", "") for bits in (8, 16, 32, 64)]


def options(*those: Any) -> Callable[[F], F]:
    """Return a decorator that adds options to a command, in the order in which help shows them."""

    def add(command: F) -> F:
        for option in reversed(those):
            command = option(command)
        return command

    return add


cluster_options = options(
    click.option("--scheduler", metavar="ADDRESS", help="Use a Dask cluster that is running."),
    click.option("--workers", type=int, help="Worker processes here.  [default: one a core]"),
    click.option("--memory", metavar="SIZE", help="Limit of each worker, such as 2GiB."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option("-v", "--verbose", is_flag=True, help="Show logs and tracebacks."),
)

source_options = options(
    click.option("--channel", help="Channel of an image that has several: number or name."),
    click.option("--level", type=int, default=0, show_default=True, help="Resolution level."),
    click.option("--axes", metavar="NAMES", help="Axes where IMAGE does not say, such as zyx."),
)

foreground_options = options(
    click.option(
        "--threshold",
        type=click.Choice(METHODS),
        metavar="METHOD",
        help=f"One of {', '.join(METHODS)}.  [default: otsu]",
    ),
    click.option("--gaussian", type=float, metavar="SIGMA", help="Smooth first; sigma in pixels."),
    click.option("--rolling-ball", type=int, metavar="PIXELS", help="Remove background first."),
    click.option(
        "--local-size", type=int, metavar="PIXELS", help="Neighbourhood, odd.  [default: 51]"
    ),
    click.option(
        "--invert/--no-invert", default=None, help="Particles are darker than background."
    ),
)

object_options = options(
    click.option("--min-size", type=int, metavar="PIXELS", help="Drop smaller objects."),
    click.option(
        "--clear-border/--keep-border", default=None, help="Drop objects cut by the edge."
    ),
    click.option("--watershed/--no-watershed", default=None, help="Part particles that touch."),
    click.option(
        "--watershed-separation",
        type=int,
        metavar="PIXELS",
        help="Least distance of their centres; give it where min-size is below 10.  "
        "[default: a disk of min-size pixels, or 20]",
    ),
    click.option(
        "--watershed-erosion", type=int, metavar="PIXELS", help="Erode before looking for centres."
    ),
    click.option(
        "--watershed-budget",
        type=int,
        metavar="PIXELS",
        help="Flood larger components window by window.  [default: by memory]",
    ),
    click.option(
        "--watershed-exact/--watershed-windows", default=None, help="Refuse them instead."
    ),
)

output_options = options(
    click.option(
        "--chunks",
        type=int,
        metavar="PIXELS",
        help="Side of a chunk.  [default: whole stored chunks, up to 4 million pixels]",
    ),
    click.option("--copy-image", is_flag=True, help="Leave an OME-Zarr IMAGE untouched; copy it."),
    click.option("--tiff", is_flag=True, help="Write the labels as TIFF too."),
    click.option("--overwrite", is_flag=True, help="Replace earlier results."),
)


def refuse_given(names: Iterable[str], remedy: str) -> None:
    """Raise ValueError where options that would change nothing were given."""
    context = click.get_current_context()
    given = [
        option.opts[0]
        for option in context.command.params
        if option.name in names
        and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        verb = "change" if len(given) > 1 else "changes"
        raise ValueError(f"{', '.join(given)} {verb} nothing here: {remedy}")


def recipe(options: dict[str, Any]) -> SegmentationParameters:
    """Return the parameters of a file, where one is given, changed by the options given."""
    names = [f.name for f in fields(SegmentationParameters)]
    given = {name: options[name] for name in names if options.get(name) is not None}
    path = options.get("parameters")
    start = SegmentationParameters.load(path) if path else SegmentationParameters()
    return replace(start, **given)


def channel_of(text: str | None) -> int | str | None:
    """Return a channel as a number where it is one."""
    is_number = text is not None and text.isascii() and text.removeprefix("-").isdigit()
    return int(text) if text is not None and is_number else text
