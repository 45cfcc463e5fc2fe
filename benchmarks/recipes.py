"""The recipe with each threshold, with watershed and with a table, beside what there is.

Everyone has one core. pspy_dask goes from OME-Zarr to labels in Zarr chunk by chunk, scikit-image
from and to the same in memory; dask-image does less (see its candidate), and ParticleSpy has the
image in memory and leaves the labels there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import pspy_dask as ps
from benchmarks.blank import image_of, tasks_a_chunk
from benchmarks.contest import Candidate, Run, take_turns
from benchmarks.measure import span
from pspy_dask.datasets import mosaic
from pspy_dask.io.ome_zarr import write_image
from pspy_dask.parameters import METHODS

_BASE = {"gaussian": 2.0, "min_size": 20}
RECIPES: dict[str, dict[str, Any]] = {
    **{method: {**_BASE, "threshold": method} for method in METHODS},
    "otsu, watershed": {**_BASE, "threshold": "otsu", "watershed": True},
    "otsu, table": {**_BASE, "threshold": "otsu", "table": True},
}
_LARGE = "otsu, watershed"
_FOLDER = "benchmarks.candidates."


def measured(side: int, *, runs: int, particlespy: str | None) -> list[dict[str, Any]]:
    """Return a row for each recipe and candidate; the watershed also on 4 times the side.

    Parameters
    ----------
    side
        Of the mosaic.
    runs
        Timed runs of each, in turn.
    particlespy
        Interpreter of an environment that has ParticleSpy; None leaves it out.
    """
    rows = _measured_on(side, RECIPES, runs, particlespy)
    return rows + _measured_on(4 * side, {_LARGE: RECIPES[_LARGE]}, runs, None)


def _measured_on(
    side: int, recipes: dict[str, dict[str, Any]], runs: int, particlespy: str | None
) -> list[dict[str, Any]]:
    rows = []
    with written_mosaic(side, in_memory=particlespy is not None) as path:
        for name, options in recipes.items():
            found = take_turns(_candidates(options, particlespy), path, runs=runs)
            if "pspy_dask" not in found:
                raise RuntimeError(f"the recipe {name} fails: see what its process said")
            tasks = tasks_of(options)
            rows += [
                _row(name, side, who, results, found, tasks if who == "pspy_dask" else None)
                for who, results in found.items()
            ]
    return rows


def _candidates(options: dict[str, Any], particlespy: str | None) -> list[Candidate]:
    who = [
        Candidate("pspy_dask", _FOLDER + "ours", options),
        Candidate("scikit-image", _FOLDER + "in_memory", options),
    ]
    plain = not options.get("watershed") and not options.get("table")
    if plain and options["threshold"] in ("otsu", "mean"):
        who.append(Candidate("dask-image, less", _FOLDER + "with_dask_image", options))
    if particlespy is not None and not options.get("table"):
        module = _FOLDER + "particlespy_process"
        who.append(Candidate("ParticleSpy", module, options, particlespy))
    return who


def _row(
    recipe: str,
    side: int,
    who: str,
    results: list[Run],
    found: dict[str, list[Run]],
    tasks: float | None,
) -> dict[str, Any]:
    seconds = [r.seconds for r in results]
    base = median(r.seconds for r in found["pspy_dask"])
    return {
        "recipe": recipe,
        "side": side,
        "who": who,
        "seconds": span(seconds),
        "speed": side * side / 1e6 / median(seconds),
        "ratio": median(seconds) / base,
        "peak": max(r.peak for r in results),
        "tasks": tasks,
        "objects": results[-1].result,
    }


def tasks_of(options: dict[str, Any], chunks: int = 256) -> float:
    """Return the tasks a chunk of the labels of a large image."""
    chosen = {k: v for k, v in options.items() if k != "table"}
    return tasks_a_chunk(ps.segment(image_of(chunks), **chosen).data)


@contextmanager
def written_mosaic(side: int, *, in_memory: bool = False) -> Iterator[str]:
    """Give the mosaic of the demo as OME-Zarr and, if asked, beside it as a NumPy file."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "mosaic.ome.zarr")
        write_mosaic(side, path)
        if in_memory:
            np.save(path + ".npy", mosaic((side, side)).data.astype(np.float32).compute())
        yield path


def write_mosaic(side: int, path: str) -> None:
    """Write the mosaic of the demo as OME-Zarr."""
    write = write_image(mosaic((side, side)), path)
    for step in write.steps():
        step.compute()
    write.finish()
