"""Areas of labels, and labels cleared, at the cost of two looks at each pixel: labels come in runs.

To drop small objects from a plane of 4096 x 4096 (int32) so takes 25 ms of a core; scikit-image
0.26 takes 64 ms for that, and 123 to clear the border. Tried: a table of the place of each label,
looked up for each pixel, and bounds and sums of coordinates besides, as properties need them:
125 ms. Runs found by a compiled loop: 12 ms where comparing neighbours with NumPy takes 10.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled

Labels = NDArray[np.integer[Any]]
Ints = NDArray[np.int64]

#: Labels that range farther than so many times their number are sorted, not counted.
_SPARSE = 4
_SOME = 2**20

#: Labels compared together, by vector instructions.
_TOGETHER = 8


def label_areas(labels: Labels) -> tuple[Ints, Ints]:
    """Return the labels of an array in ascending order, and the pixels of each; 0 is none.

    Parameters
    ----------
    labels
        Integers of any shape.

    Raises
    ------
    OverflowError
        If a label does not fit 64 bits with a sign.

    Examples
    --------
    >>> found, area = label_areas(np.array([[0, 7, 7], [3, 0, 7]]))
    >>> found.tolist(), area.tolist()
    ([3, 7], [1, 3])
    """
    if labels.size and labels.dtype == np.uint64:
        high = int(labels.max())
        if high > np.iinfo(np.int64).max:
            raise OverflowError(
                f"label {high} does not fit 64 bits with a sign: number labels anew"
            )
    run_labels, lengths = _runs(np.ascontiguousarray(labels).reshape(-1))
    if run_labels.size == 0:
        return run_labels, lengths
    low, high = int(run_labels.min()), int(run_labels.max())
    if high - low >= _SPARSE * labels.size + _SOME:
        found, place = np.unique(run_labels, return_inverse=True)
        return found, _sums(place, lengths)
    area = _sums(run_labels - low, lengths)
    place = np.flatnonzero(area)
    return place + low, area[place]


def _sums(place: Ints, lengths: Ints) -> Ints:
    """Add lengths up place by place; doubles hold the number of any array's pixels."""
    return np.bincount(place, lengths).astype(np.int64)


def without_labels(labels: Labels, dropped: Ints) -> Labels:
    """Return a copy of an array in which some labels are 0.

    Parameters
    ----------
    labels
        Integers of any shape.
    dropped
        Labels in any order; those that the array has not do not matter.

    Examples
    --------
    >>> without_labels(np.array([[0, 7, 7], [3, 0, 7]]), np.array([7, 5]))
    array([[0, 0, 0],
           [3, 0, 0]])
    """
    result = np.array(labels, order="C")
    if dropped.size == 0:
        return result
    low, high = int(dropped.min()), int(dropped.max())
    if high - low >= _SPARSE * labels.size + _SOME:
        result[np.isin(labels, dropped)] = 0
        return result
    drop = np.zeros(high - low + 1, np.bool_)
    drop[dropped - low] = True
    _clear(result.reshape(-1), low, drop)
    return result


def _runs(labels: Labels) -> tuple[Ints, Ints]:
    """Return the label and the length of each run that is not 0, in a line of labels."""
    starts = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    starts = np.concatenate((np.zeros(min(labels.size, 1), np.int64), starts))
    found = labels[starts].astype(np.int64)
    lengths = np.diff(starts, append=labels.size)
    inside = found != 0
    return found[inside], lengths[inside]


@compiled
def _clear(labels: Labels, low: int, drop: NDArray[np.bool_]) -> None:
    """Set labels to 0 where `drop` says so of ``label - low``."""
    start = 0
    while start < labels.size:
        stop = _end(labels, start)
        place = np.int64(labels[start]) - low
        if 0 <= place < drop.size and drop[place]:
            labels[start:stop] = 0
        start = stop


@compiled
def _end(labels: Labels, start: int) -> int:
    """Return where the run ends that begins at a place; many labels are looked at together."""
    label = labels[start]
    while start + _TOGETHER <= labels.size:
        piece = labels[start : start + _TOGETHER]
        differ = label ^ label
        for i in range(_TOGETHER):
            differ |= piece[i] ^ label
        if differ:
            break
        start += _TOGETHER
    for place in range(start, labels.size):
        if labels[place] != label:
            return place
    return labels.size
