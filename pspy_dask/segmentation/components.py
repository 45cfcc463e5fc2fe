"""Connected components of a chunked foreground, whole and numbered as in one piece.

Every chunk finds its own components. Those that touch no seam are finished where they are; of the
others a table (first pixel, area, border) and their traces on the seams go up the tree, where
traces that meet become one component, until it touches no seam of its node any more. Numbers come
down the same way (:mod:`pspy_dask.segmentation.numbering`). What travels has the size of the
seams, whatever the foreground.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.codec import Packed, pack, unpack
from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.runs import (
    Runs,
    find_runs,
    label_runs,
    measure_components,
    paint,
    roots,
)
from pspy_dask.segmentation.numbering import (
    BlockRows,
    Told,
    before,
    first_offsets,
    own_numbers,
    tell_children,
    told_columns,
)
from pspy_dask.segmentation.seams import Faces, gather_face, leaf_faces, meet, seam_bits

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
ForegroundFunction = Callable[..., Mask]


class Items(NamedTuple):
    """Components seen by a block, in raster order; ``left`` as in the law of numbering."""

    row: Ints
    x: Ints
    left: Ints
    area: Ints
    border: Ints


class Message(NamedTuple):
    """What goes up: finished firsts a row, open items on the faces, the open items."""

    counts: Packed
    faces: Faces
    items: Packed


class LeafKept(NamedTuple):
    """Runs of a chunk, what becomes of its components (see :func:`_settle`), finished objects.

    Which run belongs to which component is found again: that takes less time than packing it.
    First and end of the runs are one column, whose differences are lengths and gaps.
    """

    lengths: Packed
    ends: Packed
    codes: Packed
    own: Packed


class NodeKept(NamedTuple):
    """What each child's open items became, the finished objects, the children's counts."""

    codes: Packed
    own: Packed
    counts: tuple[Packed, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class LabelComponents:
    """The program of :func:`pspy_dask.blocks.tree.sweep` that labels a foreground.

    Attributes
    ----------
    foreground
        ``foreground(pixels, window, *values)`` is the foreground of the chunk.
    axes
        2 for planes, 3 for volumes.
    min_size
        Objects of fewer pixels are dropped.
    clear_border
        Objects on the image's edge are dropped.
    dtype
        Type of the labels.
    """

    foreground: ForegroundFunction
    axes: int
    min_size: int
    clear_border: bool
    dtype: np.dtype[Any]

    def leaf(
        self, pixels: NDArray[Any], window: Window, *values: NDArray[Any]
    ) -> tuple[Message, LeafKept]:
        """Label the chunk; finish what touches no seam."""
        box, shape = volume_box(window.core), volume_shape(window.shape)
        runs = find_runs(self.foreground(pixels, window, *values).reshape(box.shape))
        component = label_runs(runs, box.shape[0])
        found = measure_components(runs, component, box.shape)
        seams, edges = seam_bits(box, shape, self.axes)
        rows = BlockRows(box, shape)
        border = (found.faces & edges > 0).astype(np.int64)
        items = Items(
            rows.image(found.row), found.x + box.start[2], 0 * found.x, found.area, border
        )
        is_open = found.faces & seams > 0
        codes, own, counts, still = self._settle(items, is_open, np.zeros(rows.count, int), rows)
        faces = leaf_faces(runs, np.maximum(0, -codes)[component], box.shape, seams)
        lengths = np.diff(runs.starts)
        ends = np.stack((runs.first, runs.stop), axis=1).ravel()
        kept = LeafKept(pack(lengths), pack(ends), pack(codes), pack(*own))
        return Message(pack(counts), faces, pack(*still)), kept

    def join(
        self, box: Box, boxes: Sequence[Box], shape: Index, messages: Sequence[Message]
    ) -> tuple[Message, NodeKept]:
        """Make one component of those that meet; finish what touches no outer seam."""
        box, shape = volume_box(box), volume_shape(shape)
        boxes = [volume_box(b) for b in boxes]
        rows = BlockRows(box, shape)
        counts, parts = _shift_left(rows, boxes, messages)
        sizes = tuple(part.shape[1] for part in parts)
        bases = [sum(sizes[:k]) for k in range(len(sizes))]
        table = Items(*np.concatenate(parts, axis=1))
        parent = np.arange(table.row.size)
        faces = [m.faces for m in messages]
        meet(boxes, faces, bases, parent)
        group, items = _merge_items(table, roots(parent), rows.width)
        seams, _ = seam_bits(box, shape, self.axes)
        outer = [
            _relabel(group, gather_face(box, boxes, faces, bases, k // 2, k % 2, _end(box, k)))
            if seams >> k & 1
            else None
            for k in range(6)
        ]
        is_open = np.zeros(items.row.size + 1, bool)
        for plane in outer:
            if plane is not None:
                is_open[plane] = True
        codes, own, counts, still = self._settle(items, is_open[1:], counts, rows)
        ids = np.concatenate(([0], np.maximum(0, -codes)))
        up = tuple(None if plane is None else pack(ids[plane].ravel()) for plane in outer)
        told_later = NodeKept(
            pack(codes[group]), pack(*own), tuple(m.counts for m in messages), sizes
        )
        return Message(pack(counts), up, pack(*still)), told_later

    def split(
        self, box: Box, boxes: Sequence[Box], shape: Index, kept: NodeKept, told: Told | None
    ) -> list[Told]:
        """Return what each child is told, the node's own objects now numbered."""
        box, shape = volume_box(box), volume_shape(shape)
        boxes = [volume_box(b) for b in boxes]
        rows, own = BlockRows(box, shape), unpack(kept.own)
        counts = [unpack(c)[0] for c in kept.counts]
        if told is None:
            total = np.bincount(rows.local(own[0]), minlength=rows.count)
            for child, count in zip(boxes, counts, strict=True):
                total[rows.of(child)] += count
            offsets = first_offsets(total, self.dtype)
            above = given = np.zeros(0, np.int64)
        else:
            offsets, above, given = told_columns(told)
        mine = own_numbers(own, offsets, above, rows)
        numbers = decode(unpack(kept.codes)[0], mine, given)
        ends = np.cumsum(kept.sizes)[:-1]
        everyone = np.sort(np.concatenate((above, own[0] * rows.width + own[1])))
        given_on = [(column,) for column in np.split(numbers, ends)]
        return tell_children(boxes, counts, given_on, rows, offsets, everyone, shape)

    def finish(self, window: Window, kept: LeafKept, told: Told) -> NDArray[Any]:
        """Paint the numbers."""
        box, shape = volume_box(window.core), volume_shape(window.shape)
        offsets, above, given = told_columns(told)
        mine = own_numbers(unpack(kept.own), offsets, above, BlockRows(box, shape))
        first, stop = unpack(kept.ends)[0].astype(np.int32).reshape(-1, 2).T.copy()
        starts = np.concatenate(([0], np.cumsum(unpack(kept.lengths)[0])))
        runs = Runs(starts, first, stop)
        numbers = decode(unpack(kept.codes)[0], mine, given)[label_runs(runs, box.shape[0])]
        painted = paint(runs, numbers, box.shape, self.dtype)
        return painted.reshape(window.core.shape)

    def _settle(
        self, items: Items, is_open: Mask, counts: Ints, rows: BlockRows
    ) -> tuple[Ints, tuple[Ints, Ints, Ints], Ints, Items]:
        """Finish the closed items: (codes, finished objects, counts a row, items still open).

        The code of an item is k > 0 for the k-th finished object, -k for the k-th open item,
        and 0 where it is dropped.
        """
        keep = ~is_open & (items.area >= self.min_size)
        if self.clear_border:
            keep &= items.border == 0
        own, still = np.flatnonzero(keep), np.flatnonzero(is_open)
        keys = items.row[own] * rows.width + items.x[own]
        left = items.left + before(keys, items.row, items.x, rows.width)
        codes = np.zeros(items.row.size, np.int64)
        codes[own] = np.arange(1, own.size + 1)
        codes[still] = -np.arange(1, still.size + 1)
        counts = counts + np.bincount(rows.local(items.row[own]), minlength=rows.count)
        left_open = items._replace(left=left)
        return (
            codes,
            (items.row[own], items.x[own], left[own]),
            counts,
            Items(*(column[still] for column in left_open)),
        )


def decode(codes: Ints, own: Ints, given: Ints) -> Ints:
    """Return the numbers that codes stand for: own objects, then open items, else 0."""
    numbers = np.zeros(codes.size, np.int64)
    numbers[codes > 0] = own[codes[codes > 0] - 1]
    numbers[codes < 0] = given[-codes[codes < 0] - 1]
    return numbers


def volume_box(box: Box) -> Box:
    """Return the box with a z axis."""
    return box if len(box.start) == 3 else Box((0, *box.start), (1, *box.stop))


def volume_shape(shape: Index) -> Index:
    """Return the shape with a z axis."""
    return shape if len(shape) == 3 else (1, *shape)


def _shift_left(
    rows: BlockRows, boxes: Sequence[Box], messages: Sequence[Message]
) -> tuple[Ints, list[Ints]]:
    """Count rows through all children; add to ``left`` what finished in children to the left."""
    counts = np.zeros(rows.count, np.int64)
    parts = []
    for box, message in zip(boxes, messages, strict=True):
        part = unpack(message.items)
        part[2] += counts[rows.local(part[0])]
        counts[rows.of(box)] += unpack(message.counts)[0]
        parts.append(part)
    return counts, parts


def _merge_items(table: Items, root: Ints, width: int) -> tuple[Ints, Items]:
    """Return for each item the merged item it belongs to, and those in raster order."""
    key = table.row * width + table.x
    order = np.argsort(key, kind="stable")
    _, first, group = np.unique(root[order], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))  # groups by the raster order of their first item
    member = np.empty(order.size, np.int64)
    member[order] = rank[group]
    head = order[np.sort(first)]
    area = np.zeros(head.size, np.int64)
    border = np.zeros(head.size, np.int64)
    np.add.at(area, member, table.area)
    np.maximum.at(border, member, table.border)
    return member, Items(table.row[head], table.x[head], table.left[head], area, border)


def _relabel(group: Ints, plane: Ints) -> Ints:
    return np.concatenate(([0], group + 1))[plane]


def _end(box: Box, face: int) -> int:
    axis, last = divmod(face, 2)
    return (box.stop if last else box.start)[axis]
