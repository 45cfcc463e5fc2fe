"""Plans that are never run: images of any size that hold no pixels, and how to count tasks."""

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


def optimized(array: Any) -> dict[Any, Any]:
    """Return the tasks that would be sent to compute a dask array."""
    return dict(array.__dask_optimize__(array.__dask_graph__(), array.__dask_keys__()))


def tasks_a_chunk(array: Any) -> float:
    """Return the tasks of a dask array over the number of its chunks."""
    return len(optimized(array)) / array.npartitions
