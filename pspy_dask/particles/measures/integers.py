"""Moments that travel as exact integers: how they merge, and how floats come of them at the end.

A column holds moments of int64; beside it ``*_wide`` holds None, or Python integers where the
moments may not fit 64 bits. Which of both depends on the object's box alone, so not on the chunks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.moments import Powers, is_wide, shifted
from pspy_dask.particles.measures.intensity import quotient
from pspy_dask.particles.rows import Groups, Rows

Floats = NDArray[np.float64]
_UNITS = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


class Moments(NamedTuple):
    """Moments (n, moments) as floats, in pixels.

    Attributes
    ----------
    raw
        About the lower corners of the bounding boxes.
    central
        About the centroids.
    centroid
        The centroids (n, 3), from those corners.
    """

    raw: Floats
    central: Floats
    centroid: Floats


def merge_moments(groups: Groups, name: str, powers: Powers, bits: int) -> dict[str, NDArray[Any]]:
    """Return the moments of merged objects about the lower corners of their merged boxes."""
    rows, group = groups.rows, groups.group
    low, high = groups.merged["low"], groups.merged["high"]
    offsets = rows["low"] - low[group]
    is_large = is_wide(high - low, powers, bits)
    moments = np.add.reduceat(shifted(rows[name], offsets, powers), groups.starts, axis=0)
    moments[is_large] = 0
    wide = np.full(len(low), None, object)
    at = np.flatnonzero(is_large[group])
    if at.size:
        exact = shifted(_exact(rows, name, at), offsets[at].astype(object), powers)
        starts = np.flatnonzero(np.diff(group[at], prepend=-1))
        for owner, total in zip(group[at][starts], np.add.reduceat(exact, starts), strict=True):
            wide[owner] = tuple(total)
    return {name: moments, f"{name}_wide": wide}


def settle_moments(rows: Rows, name: str, powers: Powers, unit: int = 0) -> Moments:
    """Return moments of whole objects as floats, made by one formula of the same integers.

    Integers count units of 2**-unit. Moments about the pixel nearest to the centroid are exact;
    only the rest of less than a pixel is made up for in floats.
    """
    sides = rows["high"] - rows["low"]
    n, k = len(rows), len(powers)
    result = Moments(np.empty((n, k)), np.empty((n, k)), np.empty((n, 3)))
    is_large = np.array([w is not None for w in rows[f"{name}_wide"]], bool)
    for at in (np.flatnonzero(~is_large), np.flatnonzero(is_large)):
        if at.size:
            sums = _exact(rows, name, at) if is_large[at[0]] else rows[name][at]
            for whole, part in zip(result, _centred(sums, sides[at], powers, unit), strict=True):
                whole[at] = part
    return result


def _centred(sums: NDArray[Any], sides: NDArray[np.int64], powers: Powers, unit: int) -> Moments:
    place = {power: k for k, power in enumerate(powers)}
    total = sums[:, place[0, 0, 0]]
    nearest = np.zeros(sides.shape, sums.dtype)
    for axis, power in enumerate(_UNITS):
        if power in place:
            nearest[:, axis] = _nearest(sums[:, place[power]], total, sides[:, axis])
    moments = _floats(shifted(sums, -nearest, powers), unit)
    rest = np.zeros(sides.shape)
    weight = moments[:, place[0, 0, 0]]
    with np.errstate(all="ignore"):
        for axis, power in enumerate(_UNITS):
            if power in place:
                rest[:, axis] = moments[:, place[power]] / weight
        rest[weight == 0] = np.nan
        central = shifted(moments, -rest, powers)
    for power in _UNITS:
        if power in place:
            central[:, place[power]] *= 0.0  # by definition, but for objects without weight
    return Moments(_floats(sums, unit), central, nearest.astype(np.float64) + rest)


def _nearest(moment: NDArray[Any], total: NDArray[Any], side: NDArray[np.int64]) -> NDArray[Any]:
    """Return the pixel nearest to the quotient, inside the box."""
    divisor = np.where(total == 0, 1, total)
    quotient = moment // divisor
    rest = moment - quotient * divisor
    nearest = quotient + (2 * abs(rest) >= abs(divisor))
    inside: NDArray[Any] = np.minimum(np.maximum(nearest, 0), side - 1)
    return inside


def _floats(integers: NDArray[Any], unit: int) -> Floats:
    if not unit:
        return integers.astype(np.float64)
    one = 1 << unit
    values = [quotient(value, one) for value in integers.reshape(-1).tolist()]
    return np.array(values, np.float64).reshape(integers.shape)


def _exact(rows: Rows, name: str, at: NDArray[np.intp]) -> NDArray[Any]:
    """Return moments as Python integers, (n, moments)."""
    exact = rows[name][at].astype(object)
    for k, wide in enumerate(rows[f"{name}_wide"][at]):
        if wide is not None:
            exact[k] = wide
    return exact
