"""ParticleSpy's ``particle_analysis`` beside ours, by the same script, on one core each.

``python -m benchmarks.particle_analysis [--runs RUNS] [objects ...]``: discs on a lattice of
32 x 32 pixels each under Otsu's threshold, all properties and masks (default 100 and 400 discs), in
turn, each in a process of its own that has analysed a corner of the image before. ParticleSpy is
installed into an environment of its own if need be; 1000 discs take it more than three minutes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import sections
from benchmarks.command import parser_of
from benchmarks.contest import Candidate, Run, take_turns
from benchmarks.objects import discs
from benchmarks.particlespy import RELEASE, interpreter

OBJECTS = (100, 400)
_CELL = 32
_MODULE = "benchmarks.candidates.analysis"


def picture(count: int) -> Any:
    """Return a float image of about as many discs, each of a level of its own."""
    labels = discs(count, round(count**0.5) * _CELL)
    grain = np.random.default_rng(0).normal(0, 5, labels.shape)
    return np.where(labels > 0, 200 + labels % 50, 50) + grain


def measured(counts: Sequence[int], *, runs: int, python: str | None) -> list[dict[str, Any]]:
    """Return a row for each number of objects and candidate.

    ``python`` has ParticleSpy; None leaves it out.
    """
    candidates = [Candidate("pspy_dask.api", _MODULE, {"api": "pspy_dask.api"})]
    if python is not None:
        candidates.append(Candidate("ParticleSpy", _MODULE, {"api": "particlespy.api"}, python))
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


if __name__ == "__main__":
    parser = parser_of("benchmarks.particle_analysis", __doc__)
    parser.add_argument("objects", nargs="*", type=int, default=OBJECTS, help="how many discs")
    parser.add_argument("--runs", type=int, default=1, help="timed runs of each (default 1)")
    given = parser.parse_args()
    rows = measured(given.objects, runs=given.runs, python=interpreter())
    sys.stdout.write(sections.analysis({"particlespy": f"{RELEASE}.", "rows": rows}))
