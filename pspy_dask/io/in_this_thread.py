"""Coroutines run to their end by the thread that asks, with no thread beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_event_loop() -> bool:
    """Whether this thread runs an event loop, as that of a notebook does: it cannot run another."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def in_this_thread(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine; what it passes on to threads this thread does as well."""
    loop = asyncio.new_event_loop()
    try:
        loop.set_default_executor(_AtOnce(1))
        return loop.run_until_complete(work)
    finally:
        _end(loop)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop; what a failure left undone in it ends too, or asyncio would complain of it."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()


class _AtOnce(ThreadPoolExecutor):
    """Does what it is given in the thread that gives it; it never starts one."""

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the future of what is done already."""
        done: Future[T] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:  # it belongs to whoever asks for the result
            done.set_exception(error)
        return done
