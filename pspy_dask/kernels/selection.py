"""Which pixels of a chunk are counted, handed over as one row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_] | None


def selected(values: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """Return the pixels in one row; nothing is copied if all count and they lie side by side."""
    return values.reshape(-1) if mask is None else values[mask]


def native(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values in the byte order of this machine, the only one that Numba reads."""
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
