"""``particle_analysis`` of ParticleSpy or of this project's names for it: the same script."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np


def prepare(data: str, options: dict[str, Any]) -> Callable[[], int]:
    """Return the analysis by the module that ``api`` names, after one of a corner of the image."""
    import hyperspy.api as hs

    ps = importlib.import_module(options["api"])
    pixels = np.load(data + ".npy")
    params = ps.parameters()
    params.generate()

    def work(pixels: Any = pixels) -> int:
        found = ps.particle_analysis(hs.signals.Signal2D(pixels), params)
        # All that was found is looked at, since here masks are made when they are asked for.
        return sum(bool(own.mask.any()) for own in found.list)

    work(pixels[:128, :128])
    return work
