"""Objects read back from a padded raster of labels: which are kept, their first pixels and runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from pspy_dask.kernels.jit import compiled


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
        firsts[0, objects], firsts[1, objects] = place[own]
        kept[own] = objects
        objects += 1
    return kept, firsts, objects


@compiled
def collect(
    label: Any, kept: Any, origin: Any, size: Any, shape: Any, runs: Any, count: int
) -> Any:
    """Add the runs of the objects that are kept."""
    planes, height, width = size
    deep = 1 if planes > 1 else 0
    for z in range(planes):
        for y in range(height):
            base = ((z + deep) * (height + 2) + y + 1) * (width + 2) + 1
            x = 0
            while x < width:
                own = label[base + x]
                begin = x
                x += 1
                if own == 0:
                    continue
                while x < width and label[base + x] == own:
                    x += 1
                if kept[own] < 0:
                    continue
                if count == runs.shape[1]:
                    runs = wider(runs)
                runs[0, count] = (z + origin[0]) * shape[1] + y + origin[1]
                runs[1, count] = begin + origin[2]
                runs[2, count] = x + origin[2]
                runs[3, count] = kept[own]
                count += 1
    return runs, count


@compiled
def wider(table: Any) -> Any:
    """Return the table with room for twice as many columns."""
    result = np.empty((table.shape[0], 2 * table.shape[1]), table.dtype)
    result[:, : table.shape[1]] = table
    return result
