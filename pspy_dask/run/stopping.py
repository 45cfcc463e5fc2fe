"""A computation that fails or is interrupted leaves no task running behind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from time import sleep
from typing import Any

from distributed import Client, Scheduler, Worker

_PERIOD = 0.1
# A task that a message under way is about to start is found by looking more than once.
_LOOKS = 3


@contextmanager
def nothing_left_running(client: Client) -> Iterator[None]:
    """Wait, before an error goes on, until no worker works at what was asked for inside.

    Who clears away what was written may do so then: a task that is cancelled is forgotten by the
    scheduler, but a worker that is at it writes its chunk to the end. Other work of the client
    and of other clients goes on.
    """
    kept = _wanted(client)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # the scheduler is gone, and its workers with it
            _wait(client, kept)
        raise


def _wait(client: Client, kept: Collection[Any]) -> None:
    looks = 0
    while looks < _LOOKS:
        at_work = client.run(_at_work, on_error="ignore")
        keys = {key for some in at_work.values() for key in some}
        idle = client.run_on_scheduler(_let_go, client.id, kept, keys)
        looks = looks + 1 if idle else 0
        sleep(_PERIOD)


def _wanted(client: Client) -> set[Any]:
    keys: set[Any] = client.run_on_scheduler(_wanted_by, client.id)
    return keys


def _wanted_by(client: str, dask_scheduler: Scheduler) -> set[Any]:
    state = dask_scheduler.clients.get(client)
    return {task.key for task in state.wants_what} if state else set()


def _at_work(dask_worker: Worker) -> list[Any]:
    return list(dask_worker.active_keys)


def _let_go(
    client: str, kept: Collection[Any], at_work: Collection[Any], dask_scheduler: Scheduler
) -> bool:
    """Release what a client came to want; whether workers are at nothing that is forgotten."""
    wanted = _wanted_by(client, dask_scheduler) - set(kept)
    dask_scheduler.client_releases_keys(keys=list(wanted), client=client)
    # A graph is wanted only once it is unpacked, which takes seconds for a large one.
    unpacking = getattr(dask_scheduler, "_active_graph_updates", 0)
    forgotten = [key for key in at_work if key not in dask_scheduler.tasks]
    return not (wanted or unpacking or forgotten)
