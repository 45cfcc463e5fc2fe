"""Runs of a block and runs of the image: the same runs in two ways of counting rows and x."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.kernels.pieces import ImageRuns
from pspy_dask.kernels.runs import Runs, paint
from pspy_dask.segmentation.numbering import BlockRows

Ints = NDArray[np.int64]


def in_image(runs: Runs, box: Box, shape: Index) -> ImageRuns:
    """Return the runs of a block in image coordinates."""
    rows, x = BlockRows(box, shape), np.int64(box.start[2])
    row = rows.image(np.repeat(np.arange(rows.count), np.diff(runs.starts)))
    return ImageRuns(row, runs.first + x, runs.stop + x)


def in_block(runs: ImageRuns, box: Box, shape: Index) -> Runs:
    """Return runs of the image, sorted by row and all inside a block, in its coordinates."""
    rows, x = BlockRows(box, shape), box.start[2]
    starts = np.searchsorted(rows.local(runs.row), np.arange(rows.count + 1))
    return Runs(starts, (runs.first - x).astype(np.int32), (runs.stop - x).astype(np.int32))


def painted(runs: ImageRuns, values: Ints, box: Box, shape: Index, dtype: Any) -> NDArray[Any]:
    """Return a block in which runs of the image, in any order, hold their values."""
    order = np.argsort(BlockRows(box, shape).local(runs.row), kind="stable")
    inside = in_block(ImageRuns(*(column[order] for column in runs)), box, shape)
    return paint(inside, values[order], box.shape, dtype)
