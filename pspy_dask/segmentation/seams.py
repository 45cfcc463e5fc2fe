"""Seams: the faces of neighbouring blocks laid against each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.codec import Packed, pack, unpack
from pspy_dask.blocks.grid import Box, Index
from pspy_dask.kernels.runs import Runs, face_values, unite_across

Ints = NDArray[np.int64]

# faces of a block: (first, last) of each axis; None where no seam runs
Faces = tuple[Packed | None, ...]


def seam_bits(box: Box, shape: Index, axes: int) -> tuple[int, int]:
    """Return the faces of a ``(z, y, x)`` box that are seams, and those on the image's edge.

    A plane (``axes`` = 2) has neither in front of it nor behind.

    >>> seam_bits(Box((0, 0, 4), (1, 4, 8)), shape=(1, 8, 8), axes=2)
    (24, 36)
    """
    seams = edges = 0
    for axis in range(3 - axes, 3):
        for last in (0, 1):
            on_edge = box.stop[axis] == shape[axis] if last else box.start[axis] == 0
            bit = 1 << (2 * axis + last)
            seams, edges = (seams, edges | bit) if on_edge else (seams | bit, edges)
    return seams, edges


def leaf_faces(runs: Runs, ids: Ints, shape: Index, seams: int) -> Faces:
    """Return the open items (1, 2, ...) on the faces of a block that are seams."""
    return tuple(
        pack(face_values(runs, ids, shape, face).ravel()) if seams >> face & 1 else None
        for face in range(6)
    )


def meet(boxes: Sequence[Box], faces: Sequence[Faces], bases: Sequence[int], parent: Ints) -> None:
    """Unite in ``parent`` the open items of blocks that meet at the seams between them."""
    node = Box(
        tuple(min(b.start[k] for b in boxes) for k in range(3)),
        tuple(max(b.stop[k] for b in boxes) for k in range(3)),
    )
    for axis in range(3):
        for position in sorted({b.start[axis] for b in boxes} - {node.start[axis]}):
            above = gather_face(node, boxes, faces, bases, axis, 1, position)
            below = gather_face(node, boxes, faces, bases, axis, 0, position)
            unite_across(parent, above, below)


def gather_face(
    node: Box,
    boxes: Sequence[Box],
    faces: Sequence[Faces],
    bases: Sequence[int],
    axis: int,
    last: int,
    position: int,
) -> Ints:
    """Return the plane of all blocks' faces at a position, items counted through all blocks."""
    kept = [k for k in range(3) if k != axis]
    plane = np.zeros([node.shape[k] for k in kept], np.int64)
    for box, face, base in zip(boxes, faces, bases, strict=True):
        packed = face[2 * axis + last]
        if packed is None or (box.stop if last else box.start)[axis] != position:
            continue
        part = unpack(packed)[0].reshape([box.shape[k] for k in kept])
        where = tuple(box.within(node)[k] for k in kept)
        plane[where] = np.where(part > 0, part + base, 0)
    return plane
