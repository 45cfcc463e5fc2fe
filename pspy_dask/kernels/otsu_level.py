"""Otsu's level of one histogram of 256 bins, found without looking at all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import inlined

#: The histogram has 256 bins; it is searched in 16 groups of 16.
GROUP = 16
BINS = 256

Doubles = NDArray[np.float64]


@inlined
def otsu_level(
    histogram: NDArray[np.int32],
    population: int,
    guess: int,
    sums: Doubles,
    scratch: Doubles,
) -> int:
    """Return Otsu's level; only groups that can hold it are searched, the guess's first."""
    _cumulate_groups(histogram, sums)
    reached = _bound_groups(sums, float(population), float(histogram[0]), scratch)
    best, level = _search_group(histogram, guess // GROUP, sums, scratch, 0.0, BINS)
    # Bounds are rounded, so groups that fall short by less than that are searched too.
    enough = max(best, reached) * (1.0 - 1e-9)
    for group in range(GROUP):
        if scratch[3, group] >= enough and scratch[3, group] > 0.0 and group != guess // GROUP:
            best, level = _search_group(histogram, group, sums, scratch, best, level)
    return 0 if level == BINS else level


@inlined
def _cumulate_groups(histogram: NDArray[np.int32], sums: Doubles) -> None:
    """Sum pixels (row 0) and grey levels (row 1) up to the end of each group of levels."""
    count, moment = 0, 0
    for group in range(GROUP):
        inner_count, inner_moment = np.int32(0), np.int32(0)
        for place in range(GROUP):
            number = histogram[GROUP * group + place]
            inner_count += number
            inner_moment += np.int32(place) * number
        count += int(inner_count)
        moment += int(inner_moment) + GROUP * group * int(inner_count)
        sums[0, group + 1] = count
        sums[1, group + 1] = moment


@inlined
def _bound_groups(
    sums: Doubles,
    population: float,
    darkest: float,
    scratch: Doubles,
) -> float:
    """Bound from above the variance between classes that any level of a group reaches.

    The variance t^2 / (q (p - q)) is convex in the count q and the moment m below the level, and
    inside a group m is a convex function of q whose slope lies between the group's first and last
    level. So the variance is at most the largest one at the corners of the triangle between the
    chord and the two tangents. Returned is the largest variance at the end of a group, which the
    last level that occurs reaches (the darkest level, of so many pixels, is no candidate).
    """
    reached = 0.0
    whole = sums[1, GROUP]
    for group in range(GROUP):
        first = float(GROUP * group)
        last = first + GROUP - 1
        q0, q1 = sums[0, group], sums[0, group + 1]
        m0, m1 = sums[1, group], sums[1, group + 1]
        q = (last * q1 - first * q0 - (m1 - m0)) / (GROUP - 1)
        t_corner = population * (m0 + first * (q - q0)) - whole * q
        t_end = population * m1 - whole * q1
        t_start = population * m0 - whole * q0
        corner = t_corner * t_corner / max(q * (population - q), 1e-3)
        end = t_end * t_end / max(q1 * (population - q1), 1.0)
        start = t_start * t_start / max(q0 * (population - q0), 1.0)
        scratch[3, group] = max(corner, end, start) if q1 > q0 else -1.0
        reached = max(reached, end if q1 > darkest else 0.0)
    return reached


@inlined
def _search_group(
    histogram: NDArray[np.int32],
    group: int,
    sums: Doubles,
    scratch: Doubles,
    best: float,
    level: int,
) -> tuple[float, int]:
    """Improve the best variance and its level, in the arithmetic of scikit-image."""
    population, whole = sums[0, GROUP], sums[1, GROUP]
    below, moment = sums[0, group], sums[1, group]
    start = GROUP * group
    for place in range(GROUP):
        number = np.float64(histogram[start + place])
        below += number
        moment += (start + place) * number
        scratch[0, place] = below
        scratch[1, place] = moment
    for place in range(GROUP):
        q, m = scratch[0, place], scratch[1, place]
        spread = (population - q) * m - (whole - m) * q
        # Nothing on one side: the divisor is set to one, and the spread is zero there.
        scratch[2, place] = spread * spread / max(q * (population - q), 1.0)
    for place in range(1 if group == 0 else 0, GROUP):
        variance = scratch[2, place]
        if variance >= best and histogram[start + place] > 0 and variance > 0.0:  # noqa: SIM102
            if variance > best or start + place < level:
                best, level = variance, start + place
    return best, level
