"""Trajectories of objects: linked where they are near from frame to frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from trackpy.linking import Linker, SubnetOversizeException

from pspy_dask.particles.columns import (
    Table,
    add_column,
    column_units,
    require_columns,
    require_table,
)

_SMALL = 2500  # pairs of a group up to which a full table of costs is quicker than a sparse one
_NEIGHBOURS = 32  # objects of a frame that one of the next may be linked with


def link(
    table: Table,
    *,
    distance: float,
    memory: int = 0,
    by: str = "centroid",
    units: Literal["physical", "px"] = "physical",
) -> Table:
    """Return the table with the trajectory of each object, in the least total squared distance.

    Parameters
    ----------
    table
        One row an object with its ``frame``, ``label`` and position, as
        :func:`pspy_dask.region_properties` returns it of a series; pandas or dask.
    distance
        The farthest an object may move from one frame to the next.
    memory
        For how many frames an object may be missing.
    by
        What of an object is followed: the position in the columns that start with this name.
    units
        Of the distance: ``"physical"``, those of the axes, or ``"px"``.

    Returns
    -------
    pandas.DataFrame or dask.dataframe.DataFrame
        All rows and columns of the table in their order and the column ``particle``, the number
        of the trajectory, from 1 in the order of first appearance (frame, then label); 0 where
        the position is not finite. Lazy where the table is: frames, labels and positions meet in
        one task, 32 to 40 bytes an object, the other columns do not.

    Raises
    ------
    TypeError
        No table; of a list of particles give ``particles.table``.
    ValueError
        The table is of no series, lacks a column, or has the axes in different units; an option
        is out of its range. While linking, where more than 32 objects lie within the distance of
        one.

    Notes
    -----
    J. C. Crocker and D. G. Grier, J. Colloid Interface Sci. 179, 298 (1996), as trackpy links:
    losing an object costs as much as moving it by ``distance``. Groups of objects that compete
    are solved as a sparse assignment problem in the order of the rows' frames and labels, so that
    ties fall the same way every time and a group may be of any size.

    Examples
    --------
    >>> table = pd.DataFrame({"frame": [0, 0, 1, 1], "label": [1, 2, 1, 2]})
    >>> table[["centroid_y", "centroid_x"]] = [[1.0, 9.0], [5.0, 5.0], [5.0, 6.0], [9.0, 1.0]]
    >>> link(table, distance=2)["particle"].tolist()
    [1, 2, 2, 3]
    """
    require_table(table)
    if "frame" not in table.columns:
        raise ValueError(
            "the table has no column 'frame', and so is of no series: name the axes of its labels, "
            'as in xarray.DataArray(labels, dims=("t", "y", "x"))'
        )
    require_columns(table, ["label"])
    if not (isfinite(distance) and distance > 0):
        raise ValueError(f"distance is {distance}: give a length above 0")
    if memory < 0 or int(memory) != memory:
        raise ValueError(f"memory is {memory}: give a number of frames, 0 or more")
    if table["frame"].dtype.kind not in "iu":
        raise ValueError(f"frames of type {table['frame'].dtype} are not integers: round them")
    positions = position_columns(table, by, units)
    program = LinkPositions(tuple(positions), float(distance), int(memory))
    return add_column(table, "particle", program, ["frame", "label", *positions])


def position_columns(table: Table, by: str, units: str) -> list[str]:
    """Return the names of the columns that hold a position, in the order of the axes."""
    if units not in ("physical", "px"):
        raise ValueError(f"units is {units!r}: give 'physical' or 'px'")
    end = "_px" if units == "px" else ""
    axes = [d for d in "zyx" if d != "z" or f"{by}_z{end}" in table.columns]
    names = [f"{by}_{d}{end}" for d in axes]
    require_columns(table, names)
    stated = column_units(table)
    if len({stated.get(name) for name in names}) > 1:
        raise ValueError(
            f"{' and '.join(names)} are in different units: give the distance in pixels "
            "with units='px'"
        )
    return names


@dataclass(frozen=True)
class LinkPositions:
    """Makes the number of the trajectory of each row of a table.

    Attributes
    ----------
    positions
        Names of the columns of the position.
    distance, memory
        As :func:`link` takes them.
    """

    positions: tuple[str, ...]
    distance: float
    memory: int

    def __call__(self, table: pd.DataFrame) -> NDArray[np.int64]:
        """Return the number of each row."""
        # In units of the distance: the neighbour search adds a small length of its own to it.
        position = table[list(self.positions)].to_numpy(np.float64) / self.distance
        frame, label = table["frame"].to_numpy(), table["label"].to_numpy()
        order = np.lexsort((*position.T[::-1], label, frame))
        order = order[np.isfinite(position[order]).all(axis=1)]
        particle = np.zeros(len(table), np.int64)
        if order.size:
            linker = _Linker(1.0, memory=self.memory, link_strategy=_assign)
            particle[order] = list(self._numbers(linker, frame[order], position[order]))
        return particle

    def _numbers(
        self, linker: Any, frame: NDArray[Any], position: NDArray[np.float64]
    ) -> Iterator[int]:
        numbers: dict[Any, int] = {}  # by the tracks themselves: trackpy counts them in a global
        starts = np.flatnonzero(np.diff(frame, prepend=frame[0] - 1))
        step = linker.init_level
        last = int(frame[0])
        for start, stop in zip(starts, [*starts[1:], len(frame)], strict=True):
            now = int(frame[start])
            for empty in range(last + 1, min(now, last + self.memory + 2)):
                linker.next_level(np.zeros((0, position.shape[1])), empty)
            rows = range(start, stop)
            try:
                step(position[start:stop], now, {"row": rows})
            except SubnetOversizeException:
                raise ValueError(
                    f"more than {_NEIGHBOURS} objects lie within the distance {self.distance:g} "
                    f"of one in frame {now}: give a smaller distance"
                ) from None
            for point in linker.hash.points:
                yield numbers.setdefault(point.track, len(numbers) + 1)
            step, last = linker.next_level, now


class _Linker(Linker):  # type: ignore[misc]
    MAX_NEIGHBORS = _NEIGHBOURS + 1  # one more than are allowed: none is left out unnoticed


def _assign(
    sources: set[Any], destinations: set[Any], search_range: float, max_size: int
) -> tuple[list[Any], list[Any]]:
    """Return the links of a group of points that compete: trackpy's ``link_strategy``.

    Sets come in no order of their own, so points are taken in that of the rows.
    """
    if len(sources) == 1 == len(destinations):  # most groups are; they lie within the range
        return list(sources), list(destinations)
    before, after = sorted(sources, key=_place), sorted(destinations, key=_place)
    column = {point: k for k, point in enumerate(after)}
    links = [
        (k, column[other], length**2)
        for k, point in enumerate(before)
        for other, length in point.forward_cands
    ]
    if len(before) > _NEIGHBOURS and max(Counter(k for _, k, _ in links).values()) > _NEIGHBOURS:
        raise SubnetOversizeException
    chosen = _match(links, len(before), len(after), (1 + 1e-6) ** 2 * search_range**2)
    partners = [after[k] if k < len(after) else None for k in chosen]
    taken = set(chosen)
    born = [point for k, point in enumerate(after) if k not in taken]
    return [*before, *(None for _ in born)], [*partners, *born]


def _place(point: Any) -> tuple[int, int]:
    return point.t, point.extra_data["row"]


def _match(
    links: Sequence[tuple[int, int, float]], rows: int, columns: int, lost: float
) -> list[int]:
    """Return the column of each row in the matching of least total cost.

    A row may stay alone at a price: it then has a column of its own past the others.
    """
    if rows == 0:
        return []
    shape = rows, columns + rows
    row, column, cost = (np.array(values) for values in zip(*links, strict=True))
    if rows * columns <= _SMALL:
        table = np.full(shape, np.inf)
        table[row, column] = cost
        np.fill_diagonal(table[:, columns:], lost)
        return list(map(int, linear_sum_assignment(table)[1]))
    own = np.arange(rows)
    row, column = np.concatenate([row, own]), np.concatenate([column, columns + own])
    # A sparse matrix takes a cost of 0 for a missing one; all rows pay the 1 alike.
    weights = csr_array((np.concatenate([cost, np.full(rows, lost)]) + 1, (row, column)), shape)
    return list(map(int, min_weight_full_bipartite_matching(weights)[1]))
