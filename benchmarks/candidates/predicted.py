"""A lazy prediction over a mosaic of any size, of which one number is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.pixels import predicted
from pspy_dask.datasets import mosaic


def prepare(data: str, options: dict[str, Any]) -> Callable[[], int]:
    """Return what predicts chunk by chunk and counts the pixels of particles."""
    side = options["side"]
    classes = predicted(mosaic((side, side), chunks=options["chunks"]))

    def work() -> int:
        return int((classes == 2).sum().compute(scheduler="synchronous"))

    return work
