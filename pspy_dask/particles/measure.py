"""Measures of objects: from the pixels of a chunk to partial sums, from whole sums to a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.exact_sums import grouped_sums
from pspy_dask.kernels.regions import (
    index_labels,
    measure_extrema,
    measure_shapes,
    measure_small_integers,
)
from pspy_dask.particles.finish import TableForm, finish_table
from pspy_dask.particles.rows import Rows, concatenate, merge


@dataclass(frozen=True)
class MeasureRegions:
    """The row program of :func:`pspy_dask.blocks.table.gather_table` for region properties.

    Attributes
    ----------
    form
        Axes, calibration and columns of the table.
    connected
        Every label is one connected object; then only objects on seams travel.
    """

    form: TableForm
    connected: bool

    def rows(self, pixels: Sequence[NDArray[Any]], window: Window) -> Rows:
        """Return partial sums of the labels that one chunk sees."""
        labels = _volume(pixels[0])
        found, index = index_labels(labels)
        start = window.core.start
        origin = start if len(start) == 3 else (0, *start)
        columns: dict[str, NDArray[Any]] = {"label": found}
        columns |= measure_shapes(index, found.size, origin)
        if len(pixels) > 1:
            columns |= measure_intensities(index, columns["area"], _volume(pixels[1]))
        return Rows(columns)

    def merge(self, parts: Sequence[Rows]) -> Rows:
        """Return one row for each label."""
        return merge(parts)

    def divide(self, rows: Rows, box: Box, shape: Index) -> tuple[Rows, Rows]:
        """Return (rows of objects that touch no seam of the box, the others)."""
        is_open = np.zeros(len(rows), bool)
        for axis, (start, stop, length) in enumerate(zip(*box, shape, strict=True)):
            column = axis + 3 - len(shape)
            at_start = rows["low"][:, column] == start if start > 0 else False
            at_stop = rows["high"][:, column] == stop if stop < length else False
            is_open |= at_start | at_stop
        if not self.connected:
            is_open[:] = box.shape != shape
        return rows.take(~is_open), rows.take(is_open)

    def starting(self, rows: Rows, start: int, stop: int) -> Rows:
        """Return the rows of objects whose first pixel lies in a band of the first axis."""
        at = rows["first"][:, 3 - self.form.axes]
        return rows.take((at >= start) & (at < stop))

    def table(self, parts: Sequence[Rows], frame: int | None) -> pd.DataFrame:
        """Return the finished rows of a band in raster order."""
        return finish_table(concatenate(parts).in_raster_order(), self.form, frame)

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        block = np.zeros((1,) * self.form.axes, np.int64)
        image = [] if self.form.intensity is None else [block.astype(self.form.intensity)]
        window = Window(Box((0,) * block.ndim, block.shape), Box((), ()), block.shape, None)
        frame = 0 if self.form.frames else None
        return self.table([self.rows([block, *image], window)], frame)


def measure_intensities(
    index: NDArray[np.int32], area: NDArray[np.int64], pixels: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """Return the exact sums of the finite pixels of each region.

    Integers of at most 16 bits add in int64. All others count as float64, whose sums are kept as
    Python integers in units of 2**-1074, their squares in units of 2**-2148.
    """
    if pixels.dtype.kind in "biu" and pixels.dtype.itemsize <= 2:
        return {"finite": area, **measure_small_integers(index, area.size, pixels)}
    wide = pixels.astype(np.float64, copy=False)
    finite, least, most = measure_extrema(index, area.size, wide)
    total, squares = grouped_sums(index, wide, area.size)
    return {
        "finite": finite,
        "total": _objects(total),
        "squares": _objects(squares),
        "least": least,
        "most": most,
    }


def _objects(values: Sequence[int]) -> NDArray[Any]:
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _volume(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels if pixels.ndim == 3 else pixels[None]
