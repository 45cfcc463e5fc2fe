"""Chunks that suit a task: about four million pixels, whole numbers of stored chunks."""

from __future__ import annotations

from bisect import bisect_right
from math import ceil, prod
from typing import Literal

from dask.array.core import normalize_chunks

from pspy_dask.blocks.sources import Chunks
from pspy_dask.parameters import check_count

TARGET = 2**22

ChunksLike = Literal["auto"] | int | tuple[int | tuple[int, ...], ...]


def choose_chunks(
    shape: tuple[int, ...],
    stored: tuple[int, ...] | None = None,
    *,
    chunks: ChunksLike = "auto",
    frames: bool = False,
) -> Chunks:
    """Return chunk lengths along each axis, as the user asks or of about ``TARGET`` pixels.

    Parameters
    ----------
    shape
        Shape of the image.
    stored
        Chunk (or shard) in which the file holds the pixels; ``"auto"`` gives multiples of it.
    chunks
        ``"auto"``, one length for every spatial axis, or a length or lengths for each axis.
    frames
        True where the first axis is time, which is never joined: one frame a chunk.

    Examples
    --------
    >>> choose_chunks((5000, 3000), stored=(512, 512))
    ((2048, 2048, 904), (2048, 952))
    >>> choose_chunks((2, 100, 100), chunks=64, frames=True)
    ((1, 1), (64, 36), (64, 36))
    """
    spatial = shape[1:] if frames else shape
    if chunks == "auto":
        lengths: tuple[int | tuple[int, ...], ...] = _auto(
            spatial, stored and stored[-len(spatial) :]
        )
    elif hasattr(chunks, "__index__"):  # an integer, of Python or NumPy
        lengths = (check_count("chunks", chunks, least=1),) * len(spatial)
    elif isinstance(chunks, tuple):
        if len(chunks) not in (len(shape), len(spatial)):
            raise ValueError(f"chunks {chunks} do not fit shape {shape}: give one length an axis")
        lengths = chunks[-len(spatial) :]
    else:
        raise TypeError(f"chunks is {chunks!r}: give 'auto', a length, or a length for each axis")
    if any(not isinstance(n, tuple) and n < 1 for n in lengths):
        raise ValueError(f"chunks is {chunks!r}: every length must be at least 1")
    full = ((1,) * shape[0], *lengths) if frames else lengths
    result: Chunks = normalize_chunks(full, shape=shape)
    return result


def _auto(shape: tuple[int, ...], stored: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return multiples of the stored chunk, as close to a cube (square) of ``TARGET`` as can be.

    All sides grow together by stored chunks, then the shortest by one more until none can.

    >>> _auto((5000, 3000), None), _auto((90, 4096, 4096), (1, 512, 512))
    ((2048, 2048), (16, 512, 512))
    """
    units = [max(1, min(pair)) for pair in zip(stored or (1,) * len(shape), shape, strict=True)]

    def at_least(side: int) -> list[int]:
        return [max(1, min(n, u * ceil(side / u))) for n, u in zip(shape, units, strict=True)]

    sides = range(1, max(shape) + 1)
    lengths = at_least(max(1, bisect_right(sides, TARGET, key=lambda side: prod(at_least(side)))))
    growing = set(range(len(shape)))
    while growing:
        axis = min(growing, key=lambda k: (lengths[k], -k))
        longer = min(shape[axis], lengths[axis] + units[axis])
        if longer > lengths[axis] and prod(lengths) // lengths[axis] * longer <= TARGET:
            lengths[axis] = longer
        else:
            growing.discard(axis)
    return tuple(lengths)
