"""How figures are taken: in processes of their own, interleaved, warmed up, medians."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.contest import ONE_THREAD
from benchmarks.processors import vectors


class PeakMemory:
    """The largest resident memory of a process and its children inside a ``with``."""

    def __init__(self, pid: int | None = None, period: float = 0.02) -> None:
        self._process, self._period = psutil.Process(pid), period
        self._over = threading.Event()
        self.start = self.peak = 0

    def __enter__(self) -> PeakMemory:
        self.start = self.peak = self._resident()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._period):
            self.peak = max(self.peak, self._resident())

    def _resident(self) -> int:
        try:
            family = [self._process, *self._process.children(recursive=True)]
            return sum(p.memory_info().rss for p in family if p.is_running())
        except psutil.NoSuchProcess:
            return 0


def interleaved(
    candidates: dict[str, Callable[[], object]],
    *,
    runs: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Return the seconds of each candidate: one warm-up, then A, B, ..., A, B, ...

    With `time.process_time` as the clock they are those that this process was at work.
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(runs + 1):
        for name, work in candidates.items():
            taken = seconds_of(work, clock=clock)
            if turn:
                seconds[name].append(taken)
    return seconds


def seconds_of(
    work: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Return the seconds that work takes."""
    since = clock()
    work()
    return clock() - since


def pin_threads(executor: Executor, threads: int) -> None:
    """Keep each thread of an executor on a core of its own, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))[:threads]
    together = threading.Barrier(len(cores))

    def take(core: int) -> None:
        together.wait()  # so that every thread takes one
        os.sched_setaffinity(0, {core})

    for done in [executor.submit(take, core) for core in cores]:
        done.result()


def span(values: list[float]) -> list[float]:
    """Return median, smallest and largest."""
    return [median(values), min(values), max(values)]


def memory_of(work: Callable[[], object]) -> int:
    """Return the bytes by which resident memory grows while work is done, its result included."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # what was freed before does not count
    with PeakMemory(period=0.002) as memory:
        result = work()
    del result
    return memory.peak - memory.start


def machine() -> str:
    """Return the machine in a phrase."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [x.split(":")[1] for x in info.read_text().splitlines() if "model name" in x]
        model = names[0].strip() if names else model
    memory = psutil.virtual_memory().total / 2**30
    parts = [model, f"{psutil.cpu_count()} cores", vectors(), f"{memory:.0f} GiB"]
    return ", ".join([*parts, f"Python {sys.version.split()[0]}"])


def in_process(module: str, *arguments: str, environment: dict[str, str]) -> str:
    """Return what a module prints when it runs in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,  # what goes wrong is to be seen
        text=True,
    )
    return done.stdout


def found_by(module: str, *arguments: str) -> dict[str, Any]:
    """Return what a module finds in a process of its own, one thread a library.

    It prints that as JSON, on its last line.
    """
    out = in_process(module, *arguments, environment={**os.environ, **ONE_THREAD})
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found
