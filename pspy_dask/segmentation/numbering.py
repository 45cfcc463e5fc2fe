"""Objects numbered 1..N in raster order of their first pixels, without a table of all of them.

The law, true at every node of the tree of chunks: the number of an object is

``offset[row] + left + (firsts above in the same row with smaller x) + 1``

where ``row`` is the image row of its first pixel, ``offset[row]`` counts the first pixels of the
whole image that come before the block's first column in this row, ``left`` counts those in the
block that finished no higher up and lie to its left in the row, and the firsts above are those in
the block that finished at a higher node. A row is counted through planes: row ``z * ny + y``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.codec import Packed, pack, unpack
from pspy_dask.blocks.grid import Box, Index

Ints = NDArray[np.int64]


class Told(NamedTuple):
    """What a node learns on the way down.

    Attributes
    ----------
    offsets
        For each row of the block, the first pixels of the image before its first column.
    above
        Flat positions of the firsts in the block that finished higher up, ascending.
    numbers
        What became of the items that the block left open: a column of their numbers, 0 for those
        that are dropped; or runs of objects (row, first, stop, number) inside the block.
    """

    offsets: Packed
    above: Packed
    numbers: Packed


class BlockRows:
    """Rows of a block in an image, in block and in image count.

    >>> rows = BlockRows(Box((1, 2, 0), (3, 4, 5)), shape=(9, 10, 5))
    >>> rows.count, rows.local(np.array([12, 23])).tolist()
    (4, [0, 3])
    """

    def __init__(self, box: Box, shape: Index) -> None:
        self.box, self.height, self.width = box, shape[1], shape[2]
        self.count = box.shape[0] * box.shape[1]

    def local(self, row: Ints) -> Ints:
        """Block rows of image rows."""
        z, y = np.divmod(row, self.height)
        result: Ints = (z - self.box.start[0]) * self.box.shape[1] + y - self.box.start[1]
        return result

    def of(self, child: Box) -> Ints:
        """Block rows of a box inside the block."""
        z = np.arange(child.start[0], child.stop[0]) - self.box.start[0]
        y = np.arange(child.start[1], child.stop[1]) - self.box.start[1]
        return (z[:, None] * self.box.shape[1] + y).ravel()

    def image(self, row: Ints) -> Ints:
        """Image rows of block rows."""
        z, y = np.divmod(row, self.box.shape[1])
        result: Ints = (z + self.box.start[0]) * self.height + y + self.box.start[1]
        return result

    def holds(self, key: Ints) -> NDArray[np.bool_]:
        """Whether flat positions lie in the block."""
        row, x = np.divmod(key, self.width)
        z, y = np.divmod(row, self.height)
        inside = np.ones(key.size, bool)
        for at, a, b in zip((z, y, x), *self.box, strict=True):
            inside &= (at >= a) & (at < b)
        return inside


def before(keys: Ints, row: Ints, x: Ints, width: int) -> Ints:
    """Return how many of the sorted flat positions lie in the same row with smaller x."""
    start = row * width
    return np.asarray(np.searchsorted(keys, start + x) - np.searchsorted(keys, start))


def own_numbers(own: Ints, offsets: Ints, above: Ints, rows: BlockRows) -> Ints:
    """Return the numbers of a node's own finished objects, rows of ``(row, x, left)``."""
    row, x, left = own
    numbers: Ints = offsets[rows.local(row)] + left + before(above, row, x, rows.width) + 1
    return numbers


def first_offsets(counts: Ints, dtype: np.dtype[Any]) -> Ints:
    """Return the root's offsets from the firsts in each row; check that all numbers fit."""
    total, limit = int(counts.sum()), np.iinfo(dtype).max
    if total > limit:
        raise OverflowError(
            f"{total} objects do not fit labels of type {dtype}, which end at {limit}: "
            "choose a wider label type"
        )
    return np.cumsum(counts) - counts


def tell_children(
    boxes: Sequence[Box],
    counts: Sequence[Ints],
    numbers: Iterable[tuple[Ints, ...]],
    rows: BlockRows,
    offsets: Ints,
    above: Ints,
    shape: Index,
) -> list[Told]:
    """Return what each child is told, in raster order of the children.

    Parameters
    ----------
    boxes, counts, numbers
        Box of each child, the firsts it finished in each of its rows, what became of the items
        it left open, in columns.
    rows, offsets
        Rows and offsets of the node; the offsets are used up.
    above
        Firsts in the node that finished in it or higher up, ascending.
    """
    messages = []
    for box, count, mine in zip(boxes, counts, numbers, strict=True):
        child, at = BlockRows(box, shape), rows.of(box)
        inside = above[child.holds(above)]
        messages.append(Told(pack(offsets[at]), pack(inside), pack(*mine)))
        in_row = np.bincount(child.local(inside // shape[2]), minlength=child.count)
        offsets[at] += count + in_row
    return messages


def told_columns(told: Told) -> tuple[Ints, Ints, Ints]:
    """Return offsets, firsts above and the first column of numbers as arrays."""
    return unpack(told.offsets)[0], unpack(told.above)[0], unpack(told.numbers)[0]
