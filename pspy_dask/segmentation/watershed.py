"""Touching particles parted by watershed, the same whatever the chunks.

*Why it is exact.* What becomes of a component (its distances, markers, flood, objects) is a
function of its own pixels and of the image's edge alone: the pixel outside that is nearest to one
of its pixels borders on it (all pixels nearer than that are inside and touch one another, so they
are of the same component; what erosion leaves of it is measured within it likewise), footprints
look at one component at a time, and a flood never leaves it: components that share a raster wait in
the same queues, but no pixel's turn depends on how many others stand between it and its own. A
component that touches no seam of a block is whole there, so the block may split it, and every block
that could comes to the same pieces. The runs of all others travel up the tree until their component
touches no seam of a node; as no pixel of it is missing then, and none beside it matters, the pieces
are those of the image in one chunk. Which objects are dropped is decided on whole objects, and
numbers follow from first pixels by the law of :mod:`pspy_dask.segmentation.numbering`. Nothing in
this depends on where seams lie.

What travels are the runs of components on seams: seam-sized where components are small, and at
the worst (one component through the whole image) all runs of the foreground. A component whose
bounding box holds more pixels than the budget is flooded window by window, which is not exact; but
its windows lie where the image has them, not where chunks do, and it too is the same at any
chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import pi, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.codec import Packed, pack, unpack
from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.windows import Window
from pspy_dask.blocks.workers import warn
from pspy_dask.kernels.parting import SplitRule
from pspy_dask.kernels.pieces import ImageRuns
from pspy_dask.kernels.runs import find_runs, label_runs
from pspy_dask.kernels.split import split_components
from pspy_dask.kernels.windowed import Flooded
from pspy_dask.segmentation.components import ForegroundFunction, volume_box, volume_shape
from pspy_dask.segmentation.numbering import (
    BlockRows,
    Told,
    before,
    first_offsets,
    own_numbers,
    tell_children,
    told_columns,
)
from pspy_dask.segmentation.placing import in_block, in_image, painted
from pspy_dask.segmentation.seams import seam_bits

Ints = NDArray[np.int64]


class Message(NamedTuple):
    """What goes up: finished firsts a row; runs of open components with their ``left``; doubts."""

    counts: Packed
    runs: Packed
    flooded: Flooded


class Kept(NamedTuple):
    """Runs of finished objects and whose they are; first pixels; the children's counts; doubts."""

    pieces: Packed
    own: Packed
    counts: tuple[Packed, ...]
    flooded: Flooded


@dataclass(frozen=True)
class SplitObjects:
    """The program of :func:`pspy_dask.blocks.tree.sweep` that parts touching particles.

    Attributes
    ----------
    foreground
        ``foreground(pixels, window, *values)`` is the foreground of the chunk.
    axes
        2 for planes, 3 for volumes.
    rule
        How components are split and which objects are kept.
    dtype
        Type of the labels.
    """

    foreground: ForegroundFunction
    axes: int
    rule: SplitRule
    dtype: np.dtype[Any]

    def leaf(
        self, pixels: NDArray[Any], window: Window, *values: NDArray[Any]
    ) -> tuple[Message, Kept]:
        """Find the runs of the chunk; split what touches no seam."""
        box, shape = volume_box(window.core), volume_shape(window.shape)
        runs = find_runs(self.foreground(pixels, window, *values).reshape(box.shape))
        component = label_runs(runs, box.shape[0])
        none = np.zeros(BlockRows(box, shape).count, np.int64)
        whole = in_image(runs, box, shape)
        return self._settle(whole, component, 0 * whole.row, box, shape, none, ())

    def join(
        self, box: Box, boxes: Sequence[Box], shape: Index, messages: Sequence[Message]
    ) -> tuple[Message, Kept]:
        """Put the children's open runs together; split what touches no outer seam."""
        box, shape = volume_box(box), volume_shape(shape)
        boxes, rows = [volume_box(b) for b in boxes], BlockRows(box, shape)
        table, counts = _gathered(boxes, messages, rows)
        runs, left = _joined(table, rows.width)
        del table  # the runs of an image take most of the memory
        component = label_runs(in_block(runs, box, shape), box.shape[0])
        return self._settle(runs, component, left, box, shape, counts, messages)

    def split(
        self, box: Box, boxes: Sequence[Box], shape: Index, kept: Kept, told: Told | None
    ) -> list[Told]:
        """Return what each child is told, the node's own objects now numbered."""
        box, shape = volume_box(box), volume_shape(shape)
        boxes, rows = [volume_box(b) for b in boxes], BlockRows(box, shape)
        own, counts = unpack(kept.own), [unpack(c)[0] for c in kept.counts]
        if told is None:
            if kept.flooded.giants:
                warn(beyond_the_budget(kept.flooded.giants, self.rule.budget))
            total = np.bincount(rows.local(own[0]), minlength=rows.count)
            for child, count in zip(boxes, counts, strict=True):
                total[rows.of(child)] += count
            offsets, above = first_offsets(total, self.dtype), np.zeros(0, np.int64)
        else:
            offsets, above, _ = told_columns(told)
        numbered = _numbered(kept, own_numbers(own, offsets, above, rows), told)
        inside = (_clipped(numbered, child, shape) for child in boxes)  # one at a time in memory
        everyone = np.sort(np.concatenate((above, own[0] * rows.width + own[1])))
        return tell_children(boxes, counts, inside, rows, offsets, everyone, shape)

    def finish(self, window: Window, kept: Kept, told: Told) -> NDArray[Any]:
        """Paint the numbers."""
        box, shape = volume_box(window.core), volume_shape(window.shape)
        offsets, above, _ = told_columns(told)
        mine = own_numbers(unpack(kept.own), offsets, above, BlockRows(box, shape))
        *runs, number = _numbered(kept, mine, told)
        labels = painted(ImageRuns(*runs), number, box, shape, self.dtype)
        return labels.reshape(window.core.shape)

    def _settle(
        self,
        runs: ImageRuns,
        component: Ints,
        left: Ints,
        box: Box,
        shape: Index,
        counts: Ints,
        below: Sequence[Message],
    ) -> tuple[Message, Kept]:
        """Split the components that are closed; send the runs of the others up."""
        rows = BlockRows(box, shape)
        area = np.bincount(component, runs.stop - runs.first)
        is_open = np.zeros(area.size, bool)
        is_open[component[_on_seams(runs, box, shape, self.axes)]] = True
        chosen = np.flatnonzero(~is_open & (area >= self.rule.min_size))
        pieces, flooded = split_components(runs, component, chosen, shape, self.rule)
        flooded = reduce(Flooded.merge, (message.flooded for message in below), flooded)
        keys = pieces.first_row * rows.width + pieces.first_x
        holder = np.searchsorted(runs.row * rows.width + runs.first, keys, side="right") - 1
        own_left = left[holder] + before(keys, pieces.first_row, pieces.first_x, rows.width)
        still = is_open[component]
        row, first, stop = (column[still] for column in runs)
        left = left[still] + before(keys, row, first, rows.width)
        counts = counts + np.bincount(rows.local(pieces.first_row), minlength=rows.count)
        kept = Kept(
            pack(pieces.row, pieces.first, pieces.stop, pieces.owner),
            pack(pieces.first_row, pieces.first_x, own_left),
            tuple(message.counts for message in below),
            flooded,
        )
        return Message(pack(counts), pack(row, first, stop, left), flooded), kept


def doubts(message: Message) -> NDArray[np.float64]:
    """Return (components flooded by windows, share of pixels beside seams of those that differ).

    The share is 0 where nothing was compared.
    """
    giants, compared, differing = message.flooded
    return np.array([giants, differing / max(1, compared)], np.float64)


def beyond_the_budget(giants: int, budget: int) -> str:
    """Return what a user should know of components that were flooded by windows.

    >>> beyond_the_budget(1, 4096)
    '1 component passes the budget of 4,096 pixels and was flooded window by window: raise \
the budget, or part the particles by a higher threshold'
    """
    what = "1 component passes" if giants == 1 else f"{giants:,} components pass"
    return (
        f"{what} the budget of {budget:,} pixels and {'was' if giants == 1 else 'were'} flooded "
        "window by window: raise the budget, or part the particles by a higher threshold"
    )


def default_separation(min_size: int, axes: int) -> int:
    """Return the diameter of a disk or ball of so many pixels, or 20 for none.

    Of a few pixels it is of no use: 1 parts nothing, 2 and 3 part at every unevenness.

    >>> default_separation(0, 2), default_separation(20, 2), default_separation(500, 3)
    (20, 5, 10)
    >>> [default_separation(pixels, 2) for pixels in (1, 2, 4, 8, 10)]
    [1, 2, 2, 3, 4]
    """
    if min_size == 0:
        return 20
    diameter = 2 * sqrt(min_size / pi) if axes == 2 else (6 * min_size / pi) ** (1 / 3)
    return max(1, round(diameter))


def _gathered(
    boxes: Sequence[Box], messages: Sequence[Message], rows: BlockRows
) -> tuple[Ints, Ints]:
    """Return the open runs of all children with what lies to their left, and counts of rows."""
    counts, parts = np.zeros(rows.count, np.int64), []
    for child, message in zip(boxes, messages, strict=True):
        part = unpack(message.runs)
        part[3] += counts[rows.local(part[0])]
        counts[rows.of(child)] += unpack(message.counts)[0]
        parts.append(part)
    return np.concatenate(parts, axis=1), counts


def _joined(table: Ints, width: int) -> tuple[ImageRuns, Ints]:
    """Return the runs in raster order, those that abut made one, and their ``left``.

    No first pixel lies between two runs that abut, so they have the same ``left``.
    """
    order = np.argsort(table[0] * width + table[1], kind="stable")
    for column in table:
        column[:] = column[order]
    row, first, stop, left = table
    begins = np.ones(row.size, bool)
    begins[1:] = (row[1:] != row[:-1]) | (first[1:] != stop[:-1])
    ends = np.append(begins[1:], True)[: row.size]
    return ImageRuns(row[begins], first[begins], stop[ends]), left[begins]


def _on_seams(runs: ImageRuns, box: Box, shape: Index, axes: int) -> NDArray[np.bool_]:
    """Whether runs touch a face of the box that is a seam."""
    seams, _ = seam_bits(box, shape, axes)
    z, y = np.divmod(runs.row, shape[1])
    low = (z == box.start[0], y == box.start[1], runs.first == box.start[2])
    high = (z == box.stop[0] - 1, y == box.stop[1] - 1, runs.stop == box.stop[2])
    touching = np.zeros(runs.row.size, bool)
    for face, on_face in enumerate(f for pair in zip(low, high, strict=True) for f in pair):
        if seams >> face & 1:
            touching |= on_face
    return touching


def _numbered(kept: Kept, mine: Ints, told: Told | None) -> Ints:
    """Return (row, first, stop, number) of a block's own objects and those it was told of."""
    pieces = unpack(kept.pieces)
    pieces[3] = mine[pieces[3]]
    return pieces if told is None else np.concatenate((pieces, unpack(told.numbers)), axis=1)


def _clipped(numbered: Ints, child: Box, shape: Index) -> tuple[Ints, ...]:
    """Return the parts of numbered runs that lie in a child."""
    row, first, stop, number = numbered
    z, y = np.divmod(row, shape[1])
    (z0, y0, x0), (z1, y1, x1) = child
    inside = (z >= z0) & (z < z1) & (y >= y0) & (y < y1) & (stop > x0) & (first < x1)
    row, first, stop, number = numbered[:, inside]
    return row, np.maximum(first, x0), np.minimum(stop, x1), number
