"""Everything side by side in one run: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import (
    agreement,
    charts,
    compilation,
    components,
    kernels,
    objects,
    particle_analysis,
    pixels,
    plan,
    recipes,
    scaling,
    watershed_memory,
)
from benchmarks import particlespy as its_environment
from benchmarks.contest import ONE_THREAD
from benchmarks.measure import machine
from benchmarks.readme import put_headline
from benchmarks.report import headline, page
from benchmarks.sections import SECTIONS

_LIBRARIES = ("numpy", "scipy", "scikit-image", "scikit-learn", "numba", "dask", "dask-image")
_FOLDER = Path(__file__).parent / "results"
_LEAST_SIDE = 512
_README = Path(__file__).parents[1] / "README.md"


def main() -> None:
    """Measure the sections, and write page, picture and numbers."""
    given = _arguments()
    kept = given.out / "results.json"
    given.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for name in given.sections or SECTIONS:
        print(f"measuring {name}", flush=True)
        results[name] = MEASURES[name](given)
        results.setdefault("taken", {})[name] = {
            "machine": machine(),
            "date": time.strftime("%Y-%m-%d"),
            "runs": given.runs,
            "commit": _commit(),
            "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        }
        kept.write_text(json.dumps(results, indent=1) + "\n")
        print(SECTIONS[name](results[name]), flush=True)
    (given.out / "README.md").write_text(page(results))
    charts.draw(results, given.out / "results.png")
    if given.out.resolve() == _FOLDER.resolve():
        put_headline(_README, headline(results))


def _commit() -> str:
    """Return the commit that is measured, if this is a clone."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=_FOLDER, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "sections", nargs="*", metavar="section", help=f"all, or some of {', '.join(SECTIONS)}"
    )
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each (default 5)")
    parser.add_argument("--side", type=int, default=4096, help="of the images (default 4096)")
    parser.add_argument(
        "--sides",
        type=int,
        nargs="+",
        default=[2048, 4096, 8192, 16384, 32768],
        help="of the mosaics that scaling is measured on",
    )
    parser.add_argument(
        "--chunks", type=int, nargs="+", default=[1024, 10_000, 1_000_000], help="of plans"
    )
    parser.add_argument("--out", type=Path, default=_FOLDER, help="folder of the results")
    parser.add_argument(
        "--particlespy",
        action="store_true",
        help="take ParticleSpy part; it is installed into an environment of its own if need be",
    )
    given = parser.parse_args()
    _check(parser, given)
    return given


def _check(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    if unknown := [name for name in given.sections if name not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]}: choose from {', '.join(SECTIONS)}")
    if given.runs < 1:
        parser.error(f"runs is {given.runs}: measure at least once")
    numbers = {
        "side": (_LEAST_SIDE, [given.side]),
        "sides": (_LEAST_SIDE, given.sides),
        "chunks": (1, given.chunks),
    }
    for name, (least, values) in numbers.items():
        if min(values) < least:
            parser.error(f"{name} is {min(values)}: give {least} or more")
    if given.out.exists() and not given.out.is_dir():
        parser.error(f"out is {given.out}, a file: give a folder")


def _with_one_thread() -> None:
    """Begin anew where libraries were not told to start one thread each: they look once."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        arguments = [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, **ONE_THREAD})


def _kernels(given: argparse.Namespace) -> list[dict[str, Any]]:
    rows = [figure.row() for figure in kernels.figures(runs=given.runs, side=given.side)]
    lesser = kernels.ratios_with_avx2(given.side, given.runs)
    return [row | {"avx2": lesser.get(row["name"])} for row in rows]


def _recipes(given: argparse.Namespace) -> dict[str, Any]:
    python, said = _particlespy(given)
    rows = recipes.measured(given.side, runs=given.runs, particlespy=python)
    return {"particlespy": said, "rows": rows}


def _analysis(given: argparse.Namespace) -> dict[str, Any]:
    python, said = _particlespy(given)
    counts = particle_analysis.OBJECTS
    rows = particle_analysis.measured(counts, runs=given.runs, python=python)
    return {"particlespy": said, "rows": rows}


def _particlespy(given: argparse.Namespace) -> tuple[str | None, str]:
    """Return the interpreter of ParticleSpy's environment, and what the page says of it."""
    python, said = None, "ParticleSpy was not asked to take part."
    if given.particlespy:
        try:
            python, said = its_environment.interpreter(), f"{its_environment.RELEASE}."
        except RuntimeError as error:
            said = f"{error}."
    print(said, flush=True)
    return python, said


MEASURES: dict[str, Callable[[argparse.Namespace], Any]] = {
    "kernels": _kernels,
    "pixels": lambda given: pixels.measured(given.side, runs=given.runs),
    "recipes": _recipes,
    "agreement": lambda given: agreement.measured(given.side),
    "objects": lambda given: objects.measured(
        (1000, 10_000, 100_000), runs=given.runs, side=given.side
    ),
    "analysis": _analysis,
    "components": lambda given: {
        "side": 2 * given.side,
        "rows": components.measured(2 * given.side, runs=given.runs),
    },
    "scaling": lambda given: scaling.measured(given.sides, runs=given.runs),
    "memory": lambda given: watershed_memory.figures(watershed_memory.SIDES),
    "plan": lambda given: plan.measured(given.chunks),
    "compilation": lambda given: compilation.measured(),
}


if __name__ == "__main__":
    _with_one_thread()
    main()
