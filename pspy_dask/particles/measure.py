"""The row program of a table: what a chunk sees of objects, and how rows become a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.hulls import Hulls
from pspy_dask.kernels.moments import SAFE_BLOCKS
from pspy_dask.kernels.regions import index_labels, measure_shapes
from pspy_dask.particles.catalogue import Choice
from pspy_dask.particles.finish import finish_table
from pspy_dask.particles.form import TableForm
from pspy_dask.particles.measures.family import View
from pspy_dask.particles.rows import Rows, concatenate, group


@dataclass(frozen=True)
class MeasureRegions:
    """The row program of :func:`pspy_dask.blocks.table.gather_table` for region properties.

    Attributes
    ----------
    form
        Axes and calibration of the table.
    choice
        Properties asked for.
    connected
        Every label is one connected object; then only objects on seams travel.
    """

    form: TableForm
    choice: Choice
    connected: bool

    def rows(self, pixels: Sequence[NDArray[Any]], window: Window) -> Rows:
        """Return partial sums of the labels that one chunk sees."""
        parts = [
            self._rows_of_piece([block[cut] for block in pixels], piece)
            for cut, piece in _pieces(window, self.choice.halo)
        ]
        return parts[0] if len(parts) == 1 else self.merge(parts)

    def _rows_of_piece(self, pixels: Sequence[NDArray[Any]], window: Window) -> Rows:
        view = _view(pixels, window)
        columns: dict[str, NDArray[Any] | Hulls] = {"label": view.found, **view.shapes}
        for family in self.choice.families:
            columns |= family.measure(view)
        inside = view.shapes["area"] > 0
        return Rows(columns) if inside.all() else Rows(columns).take(inside)

    def merge(self, parts: Sequence[Rows]) -> Rows:
        """Return one row for each label, in ascending order of labels."""
        rows = concatenate(parts)
        if len(rows) == 0:
            return rows
        groups = group(rows)
        columns: dict[str, NDArray[Any] | Hulls] = dict(groups.merged)
        for family in self.choice.families:
            columns |= family.merge(groups)
        return Rows(columns)

    def divide(self, rows: Rows, box: Box, shape: Index) -> tuple[Rows, Rows]:
        """Return (rows of objects that touch no seam of the box, settled; the others)."""
        is_open, on_edge = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
        for axis, (start, stop, length) in enumerate(zip(*box, shape, strict=True)):
            column = axis + 3 - len(shape)
            at_start = rows["low"][:, column] == start
            at_stop = rows["high"][:, column] == stop
            is_open |= (at_start & (start > 0)) | (at_stop & (stop < length))
            on_edge |= (at_start & (start == 0)) | (at_stop & (stop == length))
        if not self.connected:
            is_open[:] = box.shape != shape
        whole = rows.take(~is_open).replacing({"edge": on_edge[~is_open]})
        for family in self.choice.families:
            whole = family.settle(whole)
        return whole, rows.take(is_open)

    def starting(self, rows: Rows, start: int, stop: int) -> Rows:
        """Return the rows of objects whose first pixel lies in a band of the first axis."""
        at = rows["first"][:, 3 - self.form.axes]
        return rows.take((at >= start) & (at < stop))

    def table(self, parts: Sequence[Rows], frame: int | None) -> pd.DataFrame:
        """Return the finished rows of a band in raster order."""
        rows = concatenate(parts).in_raster_order()
        return finish_table(rows, self.form, self.choice, frame)

    def empty(self) -> pd.DataFrame:
        """Return the table without rows, for which nothing is compiled: workers have the work."""
        number, place = np.zeros(0, np.int64), np.zeros((0, 3), np.int64)
        columns: dict[str, NDArray[Any] | Hulls] = {
            **dict.fromkeys(("label", "area"), number),
            **dict.fromkeys(("first", "sum", "low", "high"), place),
            "edge": np.zeros(0, bool),
        }
        for family in self.choice.families:
            columns |= family.nothing()
        return self.table([Rows(columns)], 0 if self.form.frames else None)


def _pieces(window: Window, halo: int) -> Iterator[tuple[tuple[slice, ...], Window]]:
    """Yield the pieces of a chunk in which sums of any object fit, and where the window has them.

    A chunk may have any size, so that no object is measured in one chunking and fails in another.
    """
    core = window.core
    longest = SAFE_BLOCKS[len(core.start)]
    spans = [
        list(pairwise([*range(start, stop, length), stop]))
        for start, stop, length in zip(*core, longest, strict=True)
    ]
    for chosen in product(*spans):
        piece = Box(tuple(a for a, _ in chosen), tuple(b for _, b in chosen))
        outer = piece.grow((halo,) * len(chosen), window.shape)
        yield outer.within(window.outer), window._replace(core=piece, outer=outer)


def _view(pixels: Sequence[NDArray[Any]], window: Window) -> View:
    labels, *images = (np.ascontiguousarray(_volume(block)) for block in pixels)
    core, start = window.crop, window.core.start
    if len(core) == 2:
        core, start = (slice(0, 1), *core), (0, *start)
    found, around = index_labels(labels)
    if found.size and int(found.min()) < 0:
        raise ValueError(
            f"a label is {int(found.min())}: labels must not be negative, 0 is background"
        )
    origin = (start[0], start[1], start[2])
    numbers = np.ascontiguousarray(around[core])
    shapes = measure_shapes(numbers, found.size, origin)
    beyond = shapes["area"] == 0  # in the halo alone
    for name in ("low", "high"):
        shapes[name][beyond] = origin
    return View(around, images[0] if images else None, core, origin, numbers, found, shapes)


def _volume(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels if pixels.ndim == 3 else pixels[None]
