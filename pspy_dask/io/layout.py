"""Which chunks, shards and write blocks a Zarr array gets from dask chunks: integers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd

from pspy_dask.blocks.chunking import choose_chunks
from pspy_dask.blocks.grid import Index
from pspy_dask.blocks.sources import Chunks

#: Preferred side of a stored chunk along each axis: a viewer fetches one of these at a time.
_AIM = {"t": 1, "z": 64, "y": 512, "x": 512}
#: A shard is at most so many preferred sides long, a file of a few MB compressed.
_SHARD = 8


@dataclass(frozen=True)
class Layout:
    """How an array is cut: ``chunk`` divides ``unit`` divides every boundary of ``blocks``.

    Parameters
    ----------
    blocks
        Chunks that the dask array must have when it is stored.
    unit
        What one task must own whole: the shard, or with Zarr v2 a whole number of chunks.
    chunk
        What is compressed, and read back, by itself.
    """

    blocks: Chunks
    unit: Index
    chunk: Index


def choose_layout(dims: Sequence[str], chunks: Chunks) -> Layout:
    """Return a layout in which no two dask blocks share a stored chunk or shard.

    The dask chunks are kept wherever all their boundaries are multiples of a length that suits a
    stored chunk; along other axes the array is to be rechunked to multiples of the preferred side.

    Examples
    --------
    >>> choose_layout("yx", ((2048, 2048, 100), (3000,)))
    Layout(blocks=((2048, 2048, 100), (3000,)), unit=(2048, 3000), chunk=(512, 500))
    >>> choose_layout("yx", ((1024, 512, 2048), (700, 905, 50)))  # multiples of 512; ragged
    Layout(blocks=((1024, 512, 2048), (1024, 631)), unit=(512, 1024), chunk=(512, 512))
    """
    axes = [_axis(lengths, _AIM[d]) for d, lengths in zip(dims, chunks, strict=True)]
    blocks, unit, chunk = zip(*axes, strict=True)
    return Layout(blocks, unit, chunk)


def fit(layout: Layout, shape: Index) -> Layout:
    """Return the layout of a smaller array: nothing reaches further past its edge than it must.

    >>> fit(choose_layout("yx", ((2048, 2048, 100), (3000,))), (2098, 300))
    Layout(blocks=((2048, 50), (300,)), unit=(2048, 300), chunk=(512, 300))
    """
    chunk = tuple(map(min, layout.chunk, shape))
    unit = tuple(min(u, c * -(-n // c)) for u, c, n in zip(layout.unit, chunk, shape, strict=True))
    # As long as the tasks of the original wrote, but not the whole image where that was one block.
    longest = (min(max(b), _SHARD * c) for b, c in zip(layout.blocks, layout.chunk, strict=True))
    sides = tuple(u * max(1, n // u) for u, n in zip(unit, longest, strict=True))
    return Layout(choose_chunks(shape, chunks=sides), unit, chunk)


def _axis(lengths: tuple[int, ...], aim: int) -> tuple[tuple[int, ...], int, int]:
    """Return blocks, unit and chunk along one axis."""
    length = sum(lengths)
    inner = [edge for edge in accumulate(lengths) if edge < length]
    unit = gcd(*inner)
    if not any(inner):
        return lengths, *_single(length, aim)
    if unit < min(aim // 4, max(lengths)):
        side = aim * max(1, round(max(lengths) / aim))
        return _axis(tuple(min(side, length - a) for a in range(0, length, side)), aim)
    unit = _divisor(unit, _SHARD * aim)
    return lengths, unit, _divisor(unit, aim)


def _single(length: int, aim: int) -> tuple[int, int]:
    """Return unit and chunk of an axis of one block, whose unit may reach past the end."""
    if length > _SHARD * aim:
        return _SHARD // 2 * aim, aim
    count = -(-length // aim)
    chunk = -(-length // count)
    return count * chunk, chunk


def _divisor(number: int, aim: int) -> int:
    """Return the divisor of a number that lies in aim/4 .. aim, or the next above if none does.

    >>> _divisor(3000, 512), _divisor(300, 512), _divisor(2 * 1021, 512)
    (500, 300, 1021)
    """
    below = range(min(aim, number), max(1, aim // 4) - 1, -1)
    above = range(min(aim, number), number + 1)
    return next(d for span in (below, above) for d in span if number % d == 0)
