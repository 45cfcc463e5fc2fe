"""What a recipe asks of the workers, and how their tasks speak to those who wait for them."""

from __future__ import annotations

import warnings

import distributed
from dask.system import CPU_COUNT
from distributed import Client, get_worker
from distributed.system import MEMORY_LIMIT


def memory_of_a_task() -> int:
    """Return the bytes that a task may fill: the memory of a worker shared by its threads.

    That of the smallest worker of the current client; without one, of this machine by its cores.
    """
    try:
        workers = list(Client.current().scheduler_info(n_workers=-1)["workers"].values())
    except ValueError:  # there is no client
        workers = []
    shares = [w["memory_limit"] // w["nthreads"] for w in workers if w["memory_limit"]]
    return int(min(shares, default=MEMORY_LIMIT // CPU_COUNT))


def warn(message: str) -> None:
    """Warn who waits for this task: on a worker not its log, but the clients."""
    try:
        get_worker()
    except ValueError:
        warnings.warn(message, stacklevel=2)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distributed.warn(message)
