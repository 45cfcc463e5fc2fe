"""Images of any size that hold no pixels: what is planned on them is never run."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np

from pspy_dask.blocks.sources import ArraySource, lazy_array

_SIDE = 2048


class Nothing:
    """A uint16 image of any size that holds no memory; the recipe would read it at random."""

    dtype = np.dtype(np.uint16)
    ndim = 2

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError


def image_of(chunks: int) -> Any:
    """Return a lazy image of a square number of chunks."""
    across = isqrt(chunks)
    shape = (across * _SIDE, across * _SIDE)
    return lazy_array(ArraySource(Nothing(shape), (None, None)), ((_SIDE,) * across,) * 2)
