"""Candidates that take turns, each in a process of its own on one core.

A candidate is a module with a function ``prepare(data, options) -> work``: it reads what is
not timed and returns what is. The process answers each line on its standard input with the seconds
of one run, the peak of its resident memory so far and what the run returned. It needs the standard
library alone, so that candidates may live in environments without this project.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_THREADED = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _THREADED} | {"BLOSC_NTHREADS": "1"}


@dataclass(frozen=True)
class Candidate:
    """Who takes part.

    Attributes
    ----------
    name
        As it stands in the tables.
    module
        That holds ``prepare``.
    options
        What ``prepare`` gets, as JSON.
    python
        Interpreter of its environment.
    """

    name: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    python: str = sys.executable


@dataclass(frozen=True)
class Run:
    """One run: seconds, peak resident memory of the process in bytes, what it returned."""

    seconds: float
    peak: int
    result: Any


def take_turns(
    candidates: list[Candidate], data: str, *, runs: int, warm_up: bool = True
) -> dict[str, list[Run]]:
    """Run each candidate once to warm up, unless it has done so itself, then all of them in turn.

    A candidate that fails is left out of the result and its error printed.
    """
    with ExitStack() as inside:
        started = {c.name: inside.enter_context(_process(c, data)) for c in candidates}
        found: dict[str, list[Run]] = {name: [] for name in started}
        for turn in range(0 if warm_up else 1, runs + 1):
            for name, process in started.items():
                run = _ask(process) if name in found else None
                if run is None:
                    found.pop(name, None)
                elif turn:
                    found[name].append(run)
        return found


def _ask(process: subprocess.Popen[str]) -> Run | None:
    assert process.stdin and process.stdout
    try:
        process.stdin.write("run\n")
        process.stdin.flush()
    except BrokenPipeError:
        return None
    line = process.stdout.readline()
    return Run(**json.loads(line)) if line else None


@contextmanager
def _process(candidate: Candidate, data: str) -> Iterator[subprocess.Popen[str]]:
    given = json.dumps({"module": candidate.module, "data": data, "options": candidate.options})
    root = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [candidate.python, "-m", "benchmarks.contest", given],
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": root, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin
        with suppress(BrokenPipeError):  # one that failed never read what it was asked last
            process.stdin.close()


def on_one_core() -> None:
    """Keep this process on one core, whatever threads a library starts."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _serve(module: str, data: str, options: dict[str, Any]) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    on_one_core()
    work = importlib.import_module(module).prepare(data, options)
    for _ in sys.stdin:
        since = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - since
        print(json.dumps({"seconds": seconds, "peak": _peak(), "result": result}), file=answers)
        answers.flush()


def _peak() -> int:
    """Return the largest resident memory of this process so far, in bytes.

    What `getrusage` says holds the process that started this one, too.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    try:
        _serve(**given)
    except Exception as error:
        sys.exit(f"{given['module']} with {given['options']} fails: {error}")
