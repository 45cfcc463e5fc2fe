"""Ctrl-C, and SIGTERM as a batch system sends it: one is enough and ends a command in order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType

#: What an interrupted command says, and the code it ends with.
SENTENCE, INTERRUPTED = "interrupted: nothing unfinished was left behind", 130

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_MOMENT = 0.01
# Functions that the interpreter calls by itself, which prints what they raise and goes on.
_FINALIZERS = {"__del__", "_gc_callback"}
_FINALIZING_FILES = {"weakref.py", "_weakrefset.py"}
_CAN_BLOCK = hasattr(signal, "pthread_sigmask")

Handler = Callable[[int, FrameType | None], None]


def leave_when_interrupted() -> None:
    """End the process at once, in one sentence, at any signal until the work begins.

    Many modules are imported first, and some would swallow an exception or print it.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        os.write(2, f"Error: {SENTENCE}\n".encode())
        os._exit(INTERRUPTED)

    for number in _SIGNALS:
        signal.signal(number, leave)


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first signal; later ones leave the tidying up alone."""

    def first(number: int, frame: FrameType | None) -> None:
        if _would_be_lost(frame):
            threading.Timer(_MOMENT, _send, [number]).start()
            return
        for each in _SIGNALS:
            signal.signal(each, _nothing)
        raise KeyboardInterrupt

    with _handled(first):
        yield


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Deliver signals at the end; processes that are started inside never see Ctrl-C.

    A terminal sends Ctrl-C to all processes at once, and a worker that is just importing its
    modules would print a traceback. What is blocked in a thread is blocked in the threads and
    processes that it starts, handlers are not handed on. SIGTERM still ends them.
    """
    came: list[int] = []
    try:
        with _handled(lambda number, _: came.append(number)), _blocked_for_children():
            yield
    finally:
        if came:
            signal.raise_signal(signal.Signals(came[0]))


@contextmanager
def _blocked_for_children() -> Iterator[None]:
    if not _CAN_BLOCK:
        yield
        return
    # It unblocks what is blocked in the thread that starts it, who is the first to need it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """Use a handler; where Python allows none, outside the main thread, change nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _would_be_lost(frame: FrameType | None) -> bool:
    """Whether a signal came while an object was being cleared away."""
    while frame is not None:
        code = frame.f_code
        if code.co_name in _FINALIZERS or Path(code.co_filename).name in _FINALIZING_FILES:
            return True
        frame = frame.f_back
    return False


def _send(number: int) -> None:
    """Send a signal to the main thread, which may be waiting for something."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(signal.Signals(number))


def _nothing(number: int, frame: FrameType | None) -> None:
    """Do nothing; SIG_IGN would be handed on to processes that are started from now on."""
