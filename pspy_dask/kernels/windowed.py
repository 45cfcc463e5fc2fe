"""Components too large for one raster, flooded window by window.

Windows lie on a lattice of the image: tiles that begin at multiples of their side, each with a
reach of pixels around it. Distances, markers and flood of a tile come from its window alone; a
marker is known by the position of its first pixel, so that windows that see the same marker name
the same object, and an object may go through many tiles. What a window does not show may make a
difference: for pixels on both sides of the seams between tiles, what two windows say is compared,
and the share of those that differ tells how far the result is in doubt. It is the same whatever
the chunks, for the lattice follows from the budget alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.maxima import MARKER, join_markers
from pspy_dask.kernels.parting import SplitRule, grow, mark, raster_size
from pspy_dask.kernels.pieces import ImageRuns, Ints, Pieces, collect
from pspy_dask.kernels.rasters import neighbours, scratch
from pspy_dask.kernels.runs import Runs, label_runs

Bounds = tuple[Ints, Ints]

_REACH = 8  # the reach is so small a part of a window's side


class Flooded(NamedTuple):
    """Components flooded by windows; pixels beside seams of tiles; those of them that differ."""

    giants: int
    compared: int
    differing: int

    def merge(self, other: Flooded) -> Flooded:
        """Add the counts."""
        return Flooded(*(a + b for a, b in zip(self, other, strict=True)))


class Lattice(NamedTuple):
    """Tiles of one side at multiples of it, and how far a window reaches beyond its tile."""

    side: int
    reach: int

    def tiles(
        self, low: Sequence[int], high: Sequence[int], shape: tuple[int, ...]
    ) -> Iterator[Bounds]:
        """Yield the bounds of the tiles that meet a box of an image."""
        spans = (range(a // self.side, -(-b // self.side)) for a, b in zip(low, high, strict=True))
        for index in product(*spans):
            start = np.array(index) * self.side
            yield start, np.minimum(start + self.side, shape)

    def window(self, low: Ints, high: Ints, shape: tuple[int, ...]) -> Bounds:
        """Return a tile with its reach, clipped at the edges of the image."""
        return np.maximum(low - self.reach, 0), np.minimum(high + self.reach, shape)

    def margin(self, edges: Sequence[int]) -> int:
        """Return how far windows of tiles reach beyond chunks with these boundaries.

        >>> Lattice(8, 2).margin([0, 16, 32, 37]), Lattice(8, 2).margin([0, 9, 20])
        (2, 9)
        """
        before = max(edge % self.side for edge in edges[:-1])
        behind = max((-edge % self.side for edge in edges[1:-1]), default=0)
        return max(before, behind) + self.reach


def lattice_of(budget: int, axes: int) -> Lattice:
    """Return the lattice whose windows hold no more pixels than the budget.

    >>> lattice_of(10_000, axes=2), lattice_of(4096, axes=3)
    (Lattice(side=76, reach=12), Lattice(side=12, reach=2))
    """
    window = int(budget ** (1 / axes) + 1e-9)
    reach = window // _REACH
    return Lattice(window - 2 * reach, reach)


def split_giants(
    runs: ImageRuns, component: Ints, count: int, shape: tuple[int, ...], rule: SplitRule
) -> tuple[Pieces, Flooded]:
    """Return the objects of some components, all of whose runs are given, and what is in doubt.

    Parameters
    ----------
    runs, component
        Runs and the component of each, 1 to ``count``.
    count
        Number of components.
    shape, rule
        As in :func:`pspy_dask.kernels.split.split_components`.
    """
    lattice = lattice_of(rule.budget, 3 if shape[0] > 1 else 2)
    own, seen = [np.zeros((4, 0), np.int64)], [np.zeros((4, 0), np.int64)]
    squared = scratch(np.minimum(lattice.side + 2 * lattice.reach, shape)[None], rule.steps)
    for tile in lattice.tiles((0, 0, 0), shape, shape):
        window = lattice.window(*tile, shape)
        part = _rows_between(runs, *window, shape)
        if part.start == part.stop:
            continue
        label, names = _flood_window(
            runs.row[part],
            runs.first[part],
            runs.stop[part],
            component[part],
            count,
            np.array(shape),
            window[0],
            window[1] - window[0],
            rule.separation,
            float(rule.erosion),
            np.array(rule.steps, np.float64),
            squared,
        )
        own.append(_runs_in(label, names, window, shape, tile))
        seen += [_runs_in(label, names, window, shape, strip) for strip in _beside(*tile, shape)]
    named, told = np.concatenate(own, axis=1), np.concatenate(seen, axis=1)
    own.clear()  # the runs of an image take most of the memory
    order = np.argsort(named[0] * shape[2] + named[1])
    for column in named:
        column[:] = column[order]
    compared, differing = _differences(named, told, shape[2])
    return _objects(_joined_at_seams(named), shape, rule), Flooded(count, compared, differing)


def _rows_between(runs: ImageRuns, low: Ints, high: Ints, shape: tuple[int, ...]) -> slice:
    """Return where the runs of a window's first to its last row lie."""
    rows = low[0] * shape[1] + low[1], (high[0] - 1) * shape[1] + high[1]
    return slice(*np.searchsorted(runs.row, rows))


def _runs_in(
    label: NDArray[np.int32], names: Ints, window: Bounds, shape: tuple[int, ...], box: Bounds
) -> Ints:
    """Return (row, first, stop, name of the object) in a box inside the window."""
    origin, size = window[0], window[1] - window[0]
    room = np.empty((4, 256), np.int64)
    runs, count = collect(label, names, origin, size, np.array(shape), *box, room, 0)
    found: Ints = runs[:, :count].copy()
    return found


@compiled
def _flood_window(
    row: Any,
    first: Any,
    stop: Any,
    member: Any,
    members: int,
    shape: Any,
    origin: Any,
    size: Any,
    separation: int,
    erosion: float,
    steps: Any,
    squared: Any,
) -> Any:
    """Return the raster of labels and the name of each: the position of its first marker pixel."""
    planes, height, width = int(size[0]), int(size[1]), int(size[2])
    pixels = raster_size(planes, height, width)
    faces, around = neighbours(planes, height, width)
    component, label = np.zeros(pixels, np.int32), np.zeros(pixels, np.int32)
    rank, room = np.empty(pixels, np.int32), np.empty(pixels, np.int32)
    heads, tails = np.full(1024, -1, np.int32), np.full(1024, -1, np.int32)
    _paint_clipped(row, first, stop, member, shape, origin, size, component)
    markers = mark(
        component,
        members,
        planes,
        height,
        width,
        around,
        separation,
        erosion,
        steps,
        squared,
        label,
        rank,
        room,
    )
    names = _first_pixels(label, markers, 0, origin, size, shape, np.full(1, -1, np.int64))
    grow(component, pixels, faces, around, squared, label, rank, room, heads, tails)
    for at in range(pixels):  # parts that no marker inside the window reaches
        if component[at] != 0 and label[at] == 0:
            label[at] = MARKER
    count = join_markers(label, planes, height, width, around, room, markers)
    return label, _first_pixels(label, count, markers, origin, size, shape, names)


@compiled
def _paint_clipped(
    row: Any,
    first: Any,
    stop: Any,
    member: Any,
    shape: Any,
    origin: Any,
    size: Any,
    component: Any,
) -> None:
    deep = 1 if size[0] > 1 else 0
    for i in range(row.size):
        z = row[i] // shape[1]
        y = row[i] - z * shape[1] - origin[1]
        if y < 0 or y >= size[1]:
            continue
        base = ((z - origin[0] + deep) * (size[1] + 2) + y + 1) * (size[2] + 2) + 1
        for x in range(max(first[i] - origin[2], 0), min(stop[i] - origin[2], size[2])):
            component[base + x] = member[i]


@compiled
def _first_pixels(
    label: Any, count: int, known: int, origin: Any, size: Any, shape: Any, names: Any
) -> Any:
    """Return the positions of the first pixels of labels 1 to ``count``, some of them known."""
    result = np.full(count + 1, -1, np.int64)
    result[: known + 1] = names[: known + 1]
    deep = 1 if size[0] > 1 else 0
    for z in range(size[0]):
        for y in range(size[1]):
            base = ((z + deep) * (size[1] + 2) + y + 1) * (size[2] + 2) + 1
            line = ((z + origin[0]) * shape[1] + y + origin[1]) * shape[2] + origin[2]
            for x in range(size[2]):
                own = label[base + x]
                if own > known and result[own] < 0:
                    result[own] = line + x
    return result


def _beside(low: Ints, high: Ints, shape: tuple[int, ...]) -> Iterator[Bounds]:
    """Yield the strips, a pixel wide, in which other tiles lie against the faces of this one."""
    for axis in range(3):
        for at in (low[axis] - 1, high[axis]):
            if 0 <= at < shape[axis]:
                start, stop = low.copy(), high.copy()
                start[axis], stop[axis] = at, at + 1
                yield start, stop


def _differences(objects: Ints, seen: Ints, width: int) -> tuple[int, int]:
    """Count the pixels that neighbours see, and those of which they say something else."""
    row, first, stop, name = seen
    length = stop - first
    step = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    keys = np.repeat(row * width + first, length) + step
    holder = np.searchsorted(objects[0] * width + objects[1], keys, side="right") - 1
    return keys.size, int((objects[3][holder] != np.repeat(name, length)).sum())


def _objects(named: Ints, shape: tuple[int, ...], rule: SplitRule) -> Pieces:
    """Return the objects that are kept of runs sorted by position, each in one piece.

    Where two windows disagree, a name may stand on both sides of a seam and not across it.
    """
    row, first, stop, name = named
    starts = np.searchsorted(row, np.arange(shape[0] * shape[1] + 1))
    runs = Runs(starts, first.astype(np.int32), stop.astype(np.int32))
    owner = label_runs(runs, shape[0], name)
    head = np.unique(owner, return_index=True)[1]
    z, y = np.divmod(row, shape[1])
    on_edge = (first == 0) | (stop == shape[2]) | (y == 0) | (y == shape[1] - 1)
    if shape[0] > 1:
        on_edge |= (z == 0) | (z == shape[0] - 1)
    kept = np.bincount(owner, stop - first) >= rule.min_size
    if rule.clear_border:
        kept &= np.bincount(owner, on_edge) == 0
    inside, place = kept[owner], np.cumsum(kept) - 1
    return Pieces(
        row[inside],
        first[inside],
        stop[inside],
        place[owner[inside]],
        row[head[kept]],
        first[head[kept]],
    )


def _joined_at_seams(named: Ints) -> Ints:
    """Return the table with runs that go on in the next under the same name made one."""
    row, first, stop, name = named
    begins = np.ones(row.size, bool)
    begins[1:] = (row[1:] != row[:-1]) | (first[1:] != stop[:-1]) | (name[1:] != name[:-1])
    if begins.all():
        return named
    ends = np.append(begins[1:], True)[: row.size]
    return np.stack((row[begins], first[begins], stop[ends], name[begins]))
