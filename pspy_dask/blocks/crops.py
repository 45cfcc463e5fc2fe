"""Small boxes of large arrays: alone, or many of them as one stack.

A box of a source reads that box and no more, and its graph has two tasks however many chunks the
array has. Of any other dask array it takes the chunks that it meets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.sources import Source, lazy_array, source_of

_PIXELS = 2**20  # of a chunk of a stack


@dataclass(frozen=True)
class CroppedSource:
    """A box of another source, the dask array of this name.

    The name stands for the pixels: an image in memory is not hashed anew for each of its crops.
    """

    source: Source
    box: Box
    name: str

    @property
    def shape(self) -> Index:
        """Lengths along the axes."""
        return self.box.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        return self.source.dtype

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of a box that is given from the corner of the crop."""
        start, stop = (
            tuple(a + b for a, b in zip(end, self.box.start, strict=True)) for end in box
        )
        return self.source.read(Box(start, stop))

    def __dask_tokenize__(self) -> Any:
        return type(self).__name__, self.name, tuple(self.box)


@dataclass(frozen=True)
class StackedSource:
    """Boxes of another source, each in the middle of zeros, one after the other.

    Attributes
    ----------
    source
        What holds the pixels.
    boxes
        Boxes of all its axes.
    size
        Lengths along the last axes, at least those of any box; before them boxes have length 1.
    name
        That of the array.
    """

    source: Source
    boxes: tuple[Box, ...]
    size: Index
    name: str

    @property
    def shape(self) -> Index:
        """Number of boxes, and the size of each."""
        return (len(self.boxes), *self.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        return self.source.dtype

    def read(self, box: Box) -> NDArray[Any]:
        """Return some of the stack."""
        some = self.boxes[box.start[0] : box.stop[0]]
        stack = np.stack([centred(self.source.read(one), self.size) for one in some])
        inner: NDArray[Any] = stack[(slice(None), *box.slices[1:])]
        return inner

    def __dask_tokenize__(self) -> Any:
        boxes = np.array(self.boxes, np.int64).tobytes()
        return type(self).__name__, self.name, boxes, self.size


def cut_out(array: da.Array, box: Box) -> da.Array:
    """Return a box of a dask array, of one chunk where the array is a source."""
    source = source_of(array)
    if source is None:
        part: da.Array = array[box.slices]
        return part
    return lazy_array(CroppedSource(source, box, array.name), tuple((n,) for n in box.shape))


def stack_boxes(array: da.Array, boxes: Sequence[Box], size: Index) -> da.Array:
    """Return boxes of an array, each in the middle of zeros, of shape ``(boxes, *size)``.

    Of a source a task reads as many boxes as make about a million pixels, each by itself.
    """
    source = source_of(array)
    if source is not None:
        whole = StackedSource(source, tuple(boxes), size, array.name)
        at_once = max(1, _PIXELS // max(1, prod(size)))
        starts = range(0, len(boxes), at_once)
        lengths = tuple(min(at_once, len(boxes) - k) for k in starts)
        return lazy_array(whole, (lengths, *((n,) for n in size)))
    place = delayed(centred)
    parts = [
        da.from_delayed(place(cut_out(array, box), size), size, dtype=array.dtype) for box in boxes
    ]
    stack: da.Array = da.stack(parts)
    return stack


def centred(pixels: NDArray[Any], size: Index) -> NDArray[Any]:
    """Return the pixels in the middle of zeros; where it is between two, before it.

    Axes of length 1 before the last ones are left out.

    >>> centred(np.array([[[7]]]), (1, 4)).tolist()
    [[0, 7, 0, 0]]
    """
    shape: Index = pixels.shape[pixels.ndim - len(size) :]
    result = np.zeros(size, pixels.dtype)
    starts = tuple((n - m) // 2 for n, m in zip(size, shape, strict=True))
    stops = tuple(a + m for a, m in zip(starts, shape, strict=True))
    result[Box(starts, stops).slices] = pixels.reshape(shape)
    return result
