"""Tables of 1e3, 1e4 and 1e5 objects in the same pixels: what an object costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import dask
import numpy as np
from skimage import measure

import pspy_dask as ps
from benchmarks import planes
from benchmarks.candidates.in_memory import COLUMNS
from benchmarks.measure import interleaved, memory_of, span

_LEAST_CELL = 4  # pixels a side that a disc needs


def discs(count: int, side: int) -> Any:
    """Return labels of a square number of discs, about as many as asked, on a lattice."""
    across = round(count**0.5)
    cell = side // across
    y = np.arange(across * cell)
    row, at = y // cell, y % cell - (cell - 1) / 2
    inside = at[:, None] ** 2 + at**2 <= (0.4 * cell) ** 2
    number = (row[:, None] * across + row + 1).astype(np.int32)
    return np.where(inside, number, 0).astype(np.int32)


# The same columns on both sides: sizes and intensities, and all that a shape has.
USUAL = ("area", "equivalent_diameter", "centroid", "bbox")
USUAL += tuple(f"intensity_{name}" for name in ("mean", "min", "max", "std"))
SHAPES = (
    *("area", "area_bbox", "area_convex", "axis_major_length", "axis_minor_length", "bbox"),
    *("centroid", "centroid_local", "eccentricity", "equivalent_diameter_area", "euler_number"),
    *("extent", "feret_diameter_max", "inertia_tensor", "inertia_tensor_eigvals", "moments"),
    *("moments_central", "moments_hu", "moments_normalized", "orientation", "perimeter"),
    *("perimeter_crofton", "solidity"),
)


def measured(counts: tuple[int, ...], *, runs: int, side: int) -> list[dict[str, Any]]:
    """Return rows for each number of objects: seconds of one core, ours and scikit-image's."""
    rows = []
    for count in counts:
        labels = discs(min(count, (side // _LEAST_CELL) ** 2), side)
        image = planes.micrograph(side)[: len(labels), : len(labels)]
        contests = {
            "intensities": (ours(labels, image, USUAL), theirs(labels, image, COLUMNS)),
            "shapes": (ours(labels, None, SHAPES), theirs(labels, None, ("label", *SHAPES))),
        }
        for what, works in contests.items():
            row = _compared(dict(zip(("ours", "theirs"), works, strict=True)), runs)
            rows.append({"objects": int(labels.max()), "what": what, "side": side, **row})
    return rows


def _compared(works: dict[str, Callable[[], object]], runs: int) -> dict[str, Any]:
    found = interleaved(works, runs=runs, clock=time.process_time)
    spans = {who: span(s) for who, s in found.items()}
    ratio = median(found["theirs"]) / median(found["ours"])
    return {**spans, "ratio": ratio, "memory": [memory_of(work) for work in works.values()]}


def ours(labels: Any, image: Any, properties: tuple[str, ...]) -> Callable[[], object]:
    """Return what measures in chunks of 2048 x 2048."""

    def work() -> object:
        with dask.config.set(scheduler="synchronous"):
            return ps.region_properties(labels, image, properties=properties).compute()

    return work


def theirs(labels: Any, image: Any, properties: tuple[str, ...]) -> Callable[[], object]:
    """Return what measures the same by scikit-image."""
    return lambda: measure.regionprops_table(labels, image, properties=properties)
