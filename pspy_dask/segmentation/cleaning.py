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
from pspy_dask.kernels.regions import index_labels, measure_shapes
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

    A row of a message is a label, its area and its bounds (low and high z, y, x).

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
        found, index = index_labels(pixels.reshape(box.shape))
        measured = measure_shapes(index, found.size, box.start)
        rows = np.vstack((found, measured["area"], measured["low"].T, measured["high"].T))
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
        found, index = index_labels(kept.labels)
        values = np.concatenate(([0], np.where(np.isin(found, dropped), 0, found)))
        result: NDArray[Any] = values.astype(kept.labels.dtype)[index]
        return result

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
