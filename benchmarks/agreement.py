"""How far the particles of a watershed are scikit-image's: the partition of all the foreground."""

from __future__ import annotations

from typing import Any

from sklearn.metrics import adjusted_rand_score

import pspy_dask as ps
from benchmarks import planes
from benchmarks.candidates.in_memory import parted

_LEAST = 20


def measured(side: int) -> dict[str, Any]:
    """Return objects on both sides, the adjusted Rand index and the pixels left out by theirs."""
    (mask,) = planes.masks(planes.micrograph(side))
    theirs = parted(mask, _LEAST)[mask]
    ours = planes.computed(lambda plane: ps.watershed(plane, separation=5), mask)[mask]
    both = theirs > 0
    return {
        "side": side,
        "ours": int(ours.max()),
        "theirs": int(theirs.max()),
        "rand": float(adjusted_rand_score(ours[both], theirs[both])),
        "left_out": int((~both).sum()),
    }
