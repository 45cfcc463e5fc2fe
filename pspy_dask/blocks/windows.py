"""Windows: a chunk and its halo, brought to a task in one go.

Where the image is a source that can be read at random the task reads its window itself;
otherwise the window is put together from the chunks it meets. Either way it is one task a chunk,
and the halo is clipped at the edges of the image. A plane in a volume of one plane is a plane:
tasks do not see an axis of length 1 before the last two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask._task_spec import Task, TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from pspy_dask.blocks.cheap import CheapLayer
from pspy_dask.blocks.grid import Box, Grid, Index, make_grid
from pspy_dask.blocks.sources import Source, source_of

Key = tuple[Any, ...]
Graph = dict[Any, Task]


class Window(NamedTuple):
    """Where the pixels that a task was given lie: the chunk itself, and the chunk with its halo."""

    core: Box
    outer: Box
    shape: Index
    frame: int | None

    @property
    def crop(self) -> tuple[slice, ...]:
        """Index that cuts the chunk out of the window."""
        return self.core.within(self.outer)


PixelFunction = Callable[..., NDArray[Any]]


@dataclass(frozen=True)
class Pass:
    """One pass over all windows of an image; what its tasks share.

    Attributes
    ----------
    grid
        Chunks of one frame.
    frames
        Number of frames, or None where the image has no time axis.
    frame_edges
        Boundaries of the time chunks of the dask array.
    source
        What tasks read from; None where they get the chunks of a dask array.
    array
        Name of that dask array.
    halo
        Width of the halo along each axis.
    framed
        For each lazy value that tasks take: whether there is one for each frame.
    values
        Names of those lazy values.
    flat
        Whether the array has an axis of length 1 before the last two, which windows have not.
    """

    grid: Grid
    frames: int | None
    frame_edges: Index
    source: Source | None
    array: str
    halo: Index
    framed: tuple[bool, ...]
    values: tuple[str, ...]
    flat: bool

    def key(self, name: str, frame: int | None, index: Index, *, layers: bool = False) -> Key:
        """Return the key of a chunk in an array on the chunks of the pass.

        Where every pixel has ``layers``, all of them lie in one chunk.
        """
        return (name, *lead(frame), *((0,) * layers), *self._only, *index)

    def block(
        self, pixels: NDArray[Any], frame: int | None, *, layers: bool = False
    ) -> NDArray[Any]:
        """Return the pixels of a window's chunk with the axes that the array has besides."""
        return pixels[(None,) * len(lead(frame)) + (slice(None),) * layers + (None,) * self.flat]

    @property
    def _only(self) -> Index:
        return (0,) * self.flat

    def window(self, frame: int | None, index: Index) -> Window:
        """Return the place of a chunk's window."""
        core = self.grid.box(0, index)
        return Window(core, core.grow(self.halo, self.grid.shape), self.grid.shape, frame)

    def inputs(self, frame: int | None, index: Index) -> list[TaskRef]:
        """Return what a chunk's task depends on; see `inputs_of`."""
        return self.inputs_of(self.window(frame, index))

    def inputs_of(self, window: Window) -> list[TaskRef]:
        """Return what a window's task depends on: the lazy values, then the chunks it meets."""
        frame = window.frame
        keys: list[Key] = []
        for name, framed in zip(self.values, self.framed, strict=True):
            keys.append((name, frame, 0) if framed else (name, 0))
        if self.source is None:
            at = () if frame is None else (self._time_chunk(frame),)
            at = (*at, *self._only)
            keys += [(self.array, *at, *near) for near in self.grid.chunks_meeting(window.outer)]
        return [TaskRef(key) for key in keys]

    def root(self, key: str, value: Any) -> Task:
        """Return the task that holds once what all tasks of the pass share.

        It waits for the first chunk of a dask array that the pass reads: dask's local schedulers
        run a task without inputs after all that became ready later, and would have every chunk
        wait in memory for it. For passes that read all chunks anyway.
        """
        first = None if self.frames is None else 0
        some = self.inputs(first, (0,) * len(self.grid.shape))[len(self.values) :]
        return Task(key, share, value, *some[:1])

    def read(self, window: Window, inputs: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Return the pixels of the window, then the lazy values it was given."""
        values = [v[0] if f else v for v, f in zip(inputs, self.framed, strict=False)]
        frame, outer = window.frame, window.outer
        if self.source is None:
            return self._joined(window, inputs[len(self.framed) :]), *values
        at = (*lead(frame), *self._only)
        box = Box((*at, *outer.start), (*(i + 1 for i in at), *outer.stop))
        return self.source.read(box)[(0,) * len(at)], *values

    def _joined(self, window: Window, blocks: Sequence[NDArray[Any]]) -> NDArray[Any]:
        outer = window.outer
        pixels = np.empty(outer.shape, blocks[0].dtype)
        for near, block in zip(self.grid.chunks_meeting(outer), blocks, strict=True):
            box = self.grid.box(0, near)
            common = box.overlap(outer)
            at: Index = ()
            if window.frame is not None:
                at = (window.frame - self.frame_edges[self._time_chunk(window.frame)],)
            plane = block[(*at, *self._only)]
            pixels[common.within(outer)] = plane[common.within(box)]
        return pixels

    def _time_chunk(self, frame: int) -> int:
        return int(np.searchsorted(self.frame_edges, frame, side="right")) - 1

    @property
    def all_frames(self) -> Iterator[int | None]:
        """Yield every frame, or None once where there is no time axis."""
        return iter([None] if self.frames is None else range(self.frames))


def plan_pass(
    array: da.Array, *, halo: Index, frames: bool, values: Sequence[da.Array] = ()
) -> Pass:
    """Return the pass over a dask array, whose first axis is time where ``frames``.

    The halo has a width for every axis of a frame, also for one of length 1. Every lazy value is an
    array with one axis of parameters, preceded by a time axis of one frame a chunk where there is
    one value for each frame.
    """
    grid, flat = frame_grid(array, frames=frames)
    edges = tuple(np.cumsum((0, *array.chunks[0])).tolist()) if frames else ()
    return Pass(
        grid=grid,
        frames=array.shape[0] if frames else None,
        frame_edges=edges,
        source=source_of(array),
        array=array.name,
        halo=halo[flat:],
        framed=tuple(v.ndim == 2 for v in values),
        values=tuple(v.name for v in values),
        flat=flat,
    )


def frame_grid(array: da.Array, *, frames: bool) -> tuple[Grid, bool]:
    """Return the chunks of one frame, and whether an axis of length 1 was left out of them."""
    spatial = array.chunks[1:] if frames else array.chunks
    flat = len(spatial) == 3 and sum(spatial[0]) == 1
    return make_grid(spatial[flat:]), flat


def map_windows(
    array: da.Array,
    function: PixelFunction,
    *,
    halo: Index,
    dtype: Any,
    frames: bool = False,
    values: Sequence[da.Array] = (),
    layers: int | None = None,
) -> da.Array:
    """Return ``function(pixels, window, *values)`` of every window, one task a chunk.

    The function gets the window with its halo and returns the pixels of the chunk alone. The
    result has the chunks of the array, but for time, of which every chunk holds one frame. Where
    the function returns so many ``layers`` of each pixel, they are an axis before those of space.
    """
    plan = plan_pass(array, halo=halo, frames=frames, values=values)
    name = f"windows-{tokenize(array.name, function, halo, [v.name for v in values])}"
    root = f"plan-{name}"
    layered = layers is not None
    tasks: Graph = {root: Task(root, share, (plan, function, layered))}
    for frame in plan.all_frames:
        for index in plan.grid.nodes(0):
            key = plan.key(name, frame, index, layers=layered)
            inputs = plan.inputs(frame, index)
            tasks[key] = Task(key, _map_task, TaskRef(root), frame, index, *inputs)
    return finish_graph(name, tasks, plan, [array], values, dtype, layers)


def finish_graph(
    name: str,
    tasks: Graph,
    plan: Pass,
    arrays: Sequence[da.Array],
    values: Sequence[da.Array],
    dtype: Any,
    layers: int | None = None,
    cheap: bool = False,
) -> da.Array:
    """Return the dask array whose chunks are the tasks of this name, on the chunks of the pass."""
    needed: list[Any] = [*dask_inputs(arrays), *values]
    layer = CheapLayer(tasks) if cheap else tasks
    graph = HighLevelGraph.from_collections(name, layer, dependencies=needed)
    chunks = (*((1,) for _ in range(plan.flat)), *plan.grid.chunks)
    if layers is not None:
        chunks = ((layers,), *chunks)
    if plan.frames is not None:
        chunks = ((1,) * plan.frames, *chunks)
    return da.Array(graph, name, chunks=chunks, dtype=dtype)


def dask_inputs(arrays: Sequence[da.Array]) -> list[Any]:
    """Return those arrays whose chunks tasks take as inputs; the others are read at random."""
    return [array for array in arrays if source_of(array) is None]


def lead(frame: int | None) -> tuple[int, ...]:
    """Return the leading part of a key: the frame where there is one."""
    return () if frame is None else (frame,)


def share(value: Any, first: Any = None) -> Any:
    """Return what all tasks of a pass share; a task of its own, which may wait for a chunk."""
    return value


def _map_task(
    shared: tuple[Pass, PixelFunction, bool],
    frame: int | None,
    index: Index,
    *inputs: NDArray[Any],
) -> NDArray[Any]:
    plan, function, layered = shared
    window = plan.window(frame, index)
    pixels, *values = plan.read(window, inputs)
    return plan.block(function(pixels, window, *values), frame, layers=layered)
