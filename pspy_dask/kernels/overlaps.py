"""Overlaps of labels: how many pixels two label images share, object by object.

A block of labels is kept as the runs of equal values in its pixels taken in raster order: far fewer
than pixels, and all that counting takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


class LabelRuns(NamedTuple):
    """Runs of equal values of a block.

    Attributes
    ----------
    starts
        Flat index of the first pixel of each run; first of all 0.
    values
        Label of each run, 0 for background.
    size
        Number of pixels.
    """

    starts: Counts
    values: Counts
    size: int


def find_label_runs(labels: NDArray[np.integer[Any]]) -> LabelRuns:
    """Return the runs of a block that has pixels.

    >>> find_label_runs(np.array([[1, 1, 0], [0, 5, 5]]))
    LabelRuns(starts=array([0, 2, 4]), values=array([1, 0, 5]), size=6)
    """
    flat = labels.reshape(-1)
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    values = flat[starts]
    if int(values.max()) > np.iinfo(np.int64).max:
        raise OverflowError(
            f"label {values.max()} does not fit 64 bits with a sign: number labels anew"
        )
    return LabelRuns(starts, values.astype(np.int64), flat.size)


def count_pixels(runs: LabelRuns) -> Counts:
    """Return (label, pixels that have it), sorted by label; background does not count.

    >>> count_pixels(find_label_runs(np.array([[7, 7, 0], [3, 0, 7]]))).tolist()
    [[3, 1], [7, 3]]
    """
    lengths = np.diff(runs.starts, append=runs.size)
    rows = np.stack([runs.values, lengths], axis=1)
    return sum_counts([rows[runs.values != 0]])


def count_overlaps(one: LabelRuns, two: LabelRuns) -> Counts:
    """Return (label in one, label in two, pixels that have both), sorted by labels.

    Both are of blocks of the same shape; background does not count.

    >>> one, two = np.array([[1, 1, 0], [5, 5, 5]]), np.array([[1, 1, 1], [0, 1, 2]])
    >>> count_overlaps(find_label_runs(one), find_label_runs(two)).tolist()
    [[1, 1, 2], [5, 1, 1], [5, 2, 1]]
    """
    starts = np.union1d(one.starts, two.starts)
    first, second = (
        runs.values[np.searchsorted(runs.starts, starts, side="right") - 1] for runs in (one, two)
    )
    rows = np.stack([first, second, np.diff(starts, append=one.size)], axis=1)
    return sum_counts([rows[(first != 0) & (second != 0)]])


def sum_counts(parts: Sequence[Counts]) -> Counts:
    """Return the rows of all parts with the last columns of equal rows added, in sorted order.

    >>> sum_counts([np.array([[1, 2, 10]]), np.array([[1, 1, 5], [1, 2, 3]])]).tolist()
    [[1, 1, 5], [1, 2, 13]]
    """
    rows = np.concatenate(parts)
    if len(rows) == 0:
        return rows
    rows = rows[np.lexsort(rows[:, -2::-1].T)]
    is_new = np.concatenate(([True], (rows[1:, :-1] != rows[:-1, :-1]).any(axis=1)))
    starts = np.flatnonzero(is_new)
    merged: Counts = rows[starts]
    merged[:, -1] = np.add.reduceat(rows[:, -1], starts)
    return merged
