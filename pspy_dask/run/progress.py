"""Live progress of the stages of a job, read off the scheduler."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from dask.utils import key_split
from distributed import Client, Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

_PLUGIN = "pspy-dask-task-counter"
_PERIOD = 0.25


@dataclass(frozen=True)
class Stage:
    """A part of a job as its user sees it.

    Attributes
    ----------
    title
        What is done.
    pixels
        Pixels that it works through.
    chunks
        Chunks that it works through.
    tasks
        First part of the names of the tasks that finish a chunk; empty where none is counted.
    total
        How many such tasks there are, where they come in several graphs, one after the other.
    """

    title: str
    pixels: int
    chunks: int
    tasks: str
    total: int = 0


class Count(NamedTuple):
    """Tasks that a scheduler was given and has done, by the first part of their names."""

    given: Counter[str]
    done: Counter[str]

    def since(self, before: Count) -> Count:
        """Return what came after an earlier count."""
        return Count(self.given - before.given, self.done - before.done)

    def progress(self, stage: Stage) -> tuple[float, int]:
        """Return the share of a stage that is done, and how many of its chunks.

        A chunk may take several tasks of its name and a task may take several chunks.
        """
        given, done = self.given[stage.tasks], self.done[stage.tasks]
        share = min(1.0, done / max(given, stage.total, 1))
        every = min(1.0, self.done.total() / max(self.given.total(), 1))
        return share if stage.total else every, int(share * stage.chunks)


class Watcher(Protocol):
    """Something that shows how far a stage is."""

    def begin(self, stage: Stage) -> None:
        """Show that a stage begins."""
        ...

    def update(self, fraction: float, chunks: int) -> None:
        """Show the share of tasks and the number of chunks that are done."""
        ...

    def end(self, seconds: float) -> None:
        """Show that the stage is done."""
        ...


class Silence:
    """A watcher that shows nothing."""

    def begin(self, stage: Stage) -> None:
        """Show nothing."""

    def update(self, fraction: float, chunks: int) -> None:
        """Show nothing."""

    def end(self, seconds: float) -> None:
        """Show nothing."""


class LiveProgress:
    """A line a stage: bar, chunks done, MPix/s, time left."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[chunks]:>15}"),
            TextColumn("{task.fields[speed]:>13}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
        )
        self._stage: Stage | None = None
        self._task: Any = None
        self._since = 0.0

    def __enter__(self) -> LiveProgress:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def begin(self, stage: Stage) -> None:
        """Add a line."""
        self._stage, self._since = stage, perf_counter()
        self._task = self._progress.add_task(stage.title, total=1.0, chunks="", speed="")

    def update(self, fraction: float, chunks: int) -> None:
        """Move the bar."""
        if self._stage is None:
            return
        seconds = perf_counter() - self._since
        speed = fraction * self._stage.pixels / max(seconds, 1e-9) / 1e6
        done = f"{chunks}/{self._stage.chunks} chunks" if self._stage.tasks else ""
        said = f"{speed:.1f} MPix/s" if speed >= 0.05 else ""  # a stage may not be one of pixels
        self._progress.update(self._task, completed=fraction, chunks=done, speed=said)

    def end(self, seconds: float) -> None:
        """Fill the bar."""
        if self._stage is not None:
            self.update(1.0, self._stage.chunks)


class TaskCounter(SchedulerPlugin):
    """Counts the tasks that a scheduler is given and those it has done."""

    name = _PLUGIN

    def __init__(self) -> None:
        self.given: Counter[str] = Counter()
        self.done: Counter[str] = Counter()

    def update_graph(self, scheduler: Scheduler, *, tasks: list[Any], **_: Any) -> None:
        """Count new tasks."""
        self.given.update(map(_first_part, tasks))

    def transition(self, key: Any, start: str, finish: str, *_: Any, **__: Any) -> None:
        """Count a task that is done."""
        if start == "processing" and finish == "memory":
            self.done[_first_part(key)] += 1


@contextmanager
def watched(client: Client, watcher: Watcher, stage: Stage) -> Iterator[dict[str, float]]:
    """Show the progress of what a client computes inside; give a place for the seconds it took."""
    seconds: dict[str, float] = {}
    before = _count(client)
    over = threading.Event()
    watcher.begin(stage)
    arguments = (client, watcher, stage, before, over)
    follower = threading.Thread(target=_follow, args=arguments, daemon=True)
    since = perf_counter()
    try:
        follower.start()
        yield seconds
    finally:
        over.set()
        if follower.is_alive():
            follower.join()
    seconds[stage.title] = perf_counter() - since
    watcher.end(seconds[stage.title])


def count_tasks(client: Client) -> None:
    """Have the scheduler of a client count its tasks from now on."""
    if not client.run_on_scheduler(_is_counting):
        client.register_plugin(TaskCounter())


def _follow(
    client: Client, watcher: Watcher, stage: Stage, before: Count, over: threading.Event
) -> None:
    while not over.wait(_PERIOD):
        watcher.update(*_count(client).since(before).progress(stage))


def _count(client: Client) -> Count:
    return Count(*client.run_on_scheduler(_read_counts))


def _is_counting(dask_scheduler: Scheduler) -> bool:
    return _PLUGIN in dask_scheduler.plugins


def _read_counts(dask_scheduler: Scheduler) -> tuple[Counter[str], Counter[str]]:
    counter: Any = dask_scheduler.plugins[_PLUGIN]
    return Counter(counter.given), Counter(counter.done)


def _first_part(key: Any) -> str:
    """Return the first word of a name: tasks that dask fuses have the words of all of them.

    >>> _first_part(("partial-reduce-0d8a3c17b2f94e56", 0)), _first_part("write-sum-12")
    ('partial', 'write')
    """
    return str(key_split(key)).split("-", 1)[0]
