"""What the first call of a recipe costs before a kernel runs: compiled, or read from the cache."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

import dask

from benchmarks.measure import in_process, seconds_of

RECIPES: dict[str, dict[str, Any]] = {
    "otsu": {"threshold": "otsu"},
    "otsu, watershed": {"threshold": "otsu", "watershed": True},
    "local_otsu, rolling ball": {"threshold": "local_otsu", "rolling_ball": 25},
    "sauvola": {"threshold": "sauvola"},
    "everything: local_otsu, rolling ball, watershed": {
        "threshold": "local_otsu",
        "rolling_ball": 25,
        "watershed": True,
    },
}
_BASE = {"gaussian": 2.0, "min_size": 20}


def measured() -> list[dict[str, Any]]:
    """Return a row for each recipe: seconds of the first call in a new process."""
    rows = []
    for name, options in RECIPES.items():
        with tempfile.TemporaryDirectory() as cache:
            given = json.dumps(_BASE | options)
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            compiled, cached = (
                float(in_process("benchmarks.compilation", given, environment=environment))
                for _ in range(2)
            )
        rows.append({"recipe": name, "compiled": compiled, "cached": cached})
    return rows


def _first_call(options: dict[str, Any]) -> float:
    """Return how much longer the first call takes than the second."""
    import pspy_dask as ps
    from pspy_dask.datasets import mosaic

    image = mosaic((512, 512)).data.compute(scheduler="synchronous")

    def work() -> None:
        ps.region_properties(ps.segment(image, **options), image).compute()

    with dask.config.set(scheduler="synchronous"):
        return seconds_of(work) - seconds_of(work)


if __name__ == "__main__":
    print(_first_call(json.loads(sys.argv[1])))
