"""What commands say: progress, results, and errors in one sentence with an exit code."""

from __future__ import annotations

import logging
import shutil
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pspy_dask.pixel_parameters import FLATTERS
from pspy_dask.run.interrupts import INTERRUPTED, SENTENCE, interrupted_once

if TYPE_CHECKING:  # what it takes to train is slow to import
    from pspy_dask.run.classifier import PixelClassifier
    from pspy_dask.run.pixel_jobs import Trained

BAD_INPUT, FAILED = 2, 1

EPILOG = (
    """Exit codes: 0 done, 1 failed while working, 2 refused before any work, 130 interrupted."""
)


def called() -> str:
    """Return this command as it can be typed again: by its path where no PATH leads to it."""
    path = sys.argv[0]
    found = shutil.which(Path(path).name)
    return Path(path).name if found and Path(found).samefile(path) else path


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


def tell(console: Console, done: Any) -> None:
    """Say what was found and where the results are."""
    seconds = sum(done.seconds.values())
    speed = f" ({done.pixels / seconds / 1e6:.1f} MPix/s)" if done.pixels > 1e5 * seconds else ""
    found = "Done" if done.objects is None else f"{done.objects:,} particles"
    console.print(f"\n[bold green]{found}[/] in {seconds:.1f} s{speed}")
    for what, path in done.outputs.items():
        console.print(f"  [bold]{what:<16}[/] {escape(str(path))}", soft_wrap=True)
    tell_notes(console, done.notes)


def tell_notes(console: Console | None, notes: Iterable[str]) -> None:
    """Say what a user should know before trusting results."""
    for note in notes:
        (console or Console(highlight=False)).print(
            f"\n[yellow]Note:[/] {escape(note)}", soft_wrap=True
        )


def tell_training(console: Console, done: Trained, outputs: Mapping[str, Path]) -> None:
    """Say what a classifier was trained on, how well it knows that, and where it is."""
    fitted = done.classifier
    rows = len(fitted.fitted.training)
    console.print(f"\n[bold green]Trained[/] on {rows:,} pixels in {done.seconds:.1f} s")
    console.print(_classes_table(fitted, done.annotated))
    known = escape(str(fitted.fitted.evaluation).capitalize())
    console.print(f"[bold]{known}[/]; {FLATTERS}.", soft_wrap=True)
    for what, path in outputs.items():
        console.print(f"  [bold]{what:<14}[/] {escape(str(path.absolute()))}", soft_wrap=True)
    tell_notes(console, done.notes)


def _classes_table(fitted: PixelClassifier, annotated: Mapping[int, int]) -> Table:
    """Return the classes: what was annotated now, and what their pixels were taken for."""
    table = Table(box=None, pad_edge=True, header_style="dim")
    table.add_column("class", justify="right")
    table.add_column("name")
    table.add_column("colour")
    table.add_column("annotated", justify="right")
    for name in fitted.class_names:
        table.add_column(f"found {escape(name)}", justify="right")
    whole = zip(fitted.class_numbers, fitted.class_names, fitted.colors, strict=True)
    for (number, name, color), found in zip(whole, fitted.confusion.to_numpy(), strict=True):
        counts = [f"{n:,}" for n in (annotated.get(number, 0), *found.tolist())]
        table.add_row(str(number), escape(name), color, *counts)
    return table


@contextmanager
def reported(verbose: bool, console: Console | None = None) -> Iterator[None]:
    """Turn errors into one sentence and the exit code of what was refused before any work.

    Warnings for the user are told as notes, one sentence each, on the console where one is given.
    """
    for name in ("distributed", "asyncio"):
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.CRITICAL)
    with _told(verbose, BAD_INPUT), warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", category=UserWarning)
        try:
            yield
        finally:
            said = {" ".join(str(w.message).split()) for w in caught if _is_own(w)}
            tell_notes(console, sorted(said))


def _is_own(warning: warnings.WarningMessage) -> bool:
    """Whether a warning is for the user, and not from inside another library."""
    here = Path(__file__).parents[1]
    return warning.category is UserWarning and Path(warning.filename).is_relative_to(here)


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
