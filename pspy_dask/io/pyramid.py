"""Arrays of a pyramid on disk: stored from dask, and each level made of the one before.

Every function here returns a lazy dask array with one small number, the pixels written, for each
task, so that the caller chooses where to compute it. Tasks own whole stored chunks: a task that
runs twice writes the same bytes twice, and no two tasks write one chunk.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import dask.array as da
import numpy as np
import zarr
from dask._task_spec import Task, TaskRef
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from pspy_dask.blocks.cheap import chunk_of
from pspy_dask.blocks.grid import Box, Index, make_grid
from pspy_dask.io.layout import Layout
from pspy_dask.io.local_zarr import LocalArray, local
from pspy_dask.io.ome_metadata import Calibration
from pspy_dask.io.outputs import explain_full_disk

Pixels = NDArray[Any]
Array = zarr.Array[Any] | LocalArray
Method = Literal["nearest", "mode", "mean"]


@dataclass(frozen=True)
class Level:
    """One level of a pyramid: its array in the group, how it is cut, what its pixels measure."""

    path: str
    shape: Index
    layout: Layout
    calibration: Calibration


def half(shape: Index) -> Index:
    """Return the shape of the next level: y and x halved, the odd pixel kept.

    >>> half((3, 5, 8))
    (3, 3, 4)
    """
    return (*shape[:-2], -(-shape[-2] // 2), -(-shape[-1] // 2))


def downsample(pixels: Pixels, method: Method) -> Pixels:
    """Return one pixel for each 2 x 2 block of the last two axes.

    Parameters
    ----------
    pixels
        Array ``(..., y, x)`` that starts at an even row and column of the level. Blocks cut by
        the last row or column have only the pixels that exist.
    method
        ``"nearest"``: the first pixel, of index ``(2 i, 2 j)``. ``"mode"``: the value most
        frequent in the block; of equally frequent values the smallest that is not 0.
        ``"mean"``: the mean; for integers rounded to the nearest, halves up.

    Examples
    --------
    >>> downsample(np.array([[0, 7, 3, 3, 5], [0, 7, 3, 4, 0]]), "mode")
    array([[7, 3, 5]])
    """
    if method == "nearest":
        return pixels[..., ::2, ::2]
    odd = [(0, 0)] * (pixels.ndim - 2) + [(0, n % 2) for n in pixels.shape[-2:]]
    # Doubling the last row or column leaves the mode, its ties and the mean as they are.
    even = (
        np.pad(pixels, odd, mode="edge") if any(pixels.shape[k] % 2 for k in (-2, -1)) else pixels
    )
    corners = [even[..., i::2, j::2] for i, j in product((0, 1), repeat=2)]
    return _METHODS[method](*corners)


def store(array: da.Array, target: zarr.Array[Any], layout: Layout) -> da.Array:
    """Return a lazy write of the array, one task for each of its blocks.

    The array is rechunked to the layout's blocks if its chunks are not those already.
    """
    source = array.rechunk(layout.blocks)
    return _writes(
        layout, (local(target),), _store, lambda index: (chunk_of(source, index),), source
    )


def build_level(
    previous: zarr.Array[Any], target: zarr.Array[Any], layout: Layout, method: Method
) -> da.Array:
    """Return a lazy write of a level, each task reading its own window of the level before."""
    arrays = (local(target), local(previous))
    return _writes(layout, arrays, _build, lambda _: (layout.chunk, method))


def _writes(
    layout: Layout,
    arrays: tuple[Array, ...],
    write: Callable[..., NDArray[np.int64]],
    inputs: Callable[[Index], tuple[Any, ...]],
    *sources: da.Array,
) -> da.Array:
    """One task ``write(arrays, box, *inputs(index))`` for each block of the layout.

    The arrays, the first of which is written, reach the tasks through one shared root: a graph
    then holds them once.
    """
    grid = make_grid(layout.blocks)
    name = f"write-{uuid.uuid4().hex}"  # a write is never taken for another
    root = f"open-{name}"
    tasks: dict[Any, Task] = {root: Task(root, _these, *arrays)}
    for index in product(*map(range, grid.levels[0])):
        key = (name, *index)
        tasks[key] = Task(key, write, TaskRef(root), grid.box(0, index), *inputs(index))
    depends: list[Any] = list(sources)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=depends)
    ones = tuple((1,) * n for n in grid.levels[0])
    return da.Array(graph, name, chunks=ones, dtype=np.dtype(np.int64))


def _these(*arrays: Array) -> tuple[Array, ...]:
    return arrays


def _store(arrays: tuple[Array], box: Box, pixels: Pixels) -> NDArray[np.int64]:
    (target,) = arrays
    if box.size:
        with explain_full_disk(str(target.store_path)):
            target[box.slices] = np.asarray(pixels)
    return np.full((1,) * len(box.shape), box.size, np.int64)


def _build(
    arrays: tuple[Array, Array], box: Box, chunk: Index, method: Method
) -> NDArray[np.int64]:
    """Fill a block by rows of stored chunks, so that no window of four blocks is ever in memory."""
    target, previous = arrays
    pixels = np.empty(box.shape, target.dtype)
    for y in range(0, box.shape[-2], chunk[-2]):
        rows = slice(y, min(y + chunk[-2], box.shape[-2]))
        start, stop = box.start[-2] + rows.start, box.start[-2] + rows.stop
        window = (
            *box.slices[:-2],
            slice(2 * start, min(2 * stop, previous.shape[-2])),
            slice(2 * box.start[-1], min(2 * box.stop[-1], previous.shape[-1])),
        )
        pixels[..., rows, :] = downsample(np.asarray(previous[window]), method)
    return _store((target,), box, pixels)


def _mode(a: Pixels, b: Pixels, c: Pixels, d: Pixels) -> Pixels:
    """Most frequent of four, by sorting them: equal values are then side by side."""
    low, high = (np.minimum(a, b), np.minimum(c, d)), (np.maximum(a, b), np.maximum(c, d))
    first, last = np.minimum(*low), np.maximum(*high)
    inner = np.maximum(*low), np.minimum(*high)
    second, third = np.minimum(*inner), np.maximum(*inner)
    # Two pairs, or none: a tie, which 0 loses.
    two_pairs = np.where((first == 0) & (third == last), third, first)
    upper_pair = np.where(third == last, third, np.where(first == 0, second, first))
    outer: Pixels = np.where(first == second, two_pairs, upper_pair)
    return np.where(second == third, second, outer)


def _mean(a: Pixels, b: Pixels, c: Pixels, d: Pixels) -> Pixels:
    corners = (a, b, c, d)
    if a.dtype == bool:
        return np.asarray(np.sum(corners, axis=0, dtype=np.uint8) >= 2)
    if a.dtype.kind == "f":
        wide = [x.astype(np.promote_types(a.dtype, np.float32), copy=False) / 4 for x in corners]
        return ((wide[0] + wide[1]) + (wide[2] + wide[3])).astype(a.dtype)
    # Quarters and remainders apart: the sum of four may not fit the type of the pixels.
    quarters = sum(x >> 2 for x in corners)
    return np.asarray(quarters + ((sum(x & 3 for x in corners) + 2) >> 2), a.dtype)


_METHODS: Mapping[str, Callable[[Pixels, Pixels, Pixels, Pixels], Pixels]] = {
    "mode": _mode,
    "mean": _mean,
}
