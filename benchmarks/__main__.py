"""Everything side by side in one run: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
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
    pixels,
    plan,
    recipes,
    scaling,
)
from benchmarks import particlespy as its_environment
from benchmarks.contest import ONE_THREAD
from benchmarks.measure import machine
from benchmarks.readme import put_headline
from benchmarks.report import SECTIONS, headline, page

_LIBRARIES = ("numpy", "scipy", "scikit-image", "scikit-learn", "numba", "dask", "dask-image")
_FOLDER = Path(__file__).parent / "results"
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
            "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        }
        kept.write_text(json.dumps(results, indent=1) + "\n")
        print(SECTIONS[name](results[name]), flush=True)
    (given.out / "README.md").write_text(page(results))
    charts.draw(results, given.out / "results.png")
    if given.out.resolve() == _FOLDER.resolve():
        put_headline(_README, headline(results))


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
    if unknown := [name for name in given.sections if name not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]}: choose from {', '.join(SECTIONS)}")
    if given.runs < 1:
        parser.error(f"runs is {given.runs}: measure at least once")
    return given


def _with_one_thread() -> None:
    """Begin anew where libraries were not told to start one thread each: they look once."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        arguments = [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, **ONE_THREAD})


def _recipes(given: argparse.Namespace) -> dict[str, Any]:
    python, said = None, "ParticleSpy was not asked to take part."
    if given.particlespy:
        try:
            python, said = its_environment.interpreter(), f"{its_environment.RELEASE}."
        except RuntimeError as error:
            said = f"{error}."
    print(said, flush=True)
    rows = recipes.measured(given.side, runs=given.runs, particlespy=python)
    return {"side": given.side, "particlespy": said, "rows": rows}


MEASURES: dict[str, Callable[[argparse.Namespace], Any]] = {
    "kernels": lambda given: [f.row() for f in kernels.figures(runs=given.runs, side=given.side)],
    "pixels": lambda given: pixels.measured(given.side, runs=given.runs),
    "recipes": _recipes,
    "agreement": lambda given: agreement.measured(given.side),
    "objects": lambda given: objects.measured(
        (1000, 10_000, 100_000), runs=given.runs, side=given.side
    ),
    "components": lambda given: {
        "side": 2 * given.side,
        "rows": components.measured(2 * given.side, runs=given.runs),
    },
    "scaling": lambda given: scaling.measured(given.sides, runs=given.runs),
    "plan": lambda given: plan.measured(given.chunks),
    "compilation": lambda given: compilation.measured(),
}


if __name__ == "__main__":
    _with_one_thread()
    main()
