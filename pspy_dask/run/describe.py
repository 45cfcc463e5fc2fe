"""What an image holds, in words."""

from __future__ import annotations

from typing import Any

from pspy_dask.blocks.images import axis_units, pixel_size
from pspy_dask.blocks.sources import source_of
from pspy_dask.io.sources import open_image
from pspy_dask.run.summary import NO_UNIT


def describe_image(
    source: Any,
    *,
    channel: int | str | None = None,
    level: int = 0,
    axes: str | None = None,
) -> list[tuple[str, str]]:
    """Return pairs of a property and its value, without reading pixels."""
    image = open_image(source, channel=channel, level=level, axes=axes)
    steps, units = pixel_size(image), axis_units(image)
    sizes = [f"{dim} {n:,}" for dim, n in image.sizes.items()]
    extents = [
        f"{dim} {n * steps[str(dim)]:.5g} {units[str(dim)] or NO_UNIT}"
        for dim, n in image.sizes.items()
    ]
    pitch = [f"{dim} {steps[dim]:.6g} {units[dim] or NO_UNIT}" for dim in steps]
    chunks = image.chunks or ()
    largest = " x ".join(str(max(lengths)) for lengths in chunks)
    read = "read at random" if source_of(image.data) is not None else "read chunk by chunk"
    return [
        ("name", str(image.name or "none")),
        ("pixels", ", ".join(sizes)),
        ("type", f"{image.dtype}, {image.nbytes / 2**20:,.1f} MiB"),
        ("pixel size", ", ".join(pitch)),
        ("extent", ", ".join(extents)),
        ("chunks", f"{image.data.npartitions:,} of {largest}, {read}"),
    ]
