"""Libraries held to one thread: what they find is then the same on machines of many cores.

Tasks run beside each other already; and sums that a library shares out between its threads are
added in an order that hangs on how many they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Event, Lock, Thread
from typing import Any

from threadpoolctl import ThreadpoolController


class _Shared:
    """How many tasks hold BLAS to one thread, and who undoes it after the last of them.

    The number of threads of BLAS is one of the whole process, and only the thread that set it may
    set it back. Tasks of other threads come and go between: a keeper does both.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.tasks = 0
        self.done = Event()
        self.keeper = Thread()

    def enter(self) -> None:
        with self.lock:
            if self.tasks == 0:
                held, self.done = Event(), Event()
                self.keeper = Thread(target=_hold, args=(held, self.done), daemon=True)
                self.keeper.start()
                held.wait()
            self.tasks += 1

    def leave(self) -> None:
        with self.lock:
            self.tasks -= 1
            if self.tasks == 0:
                self.done.set()
                self.keeper.join()


_BLAS = _Shared()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS and OpenMP to one thread for each task, as long as the block runs.

    A limit of BLAS that another thread has set with threadpoolctl stays as it is.
    """
    _BLAS.enter()
    try:
        # OpenMP keeps a number of threads for each thread that calls it.
        with _libraries("openmp").limit(limits=1):
            yield
    finally:
        _BLAS.leave()


def _hold(held: Event, done: Event) -> None:
    try:
        with _libraries("blas").limit(limits=1):
            held.set()
            done.wait()
    finally:
        held.set()


@cache
def _libraries(kind: str) -> Any:
    """Return the libraries of a kind that are loaded; looking for them takes milliseconds."""
    return ThreadpoolController().select(user_api=kind)
