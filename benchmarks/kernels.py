"""Times the table of comparisons: seconds of one core, ours and theirs in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

from benchmarks import planes
from benchmarks.comparisons import COMPARISONS, Comparison
from benchmarks.measure import memory_of, pin_threads, seconds_of, span

SIDE = 4096


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
    whole = comparison.given(planes.micrograph(side))
    part = min(side, comparison.part)
    piece = whole if part == side else comparison.given(planes.micrograph(side)[:part, :part])
    difference = comparison.difference(comparison.ours(*piece), comparison.theirs(*piece))
    comparison.ours(*whole)
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(side * side / 1e6 / _seconds(comparison.ours, whole))
        theirs.append(part * part / 1e6 / _seconds(comparison.theirs, piece))
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
