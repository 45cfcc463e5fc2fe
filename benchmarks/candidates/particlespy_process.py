"""ParticleSpy's ``process`` in memory: it reads no Zarr, so the image comes as a NumPy file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def prepare(data: str, options: dict[str, Any]) -> Callable[[], int]:
    """Return the segmentation by ParticleSpy with the same parameters."""
    import hyperspy.api as hs
    from particlespy.particle_analysis import parameters
    from particlespy.segptcls import process

    image = hs.signals.Signal2D(np.load(data + ".npy"))
    chosen = parameters()
    size = options.get("local_size", 51)
    radius = size // 2 if "otsu" in options["threshold"] else size  # a disk's radius there
    chosen.generate(
        threshold=options["threshold"],
        gaussian=options["gaussian"],
        min_size=options["min_size"],
        watershed=options.get("watershed", False),
        watershed_size=round(2 * (options["min_size"] / np.pi) ** 0.5),
        local_size=radius,
    )

    def work() -> int:
        return len(np.unique(process(image, chosen))) - 1

    return work
