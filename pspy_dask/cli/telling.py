"""What commands say: progress, results, and errors in one sentence with an exit code."""

from __future__ import annotations

import logging
import shutil
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from pspy_dask.run.interrupts import INTERRUPTED, SENTENCE, interrupted_once

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
    speed = done.pixels / seconds / 1e6
    found = "Done" if done.objects is None else f"{done.objects:,} particles"
    console.print(f"\n[bold green]{found}[/] in {seconds:.1f} s ({speed:.1f} MPix/s)")
    for what, path in done.outputs.items():
        console.print(f"  [bold]{what:<16}[/] {escape(str(path))}", soft_wrap=True)
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
