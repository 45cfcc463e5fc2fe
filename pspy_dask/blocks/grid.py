"""The chunk grid and its tree, as integers.

>>> grid = Grid(chunks=((2, 2, 1), (3, 1)), fan=(2, 2))
>>> grid.shape, grid.levels
((5, 4), ((3, 2), (2, 1), (1, 1)))
>>> grid.box(0, (2, 1))
Box(start=(4, 3), stop=(5, 4))
>>> grid.children(1, (0, 0))
((0, 0), (0, 1), (1, 0), (1, 1))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise, product
from math import prod
from typing import NamedTuple

Index = tuple[int, ...]


class Box(NamedTuple):
    """A half-open box of pixels, ``start[k] <= i[k] < stop[k]`` along each axis ``k``."""

    start: Index
    stop: Index

    @property
    def shape(self) -> Index:
        """Lengths along the axes."""
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))

    @property
    def size(self) -> int:
        """Number of pixels."""
        return prod(self.shape)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The box as an index into the whole image."""
        return tuple(map(slice, self.start, self.stop))

    def grow(self, halo: Index, shape: Index) -> Box:
        """Widen by the halo on every side, clipped at the edges of an image of this shape.

        >>> Box((0, 4), (2, 6)).grow((3, 1), shape=(9, 6))
        Box(start=(0, 3), stop=(5, 6))
        """
        start = tuple(max(0, a - h) for a, h in zip(self.start, halo, strict=True))
        stop = tuple(min(n, b + h) for b, h, n in zip(self.stop, halo, shape, strict=True))
        return Box(start, stop)

    def within(self, outer: Box) -> tuple[slice, ...]:
        """Index that cuts this box out of an array that holds ``outer``.

        >>> Box((4, 3), (5, 4)).within(Box((2, 3), (6, 6)))
        (slice(2, 3, None), slice(0, 1, None))
        """
        return tuple(
            slice(a - o, b - o) for a, b, o in zip(self.start, self.stop, outer.start, strict=True)
        )

    def among(self, fixed: tuple[int | None, ...]) -> tuple[slice | int, ...]:
        """Return the index of the box in an array that has axes held at a position, too.

        >>> Box((0, 2), (1, 4)).among((None, 5, None))
        (slice(0, 1, None), 5, slice(2, 4, None))
        """
        spans = iter(self.slices)
        return tuple(next(spans) if at is None else at for at in fixed)

    def overlap(self, other: Box) -> Box:
        """Return the pixels common to both boxes; they are assumed to meet."""
        start = tuple(map(max, self.start, other.start))
        stop = tuple(map(min, self.stop, other.stop))
        return Box(start, stop)


@dataclass(frozen=True)
class Grid:
    """Chunks of an image, and the tree that joins ``fan`` neighbours at every level.

    Level 0 holds the chunks. There is always at least one level above it, so that an image of
    one chunk takes the same path as any other.
    """

    chunks: tuple[tuple[int, ...], ...]
    fan: Index

    @cached_property
    def edges(self) -> tuple[Index, ...]:
        """Chunk boundaries along each axis, first 0, last the length of the image."""
        return tuple(tuple(accumulate(lengths, initial=0)) for lengths in self.chunks)

    @cached_property
    def shape(self) -> Index:
        """Shape of the image."""
        return tuple(e[-1] for e in self.edges)

    @cached_property
    def levels(self) -> tuple[Index, ...]:
        """Numbers of nodes along each axis, from the chunks to the single root."""
        counts = [tuple(map(len, self.chunks))]
        while len(counts) == 1 or max(counts[-1]) > 1:
            counts.append(tuple(-(-n // f) for n, f in zip(counts[-1], self.fan, strict=True)))
        return tuple(counts)

    @property
    def top(self) -> int:
        """Level of the root."""
        return len(self.levels) - 1

    def nodes(self, level: int) -> Iterator[Index]:
        """Return the indices of the nodes of a level, in raster order."""
        return product(*map(range, self.levels[level]))

    def box(self, level: int, index: Index) -> Box:
        """Pixels under a node."""
        start, stop = [], []
        for edges, i, f in zip(self.edges, index, self.fan, strict=True):
            width = f**level
            start.append(edges[i * width])
            stop.append(edges[min(len(edges) - 1, (i + 1) * width)])
        return Box(tuple(start), tuple(stop))

    def children(self, level: int, index: Index) -> tuple[Index, ...]:
        """Nodes one level below, in raster order."""
        spans = (
            range(i * f, min(n, (i + 1) * f))
            for i, f, n in zip(index, self.fan, self.levels[level - 1], strict=True)
        )
        return tuple(product(*spans))

    def parent(self, index: Index) -> Index:
        """Index of the node one level above."""
        return tuple(i // f for i, f in zip(index, self.fan, strict=True))

    def slot(self, level: int, index: Index) -> int:
        """Position of a node of this level among its parent's children."""
        return self.children(level + 1, self.parent(index)).index(index)

    def chunks_meeting(self, box: Box) -> tuple[Index, ...]:
        """Return the indices of all chunks that share a pixel with the box, in raster order.

        >>> Grid(((2, 2, 1), (3, 1)), (4, 4)).chunks_meeting(Box((1, 0), (3, 3)))
        ((0, 0), (1, 0))
        """
        spans = (
            [i for i, (p, q) in enumerate(pairwise(e)) if p < b and q > a]
            for e, a, b in zip(self.edges, box.start, box.stop, strict=True)
        )
        return tuple(product(*spans))


def make_grid(chunks: tuple[tuple[int, ...], ...]) -> Grid:
    """Return the grid of these chunks with the fan-in that suits its number of axes."""
    fan = (2,) * max(0, len(chunks) - 2) + (4,) * min(2, len(chunks))
    return Grid(chunks, fan)
