"""Sums over space of arrays that have more axes than space, one chunk of the array at a time.

A spectrum image has a whole spectrum, or a diffraction pattern, at every pixel. Each chunk of it
is read once, with the labels of its pixels, and leaves a partial result; those of the same part
of the spectrum merge in a tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import dask.array as da
import numpy as np
from dask._task_spec import Task, TaskRef
from dask.array.core import normalize_chunks
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Grid, Index, make_grid
from pspy_dask.blocks.images import native_pixels
from pspy_dask.blocks.merging import merge_partials, merge_tree
from pspy_dask.blocks.sources import ArraySource, Source, lazy_array, refuse_masked, source_of
from pspy_dask.blocks.windows import Graph, Key, dask_inputs, share


def lazy_cube(array: Any) -> da.Array:
    """Return an array of any number of axes over dask, in chunks that keep to stored ones."""
    if isinstance(array, da.Array):
        refuse_masked(array, "the array")
        return native_pixels(array)
    known = array if hasattr(array, "dtype") else np.asarray(array)
    stored = getattr(known, "shards", None) or getattr(known, "chunks", None)
    chunks = normalize_chunks("auto", known.shape, dtype=known.dtype, previous_chunks=stored)
    return lazy_array(ArraySource(known, (None,) * known.ndim), chunks)


class SpectrumReducer(Protocol):
    """What is summed up; ``merge`` is associative and commutative to the last bit."""

    def wants(self, labels: NDArray[Any]) -> bool:
        """Whether the pixels of a chunk with these labels add to the result."""
        ...

    def partial(self, labels: NDArray[Any], pixels: NDArray[Any]) -> Any:
        """Return the partial result of a chunk whose first axes are those of the labels."""
        ...

    def nothing(self, shape: Index) -> Any:
        """Return the partial result of no chunk, for a part of the spectrum of this shape."""
        ...

    def merge(self, a: Any, b: Any) -> Any:
        """Return the partial result of two sets of chunks."""
        ...

    def finish(self, partial: Any) -> NDArray[Any]:
        """Return the rows of the result, each of the shape of that part of the spectrum."""
        ...


def sum_over_space(
    labels: da.Array,
    cube: da.Array,
    reducer: SpectrumReducer,
    *,
    spatial: Sequence[int],
    rows: int,
    dtype: Any,
) -> da.Array:
    """Return the rows that a reducer makes of labels and an array, as a lazy array.

    Parameters
    ----------
    labels
        Of the axes of space alone.
    cube
        The array; ``spatial`` says for each axis of the labels which of its axes that is.
    rows
        Length of the first axis of the result; the others are those of the cube that are left,
        in its chunks.
    """
    others = [k for k in range(cube.ndim) if k not in spatial]
    if source_of(labels) is None:
        labels = labels.rechunk(tuple(cube.chunks[k] for k in spatial))
    plan = SpectrumPass(
        make_grid(cube.chunks),
        tuple(spatial),
        source_of(labels),
        source_of(cube),
        labels.name,
        cube.name,
    )
    name = f"spectra-{tokenize(labels.name, cube.name, reducer, plan.spatial)}"
    root = f"plan-{name}"
    first = plan.inputs((0,) * cube.ndim)
    # As in Pass.root: a task without inputs would be run after all chunks were read.
    tasks: Graph = {root: Task(root, share, (plan, reducer), *first[:1])}
    for part in product(*(range(len(cube.chunks[k])) for k in others)):
        keys: list[Key] = []
        for place in product(*(range(len(cube.chunks[k])) for k in spatial)):
            index = plan.index(place, part)
            key: Key = (f"partial-{name}", *index)
            tasks[key] = Task(key, _partial_task, TaskRef(root), index, *plan.inputs(index))
            keys.append(key)
        last = merge_tree(tasks, name, part, keys, merge_partials, TaskRef(root))
        end: Key = (name, 0, *part)
        tasks[end] = Task(end, _finish_task, TaskRef(root), *last)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=dask_inputs([labels, cube]))
    chunks = ((rows,), *(cube.chunks[k] for k in others))
    return da.Array(graph, name, chunks=chunks, dtype=dtype)


@dataclass(frozen=True)
class SpectrumPass:
    """What the tasks of one pass over a cube share.

    Attributes
    ----------
    grid
        Chunks of the cube.
    spatial
        For each axis of the labels the axis of the cube.
    label_source, source
        What tasks read labels and cube from; None where they get chunks of a dask array.
    label_array, array
        Names of those dask arrays.
    """

    grid: Grid
    spatial: tuple[int, ...]
    label_source: Source | None
    source: Source | None
    label_array: str
    array: str

    def index(self, place: Index, part: Index) -> Index:
        """Return the index of the chunk at a place in space that has a part of the spectrum."""
        at = dict(zip(self.spatial, place, strict=True))
        rest = iter(part)
        return tuple(at[k] if k in at else next(rest) for k in range(len(place) + len(part)))

    def inputs(self, index: Index) -> list[TaskRef]:
        """Return what the task of a chunk depends on: chunk of the cube, chunk of the labels."""
        keys: list[Key] = []
        if self.source is None:
            keys.append((self.array, *index))
        if self.label_source is None:
            keys.append((self.label_array, *(index[k] for k in self.spatial)))
        return [TaskRef(key) for key in keys]

    def labels(self, index: Index, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return the labels of a chunk."""
        if self.label_source is None:
            return inputs[-1]
        start, stop = (tuple(end[k] for k in self.spatial) for end in self.grid.box(0, index))
        return self.label_source.read(Box(start, stop))

    def pixels(self, index: Index, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return the pixels of a chunk, with the axes of space before the others."""
        box = self.grid.box(0, index)
        pixels = inputs[0] if self.source is None else self.source.read(box)
        return np.moveaxis(pixels, self.spatial, range(len(self.spatial)))

    def part(self, index: Index) -> Index:
        """Return the shape of the part of the spectrum that a chunk has."""
        shape = self.grid.box(0, index).shape
        return tuple(n for k, n in enumerate(shape) if k not in self.spatial)


def _partial_task(
    shared: tuple[SpectrumPass, SpectrumReducer], index: Index, *inputs: NDArray[Any]
) -> Any:
    plan, reducer = shared
    labels = plan.labels(index, inputs)
    if not reducer.wants(labels):  # what is background alone is not even read
        return reducer.nothing(plan.part(index))
    return reducer.partial(labels, plan.pixels(index, inputs))


def _finish_task(shared: tuple[SpectrumPass, SpectrumReducer], *partials: Any) -> NDArray[Any]:
    return shared[1].finish(merge_partials(shared, *partials))
