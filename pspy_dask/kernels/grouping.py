"""Which components share a raster: those whose boxes lie in one another many times over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_NESTED = 4  # boxes that fill their common box so many times share its raster


class Groups(NamedTuple):
    """The members of group ``g`` are ``order[starts[g] : starts[g + 1]]``."""

    order: Ints
    starts: Ints


def group_boxes(low: Ints, high: Ints, budget: int) -> Groups:
    """Return components in groups that share a raster, of which none passes the budget.

    Parameters
    ----------
    low, high
        Half-open bounds of each component, columns z, y, x.
    budget
        Pixels of the largest raster that several components may share.

    Examples
    --------
    >>> corners = np.arange(6)[:, None] * [0, 1, 1]
    >>> group_boxes(corners, [1, 99, 99] - corners, budget=10**6)  # nested
    Groups(order=array([0, 1, 2, 3, 4, 5]), starts=array([0, 6]))
    """
    order, sizes = [np.zeros(0, np.int64)], [0]
    waiting = [np.arange(len(low))]
    while waiting:
        members = waiting.pop()
        if not _is_dense(low[members], high[members]):
            order.append(members)
            sizes += [1] * members.size
        elif _common(low[members], high[members]) <= budget:
            order.append(members)
            sizes.append(members.size)
        else:
            before, across, behind = _parts(low[members], high[members])
            waiting += [members[before], members[behind]]
            _share(members[across], low, high, budget, order, sizes)
    return Groups(np.concatenate(order), np.cumsum(sizes))


def _parts(low: Ints, high: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the boxes on either side of the middle of a crowd's longest side, and across it."""
    start, stop = low.min(axis=0), high.max(axis=0)
    axis = int((stop - start).argmax())
    middle = (start[axis] + stop[axis]) // 2
    before, behind = high[:, axis] <= middle, low[:, axis] >= middle
    return np.flatnonzero(before), np.flatnonzero(~(before | behind)), np.flatnonzero(behind)


def _share(
    left: Ints, low: Ints, high: Ints, budget: int, order: list[Ints], sizes: list[int]
) -> None:
    """Group boxes that lie across one line, each group around the largest that is left."""
    left = left[np.argsort(-(high[left] - low[left]).prod(axis=1), kind="stable")]
    while left.size:
        taken = _around_the_first(low[left], high[left], budget)
        members, left = left[taken], left[~taken]
        order.append(members)
        dense = _is_dense(low[members], high[members])
        sizes += [members.size] if dense else [1] * members.size


def _is_dense(low: Ints, high: Ints) -> bool:
    if not len(low):
        return False
    return bool((high - low + 2).prod(axis=1).sum() > _NESTED * _common(low, high))


def _common(low: Ints, high: Ints) -> int:
    return int((high.max(axis=0) - low.min(axis=0) + 2).prod())


def _around_the_first(low: Ints, high: Ints, budget: int) -> NDArray[np.bool_]:
    """Return the boxes that fit one budget together with the first, and always the first."""
    with_first = np.maximum(high, high[0]) - np.minimum(low, low[0])
    fits = np.flatnonzero(with_first.prod(axis=1) <= budget)
    low, high = np.minimum.accumulate(low[fits]), np.maximum.accumulate(high[fits])
    together = (high - low).prod(axis=1) <= budget
    taken = np.zeros(len(with_first), bool)
    taken[fits[together]] = True
    taken[0] = True
    return taken
