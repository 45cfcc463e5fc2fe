"""Libraries held to one thread: what they find is then the same on machines of many cores.

Tasks run beside each other already; and sums that a library shares out between its threads are
added in an order that hangs on how many they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any

from threadpoolctl import ThreadpoolController


class _Blas:
    """Which threads hold BLAS to one thread, and how many it had before.

    The number of threads of BLAS is one of the whole process, so that this is kept once for it.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew; a process that was forked has none of the threads that hold it."""
        self.lock = Lock()
        self.holders: set[int] = set()
        self.before: dict[str, tuple[Any, int]] = {}

    def hold(self, who: int, libraries: list[Any]) -> None:
        """Hold these libraries, and those that are held already, for one thread more."""
        with self.lock:
            self.holders.add(who)
            for library in libraries:
                self.before.setdefault(library.filepath, (library, library.num_threads))
                _set_threads(library, 1)

    def release(self, who: int) -> None:
        """Undo what `hold` did for a thread, were it only half done."""
        with self.lock:
            self.holders.discard(who)
            if not self.holders:
                for library, threads in self.before.values():
                    _set_threads(library, threads)
                self.before = {}


_BLAS = _Blas()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_BLAS.forget)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS and OpenMP to one thread for this task, as long as the block runs.

    Libraries that are loaded by then are held; looking for them takes some milliseconds, but
    nothing where the block stands in another one. BLAS gets its threads back when the last task of
    the process leaves.
    """
    who = get_ident()
    if who in _BLAS.holders:
        yield
        return
    loaded = ThreadpoolController()
    # OpenMP keeps a number of threads for each thread that calls it.
    with loaded.select(user_api="openmp").limit(limits=1):
        try:
            _BLAS.hold(who, loaded.select(user_api="blas").lib_controllers)
            yield
        finally:
            _BLAS.release(who)


def _set_threads(library: Any, threads: int) -> None:
    """Set a number that some versions of threadpoolctl let no other thread set than the first."""
    free = getattr(library, "clear_controlling_thread", None)
    if free is not None:
        free(force=True)
    library.set_num_threads(threads)
    if free is not None:
        free(force=True)
