"""Objects dropped from labels by their size or place, judged whole wherever chunks cut them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.codec import Packed, pack, unpack
from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.label_areas import label_areas, without_labels
from pspy_dask.segmentation.components import volume_box, volume_shape

Ints = NDArray[np.int64]

_LABEL, _AREA, _LOW, _HIGH = 0, 1, slice(2, 5), slice(5, 8)


class ChunkKept(NamedTuple):
    """The labels of a chunk and those of them that were dropped on the spot."""

    labels: NDArray[Any]
    dropped: Ints


class NodeKept(NamedTuple):
    """Labels that a node dropped, and the open labels of each child."""

    dropped: Packed
    open: tuple[Packed, ...]


@dataclass(frozen=True)
class DropObjects:
    """The program of :func:`pspy_dask.blocks.tree.sweep` that clears labels.

    A row of a message is a label, its area and its bounds (low and high z, y, x). Bounds are exact
    where they lie on the faces of the block; others are known to lie farther in, which is enough.

    Attributes
    ----------
    axes
        2 for planes, 3 for volumes.
    min_size
        Objects of fewer pixels are dropped.
    clear_border
        Objects on the image's edge are dropped.
    connected
        Every label is one connected object; otherwise all labels travel to the root.
    """

    axes: int
    min_size: int
    clear_border: bool
    connected: bool

    def leaf(self, pixels: NDArray[Any], window: Window) -> tuple[Packed, ChunkKept]:
        """Measure the labels of the chunk."""
        box = volume_box(window.core)
        labels = pixels.reshape(box.shape)
        found, area = label_areas(labels)
        rows = np.vstack((found, area, *_bounds(labels, found, box, self.axes)))
        still, dropped = self._judge(rows, box, volume_shape(window.shape))
        return pack(*still), ChunkKept(pixels, dropped)

    def join(
        self, box: Box, boxes: Sequence[Box], shape: Index, messages: Sequence[Packed]
    ) -> tuple[Packed, NodeKept]:
        """Merge the rows of equal labels."""
        rows = np.concatenate([unpack(m) for m in messages], axis=1)
        rows = rows[:, np.argsort(rows[_LABEL], kind="stable")]
        if rows.shape[1]:
            label = rows[_LABEL]
            starts = np.flatnonzero(np.concatenate(([True], label[1:] != label[:-1])))
            rows = np.vstack(
                (
                    label[starts],
                    np.add.reduceat(rows[_AREA], starts),
                    np.minimum.reduceat(rows[_LOW], starts, axis=1),
                    np.maximum.reduceat(rows[_HIGH], starts, axis=1),
                )
            )
        still, dropped = self._judge(rows, volume_box(box), volume_shape(shape))
        labels = tuple(pack(unpack(m)[_LABEL]) for m in messages)
        return pack(*still), NodeKept(pack(dropped), labels)

    def split(
        self,
        box: Box,
        boxes: Sequence[Box],
        shape: Index,
        kept: NodeKept,
        told: Packed | None,
    ) -> list[Packed]:
        """Tell each child which of its open labels are dropped."""
        dropped = unpack(kept.dropped)[0]
        if told is not None:
            dropped = np.concatenate((dropped, unpack(told)[0]))
        return [pack(np.intersect1d(unpack(labels)[0], dropped)) for labels in kept.open]

    def finish(self, window: Window, kept: ChunkKept, told: Packed) -> NDArray[Any]:
        """Clear the dropped labels."""
        dropped = np.concatenate((kept.dropped, unpack(told)[0]))
        return without_labels(kept.labels, dropped)

    def _judge(self, rows: Ints, box: Box, shape: Index) -> tuple[Ints, Ints]:
        """Return (rows that blocks outside the box may add to, labels to drop now)."""
        count = rows.shape[1]
        on_seam, on_edge = np.zeros(count, bool), np.zeros(count, bool)
        for axis in range(3 - self.axes, 3):
            low, high = rows[_LOW][axis], rows[_HIGH][axis]
            start, stop = box.start[axis], box.stop[axis]
            on_seam |= ((low == start) & (start > 0)) | ((high == stop) & (stop < shape[axis]))
            on_edge |= (low == 0) | (high == shape[axis])
        if not self.connected:
            on_seam[:] = box.shape != shape
        drop = rows[_AREA] < self.min_size
        if self.clear_border:
            drop |= on_edge
        return rows[:, on_seam], rows[_LABEL][~on_seam & drop]


def _bounds(labels: NDArray[Any], found: Ints, box: Box, axes: int) -> tuple[Ints, Ints]:
    """Return low and high bounds of labels (ascending), those on no face one step inside it."""
    low = np.repeat(np.array(box.start)[:, None] + 1, found.size, axis=1)
    high = np.repeat(np.array(box.stop)[:, None] - 1, found.size, axis=1)
    for axis in range(3 - axes, 3):
        for bound, face, place in ((low, 0, box.start[axis]), (high, -1, box.stop[axis])):
            near = np.unique(labels[(slice(None),) * axis + (face,)])
            bound[axis, np.searchsorted(found, near[near != 0])] = place
    return low, high
