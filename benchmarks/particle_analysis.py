"""ParticleSpy's ``particle_analysis`` beside ours, by the same script, on one core each.

``python -m benchmarks.particle_analysis [--runs RUNS] [objects ...]``: discs on a lattice of
32 x 32 pixels each under Otsu's threshold, all properties and masks (default 100 and 1000 discs),
in turn, each in a process of its own that has analysed a corner of the image before. ParticleSpy is
installed into an environment of its own if need be; 1000 discs take it more than a minute.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.command import parser_of
from benchmarks.contest import Candidate, Run, take_turns
from benchmarks.measure import machine
from benchmarks.objects import discs
from benchmarks.particlespy import RELEASE, interpreter

OBJECTS = (100, 1000)
_CELL = 32
_MODULE = "benchmarks.candidates.analysis"


def picture(count: int) -> Any:
    """Return a float image of about as many discs, each of a level of its own."""
    labels = discs(count, round(count**0.5) * _CELL)
    grain = np.random.default_rng(0).normal(0, 5, labels.shape)
    return np.where(labels > 0, 200 + labels % 50, 50) + grain


def measured(counts: list[int], *, runs: int, python: str) -> list[dict[str, Any]]:
    """Return a row for each number of objects and candidate; ``python`` has ParticleSpy."""
    candidates = [
        Candidate("pspy_dask.api", _MODULE, {"api": "pspy_dask.api"}),
        Candidate("ParticleSpy", _MODULE, {"api": "particlespy.api"}, python),
    ]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            data = str(Path(folder) / str(count))
            pixels = picture(count)
            np.save(data + ".npy", pixels)
            found = take_turns(candidates, data, runs=runs, warm_up=False)
            rows += [_row(who, len(pixels), results) for who, results in found.items()]
    return rows


def _row(who: str, side: int, results: list[Run]) -> dict[str, Any]:
    return {
        "who": who,
        "side": side,
        "objects": results[-1].result,
        "seconds": median(r.seconds for r in results),
        "peak": max(r.peak for r in results),
    }


def main(counts: list[int], runs: int) -> None:
    """Measure all and print a table as Markdown."""
    print(f"{RELEASE}, {machine()}; median of {runs} run{'s' if runs > 1 else ''}, one core\n")
    print("| discs | side | particles | who | seconds | ms a particle | peak, MiB |")
    print("|" + "---|" * 7, flush=True)
    for count in counts:
        for one in measured([count], runs=runs, python=interpreter()):
            print(
                f"| {count} | {one['side']} | {one['objects']} | {one['who']} "
                f"| {one['seconds']:.3g} | {1e3 * one['seconds'] / one['objects']:.3g} "
                f"| {one['peak'] / 2**20:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = parser_of("benchmarks.particle_analysis", __doc__)
    parser.add_argument("objects", nargs="*", type=int, default=OBJECTS, help="how many discs")
    parser.add_argument("--runs", type=int, default=1, help="timed runs of each (default 1)")
    given = parser.parse_args()
    main(list(given.objects), given.runs)
