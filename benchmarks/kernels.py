"""Times the table of comparisons: seconds of one core, ours and theirs in turn."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

from benchmarks import planes
from benchmarks.comparisons import COMPARISONS, Comparison
from benchmarks.measure import in_process, memory_of, pin_threads, seconds_of, span
from benchmarks.processors import LESSER, runs_avx2

SIDE = 4096
Given = tuple[tuple[Any, ...], tuple[Any, ...], int]


@dataclass(frozen=True)
class Figure:
    """What was measured of a kernel.

    Attributes
    ----------
    name, against, least
        As in the table of comparisons.
    ours, theirs
        Megapixels a second and core: median, smallest, largest.
    ratio
        Of the medians.
    difference
        Of the results on the piece that both did.
    two_threads
        How much faster two threads, each on a core of its own, do two images than one thread.
    memory
        Bytes a pixel by which resident memory grows, the result included: ours and theirs.
    """

    name: str
    against: str
    least: float
    ours: list[float]
    theirs: list[float]
    ratio: float
    difference: float
    two_threads: float
    memory: tuple[float, float]

    def row(self) -> dict[str, Any]:
        """Return what is written to JSON."""
        return asdict(self)


def figures(chosen: str = "", *, side: int = SIDE, runs: int = 5) -> Iterator[Figure]:
    """Measure the kernels whose names contain the words, one after another."""
    for comparison in COMPARISONS:
        if chosen in comparison.name:
            yield measured(comparison, min(side, comparison.side), runs)


def measured(comparison: Comparison, side: int, runs: int) -> Figure:
    """Measure one kernel beside its reference, after a warm-up that compares the results."""
    given = _given(comparison, side)
    whole, piece, part = given
    difference = comparison.difference(comparison.ours(*piece), comparison.theirs(*piece))
    ours, theirs = _speeds(comparison, given, side, runs)
    memory = (
        memory_of(partial(comparison.ours, *whole)) / side**2,
        memory_of(partial(comparison.theirs, *piece)) / part**2,
    )
    return Figure(
        comparison.name,
        comparison.against,
        comparison.least,
        span(ours),
        span(theirs),
        median(ours) / median(theirs),
        difference,
        _two_threads(comparison.ours, whole, runs),
        memory,
    )


def ratios_with_avx2(side: int, runs: int) -> dict[str, float]:
    """Return the ratio of each kernel where AVX2 is all that a processor has; none without it."""
    if not runs_avx2():
        return {}
    environment = {**os.environ, **LESSER["AVX2"]}
    found = in_process("benchmarks.kernels", str(side), str(runs), environment=environment)
    ratios: dict[str, float] = json.loads(found)
    return ratios


def _ratios(side: int, runs: int) -> dict[str, float]:
    found = {}
    for comparison in COMPARISONS:
        most = min(side, comparison.side)
        ours, theirs = _speeds(comparison, _given(comparison, most), most, runs)
        found[comparison.name] = median(ours) / median(theirs)
    return found


def _given(comparison: Comparison, side: int) -> Given:
    """Return what ours is given, what the reference is given, and the side of the latter."""
    whole = comparison.given(planes.micrograph(side))
    part = min(side, comparison.part)
    if part == side:
        return whole, whole, part
    return whole, comparison.given(planes.micrograph(side)[:part, :part]), part


def _speeds(
    comparison: Comparison, given: Given, side: int, runs: int
) -> tuple[list[float], list[float]]:
    """Return megapixels a second and core of ours and theirs, in turn after a warm-up."""
    whole, piece, part = given
    comparison.ours(*whole)
    comparison.theirs(*piece)
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(side * side / 1e6 / _seconds(comparison.ours, whole))
        theirs.append(part * part / 1e6 / _seconds(comparison.theirs, piece))
    return ours, theirs


def _seconds(work: Callable[..., Any], given: tuple[Any, ...]) -> float:
    """Return the seconds that this process was at work."""
    return seconds_of(partial(work, *given), clock=time.process_time)


def _two_threads(work: Callable[..., Any], given: tuple[Any, ...], runs: int) -> float:
    """Return how much faster two threads do two of the same than one thread does."""
    alone, together = [], []

    def work_on(images: int) -> None:
        for done in [pool.submit(work, *given) for _ in range(images)]:
            done.result()

    with ThreadPoolExecutor(2) as pool:
        pin_threads(pool, 2)
        for _ in range(runs):
            alone.append(seconds_of(partial(work_on, 1)))
            together.append(seconds_of(partial(work_on, 2)))
    return 2 * median(alone) / median(together)


if __name__ == "__main__":
    print(json.dumps(_ratios(*map(int, sys.argv[1:]))))
