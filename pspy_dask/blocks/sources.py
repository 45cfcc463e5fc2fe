"""Arrays that a task can read at random, and the lazy dask arrays made of them.

A dask array whose top layer is a :class:`SourceLayer` is known to be that source and nothing
else, so a task may read its own window, halo included, straight from the source. Any further
operation puts another layer on top, and windows are then put together from chunks.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Protocol, runtime_checkable

import dask.array as da
import numpy as np
from dask._task_spec import Task, TaskRef
from dask.base import normalize_token, tokenize
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Grid, Index, make_grid
from pspy_dask.kernels.selection import native

Chunks = tuple[tuple[int, ...], ...]


@runtime_checkable
class Source(Protocol):
    """Anything picklable that returns the pixels of a box on demand."""

    @property
    def shape(self) -> Index:
        """Lengths along the axes."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        ...

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of the box; safe to call from several threads."""
        ...


@dataclass(frozen=True)
class ArraySource:
    """A NumPy or Zarr array, some of whose axes may be fixed at one position.

    Its pixels have the byte order of this machine, whatever that of the array.

    Parameters
    ----------
    array
        Anything with ``shape``, ``dtype`` and slicing.
    fixed
        For each axis of ``array`` the position to hold it at, or None to keep the axis.
    """

    array: Any
    fixed: tuple[int | None, ...]
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        refuse_masked(self.array, "the array")

    @property
    def shape(self) -> Index:
        """Lengths of the axes that are kept."""
        lengths = zip(self.array.shape, self.fixed, strict=True)
        return tuple(int(n) for n, at in lengths if at is None)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        dtype: np.dtype[Any] = np.dtype(self.array.dtype).newbyteorder("=")
        return dtype

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of the box."""
        return native(np.asarray(self.array[box.among(self.fixed)]))

    def __dask_tokenize__(self) -> Any:
        """Two arrays with equal bytes are one source, files are told apart by their token."""
        content = self.array if isinstance(self.array, np.ndarray) else self.token
        return normalize_token((type(self).__name__, content, self.fixed))


def refuse_masked(array: Any, what: str) -> None:
    """Raise TypeError where an array, NumPy's or dask's, hides some of its pixels."""
    if isinstance(getattr(array, "_meta", array), np.ma.MaskedArray):
        raise TypeError(
            f"{what} is masked, and what it hides would count: fill it with nan, as in "
            "image.astype(float).filled(nan), or labels with 0"
        )


class SourceLayer(MaterializedLayer):
    """The layer of a dask array that is a source, chunk by chunk."""

    def __init__(self, tasks: Mapping[Any, Task], source: Source) -> None:
        super().__init__(tasks)
        self.source = source


def lazy_array(source: Source, chunks: Chunks) -> da.Array:
    """Return a dask array that reads each chunk of the source when it is asked for."""
    grid = make_grid(chunks)
    name = f"source-{tokenize(source, chunks)}"
    root = f"open-{name}"
    tasks: dict[Any, Task] = {root: Task(root, _itself, source)}
    for index in product(*map(range, grid.levels[0])):
        key = (name, *index)
        tasks[key] = Task(key, _read, TaskRef(root), grid.box(0, index))
    graph = HighLevelGraph({name: SourceLayer(tasks, source)}, {name: set()})
    return da.Array(graph, name, chunks=chunks, dtype=source.dtype)


def source_of(array: da.Array) -> Source | None:
    """Return the source that this dask array is, or None where it is anything else."""
    layer = array.dask.layers.get(array.name)
    return layer.source if isinstance(layer, SourceLayer) else None


def _itself(source: Source) -> Source:
    return source


def _read(source: Source, box: Box) -> NDArray[Any]:
    return source.read(box)


__all__ = [
    "ArraySource",
    "Chunks",
    "Grid",
    "Source",
    "SourceLayer",
    "lazy_array",
    "refuse_masked",
    "source_of",
]
