"""Where the work is done: a cluster of this machine's processes, or one that is running."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dask
from dask.system import CPU_COUNT
from dask.utils import parse_bytes
from distributed import Client, KilledWorker, LocalCluster, Worker, WorkerPlugin
from distributed.system import MEMORY_LIMIT

from pspy_dask.run.interrupts import interrupts_held_back

_LEAST_MEMORY = 2**30
_MOST_KEPT = 2**28
_LARGEST_MMAP = 2**25  # glibc takes no more
_ALLOCATION = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")  # read by glibc alone
_PATIENCE = "10s"
_PATIENCE_WITH_WORKERS = 60.0  # seconds; a batch system may be about to start them


@contextmanager
def open_cluster(
    *, scheduler: str | None = None, workers: int | None = None, memory: str | None = None
) -> Iterator[Client]:
    """Give a client of the scheduler at an address, or of a new cluster on this machine.

    Parameters
    ----------
    scheduler
        Address such as ``tcp://10.0.0.1:8786``; None starts worker processes here, which end
        with the context.
    workers
        Number of worker processes of one thread each; by default one a core, as far as each
        gets 1 GiB.
    memory
        Limit of each worker, such as ``2GiB``; by default an equal share of the machine's.

    Raises
    ------
    ConnectionError
        No scheduler answers, or it has no workers.
    ValueError
        A number of workers below 1, a memory limit that is not one, or either of them together
        with an address.
    """
    if scheduler is not None:
        if workers is not None or memory is not None:
            raise ValueError(
                "workers and memory belong to a cluster started here: leave them out with scheduler"
            )
        with _connected(scheduler) as client:
            yield client
        return
    count, limit = _sizes(workers, memory)
    with ExitStack() as started:
        # An error of a task comes back to the caller: workers need not print it as well.
        started.enter_context(dask.config.set({"distributed.logging": {"distributed": "critical"}}))
        started.enter_context(_environment_restored())  # restarted workers set it again
        with interrupts_held_back(), allocation(limit):  # so that what has been started ends too
            client = _started(started, count, limit)
        yield client


def _started(started: ExitStack, count: int, limit: int) -> Client:
    cluster = LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        memory_limit=limit,
        processes=True,
        dashboard_address="127.0.0.1:0",  # any port: another job may run here
        silence_logs=logging.CRITICAL,
    )
    client: Client = started.enter_context(Client(started.enter_context(cluster)))
    client.register_plugin(DeafToInterrupts())
    return client


@contextmanager
def allocation(limit: int) -> Iterator[None]:
    """Let workers of `limit` bytes that start meanwhile keep some of what their tasks free.

    By dask's own a worker gives freed pages back at once and is handed fresh ones by the next
    task: a quarter of the time of a task, more where two workers do so. A small worker
    needs them back: what it kept would count as in use, and it would pause for good.
    """
    kept = {}
    if limit >= _LEAST_MEMORY:  # glibc reads them; others ignore them
        kept["MALLOC_TRIM_THRESHOLD_"] = min(limit // 8, _MOST_KEPT)
        kept["MALLOC_MMAP_THRESHOLD_"] = _LARGEST_MMAP
    settings = {f"distributed.nanny.pre-spawn-environ.{name}": kept[name] for name in kept}
    with _environment_restored(), dask.config.set(settings):
        yield


@contextmanager
def _environment_restored() -> Iterator[None]:
    """Undo what nannies set here: the next cluster would take it for the user's own setting."""
    before = {name: os.environ.get(name) for name in _ALLOCATION}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class DeafToInterrupts(WorkerPlugin):
    """Leaves Ctrl-C and SIGTERM to the caller, who ends the workers in good order.

    A terminal and a batch system send them to every process of a job. Where memory runs out the
    nanny is not kept from ending a worker: what SIGTERM does not end it kills a moment later.
    """

    name = "deaf-to-interrupts"

    def setup(self, worker: Worker) -> None:
        """Ignore interrupts in the process of this worker."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def explain_killed() -> Iterator[None]:
    """Say why workers die and what to do; every other error passes unchanged."""
    try:
        yield
    except KilledWorker as error:
        raise ChildProcessError(
            "workers were killed again and again at one task, most likely for want of memory: "
            "give them more (--memory), start fewer (--workers) or take smaller --chunks"
        ) from error


def describe(client: Client) -> str:
    """Return workers, threads and memory of a cluster in a phrase."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    threads = sum(worker["nthreads"] for worker in workers)
    memory = min((worker["memory_limit"] for worker in workers), default=0)
    counted = [
        f"{n} {what}{'' if n == 1 else 's'}"
        for n, what in ((len(workers), "worker"), (threads, "thread"))
    ]
    return f"{', '.join(counted)}, {memory / 2**30:.1f} GiB each"


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=_PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConnectionError(
            f"no scheduler answers at {address}: check the address and that it is running"
        ) from error
    with client:
        _wait_for_a_worker(client, address)
        yield client


def _wait_for_a_worker(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_WITH_WORKERS)
    except TimeoutError as error:
        raise ConnectionError(
            f"the scheduler at {address} has no workers after {_PATIENCE_WITH_WORKERS:g} s: "
            f"start some with dask worker {address}"
        ) from error


def _sizes(workers: int | None, memory: str | None) -> tuple[int, int]:
    """Return the number of workers and the memory limit of each in bytes."""
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}: give 1 or more")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else CPU_COUNT
    if memory is None:
        count = workers or max(1, min(cores, MEMORY_LIMIT // _LEAST_MEMORY))
        return count, MEMORY_LIMIT // count
    try:
        limit = int(parse_bytes(memory))
    except ValueError:
        raise ValueError(f"memory is {memory!r}: give a size such as 2GiB") from None
    if limit < 2**28:
        raise ValueError(f"memory is {memory!r}: a worker needs at least 256 MiB")
    return workers or max(1, min(cores, MEMORY_LIMIT // limit)), limit
