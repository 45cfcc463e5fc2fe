"""pspy_dask: from OME-Zarr to labels in Zarr, in one graph, chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import dask

import pspy_dask as ps
from pspy_dask.io.ome_zarr import write_labels


def prepare(data: str, options: dict[str, Any]) -> Callable[[], int]:
    """Return the recipe, or with ``table`` that of its labels and their table, nothing kept."""
    table = options.pop("table", False)

    def work() -> int:
        image = ps.open_image(data)
        labels = ps.segment(image, **options)
        if table:
            with dask.config.set(scheduler="synchronous"):
                return len(ps.region_properties(labels, image).compute())
        writing = write_labels(labels, data, name=f"labels-{os.getpid()}")
        try:
            with dask.config.set(scheduler="synchronous"):
                writing.step(0).compute()
            return int(writing.array(0)[:].max())
        finally:
            writing.discard()

    return work
