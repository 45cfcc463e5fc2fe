"""Objects read back from a padded raster of labels: which are kept, their first pixels and runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled

Ints = NDArray[np.int64]


class ImageRuns(NamedTuple):
    """Runs in image coordinates, sorted by row, then x; row ``z * height + y``."""

    row: Ints
    first: Ints
    stop: Ints


class Pieces(NamedTuple):
    """Runs of objects, and each object's first pixel; objects in raster order of it."""

    row: Ints
    first: Ints
    stop: Ints
    owner: Ints
    first_row: Ints
    first_x: Ints


def in_raster_order(pieces: Pieces) -> Pieces:
    """Return the objects numbered in raster order of their first pixels."""
    order = np.lexsort((pieces.first_x, pieces.first_row))
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    return pieces._replace(
        owner=place[pieces.owner],
        first_row=pieces.first_row[order],
        first_x=pieces.first_x[order],
    )


@compiled
def keep(
    label: Any,
    markers: int,
    origin: Any,
    size: Any,
    shape: Any,
    min_size: int,
    clear_border: bool,
    firsts: Any,
    objects: int,
) -> Any:
    """Return the number that each label gets, -1 for those dropped, and the first pixels."""
    area, place = np.zeros(markers + 1, np.int64), np.zeros((markers + 1, 2), np.int64)
    border = np.zeros(markers + 1, np.bool_)
    planes, height, width = size
    deep = 1 if planes > 1 else 0
    for z in range(planes):
        edge_z = shape[0] > 1 and (z + origin[0] == 0 or z + origin[0] == shape[0] - 1)
        for y in range(height):
            edge_y = edge_z or y + origin[1] == 0 or y + origin[1] == shape[1] - 1
            base = ((z + deep) * (height + 2) + y + 1) * (width + 2) + 1
            for x in range(width):
                own = label[base + x]
                if own == 0:
                    continue
                if area[own] == 0:
                    place[own, 0] = (z + origin[0]) * shape[1] + y + origin[1]
                    place[own, 1] = x + origin[2]
                area[own] += 1
                if edge_y or x + origin[2] == 0 or x + origin[2] == shape[2] - 1:
                    border[own] = True
    kept = np.full(markers + 1, -1, np.int64)
    for own in range(1, markers + 1):
        if area[own] < min_size or (clear_border and border[own]):
            continue
        if objects == firsts.shape[1]:
            firsts = wider(firsts)
        firsts[0, objects], firsts[1, objects] = place[own, 0], place[own, 1]
        kept[own] = objects
        objects += 1
    return kept, firsts, objects


@compiled
def collect(
    label: Any,
    kept: Any,
    origin: Any,
    size: Any,
    shape: Any,
    low: Any,
    high: Any,
    runs: Any,
    count: int,
) -> Any:
    """Add the runs of the objects that are kept, as far as they lie in a box of the image."""
    deep = 1 if size[0] > 1 else 0
    for z in range(low[0], high[0]):
        for y in range(low[1], high[1]):
            line = ((z - origin[0] + deep) * (size[1] + 2) + y - origin[1] + 1) * (size[2] + 2)
            base = line + 1 - origin[2]
            x = low[2]
            while x < high[2]:
                own = label[base + x]
                begin = x
                x += 1
                if own == 0:
                    continue
                while x < high[2] and label[base + x] == own:
                    x += 1
                if kept[own] < 0:
                    continue
                if count == runs.shape[1]:
                    runs = wider(runs)
                runs[0, count] = z * shape[1] + y
                runs[1, count] = begin
                runs[2, count] = x
                runs[3, count] = kept[own]
                count += 1
    return runs, count


@compiled
def wider(table: Any) -> Any:
    """Return the table with room for twice as many columns."""
    result = np.empty((table.shape[0], 2 * table.shape[1]), table.dtype)
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):  # quicker to compile than a slice
            result[row, column] = table[row, column]
    return result
