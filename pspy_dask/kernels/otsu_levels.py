"""Otsu's levels of 32 histograms at once; `otsu_level` is the same for one of them.

Levels are compared in single precision. Lanes where two of them come so close that rounding may
decide are searched again as scikit-image does it, in double precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import inlined
from pspy_dask.kernels.otsu_level import BINS, GROUP
from pspy_dask.kernels.otsu_room import (
    HALF,
    Room,
    fill_f,
    fill_i,
    load_count,
    load_f,
    load_h,
    load_i,
    to_f,
)
from pspy_dask.kernels.simd import (
    bits_of,
    choose,
    convert_like,
    larger,
    load_like,
    shift_right,
    smaller,
    store,
)
from pspy_dask.kernels.strips import LANES

sixteenth = shift_right(4)

_BELOW_ALL = np.float32(1.0 - 1e-5)  # bounds are rounded, by far less than that
_TOO_CLOSE = np.float32(1.0 - 8e-7)  # variances are rounded five times, to 24 bits each


@inlined
def otsu_levels(
    histogram: NDArray[np.uint16], area: int, likely: int, model: Any, room: Room
) -> int:
    """Find Otsu's levels of 32 histograms: afterwards ``room.level``.

    Parameters
    ----------
    histogram
        Counts of the levels 0 to 255, and of pixels outside the image as level 256.
    area
        Pixels of the footprint.
    likely
        Groups to be searched first, a bit each.
    model
        `narrow_model` or `wide_model`, as the footprint and the room.

    Returns
    -------
    int
        Groups that hold levels found, a bit each.
    """
    holding = 0
    _sum_groups(histogram, room)
    for lane in range(0, LANES, HALF):
        _cumulate(histogram, area, lane, model, room)
        _bound(histogram, lane, model, room)
        reached = load_f(room.reached, lane)
        searched = 0
        for turn in range(2):
            for group in range(GROUP):
                if (likely >> group) & 1 == turn:
                    continue
                enough = larger(load_f(room.best, lane), reached) * fill_f(_BELOW_ALL)
                if bits_of(load_f(room.bounds, group * LANES + lane) >= enough) != 0:
                    _search(histogram, group, lane, model, room)
                    searched |= 1 << group
        best = load_f(room.best, lane)
        near = load_f(room.second, lane) >= best * fill_f(_TOO_CLOSE)
        doubtful = bits_of(near & (best > fill_f(0.0)))
        for place in range(HALF):
            if (doubtful >> place) & 1:
                room.level[lane + place] = _search_exactly(histogram, lane + place, room)
        groups = sixteenth(load_i(room.level, lane))
        for group in range(GROUP):
            if (searched >> group) & 1 and bits_of(groups == fill_i(group)) != 0:
                holding |= 1 << group
    return holding


@inlined
def _sum_groups(histogram: NDArray[np.uint16], room: Room) -> None:
    """Sum pixels and levels of each group, four levels in one go; all sums fit 16 bits."""
    for group in range(GROUP):
        count = load_h(histogram, group * GROUP * LANES)
        count = count - count
        fine, coarse = count, count
        for quarter in range(3, -1, -1):
            at = (group * GROUP + 4 * quarter) * LANES
            first, second = load_h(histogram, at), load_h(histogram, at + LANES)
            third, fourth = load_h(histogram, at + 2 * LANES), load_h(histogram, at + 3 * LANES)
            upper = third + fourth
            count = count + ((first + second) + upper)
            fine = fine + ((second + fourth) + (upper + upper))
            if quarter > 0:
                coarse = coarse + count
        store(room.counts, group * LANES, count)
        store(room.fine, group * LANES, fine)
        store(room.coarse, group * LANES, coarse)


@inlined
def _group_moment(at: int, room: Room) -> Any:
    """Return the sum of the levels of a group's pixels, less the group's first level each."""
    quotients = load_count(room.coarse, at)
    twice = quotients + quotients
    return (twice + twice) + load_count(room.fine, at)


@inlined
def _cumulate(histogram: NDArray[np.uint16], area: int, lane: int, model: Any, room: Room) -> None:
    """Sum over the groups in 16 lanes, and find the largest variance at the end of one.

    It is that of the last level there that occurs, unless only the darkest pixels lie below.
    """
    zero = fill_f(0.0)
    inside = fill_i(area) - load_count(histogram, BINS * LANES + lane)
    whole = _whole_moment(lane, room)
    population = to_f(inside)
    darkest = to_f(load_count(histogram, lane))
    number, slope = convert_like(inside, model), convert_like(fill_i(0) - whole, model)
    further = number * convert_like(fill_i(GROUP), model)
    spread, below, reached = model, zero, zero
    store(room.spread, lane, spread)
    store(room.below, lane, below)
    store(room.ends, lane, zero)
    for group in range(GROUP):
        at = group * LANES + lane
        count, inner = load_count(room.counts, at), _group_moment(at, room)
        gained = convert_like(count, model) * slope + number * convert_like(inner, model)
        spread, slope = spread + gained, slope + further
        below = below + to_f(count)
        rounded = to_f(spread)
        divisor = larger(below * (population - below), fill_f(1.0))
        end = rounded * rounded / divisor
        store(room.inner, at, to_f(inner))
        store(room.spread, at + LANES, spread)
        store(room.below, at + LANES, below)
        store(room.ends, at + LANES, end)
        reached = choose(below > darkest, larger(end, reached), reached)
    store(room.population, lane, population)
    store(room.moment, lane, whole)
    store(room.reached, lane, reached)
    store(room.best, lane, zero)
    store(room.second, lane, zero)
    store(room.level, lane, fill_i(0))


@inlined
def _whole_moment(lane: int, room: Room) -> Any:
    """Return the sums of the levels of all pixels in 16 lanes."""
    whole, tail, weighted = fill_i(0), fill_i(0), fill_i(0)
    for group in range(GROUP - 1, -1, -1):
        whole = whole + _group_moment(group * LANES + lane, room)
        if group > 0:
            tail = tail + load_count(room.counts, group * LANES + lane)
            weighted = weighted + tail
    return whole + weighted * fill_i(GROUP)


@inlined
def _bound(histogram: NDArray[np.uint16], lane: int, model: Any, room: Room) -> None:
    """Bound from above the variance that a level inside each group can have.

    As in `otsu_level`: the largest at the corners of a triangle. Its first corner counts only
    where no level reaches it, for elsewhere it is no more than what has been reached.
    """
    zero, fifteenth = fill_f(0.0), fill_f(1.0 / (GROUP - 1))
    population = load_f(room.population, lane)
    darkest = to_f(load_count(histogram, lane))
    slope = zero - to_f(load_i(room.moment, lane))
    further = population * fill_f(GROUP)
    for group in range(GROUP):
        at = group * LANES + lane
        before, after = load_f(room.below, at), load_f(room.below, at + LANES)
        count, inner = after - before, load_f(room.inner, at)
        low = (count * fill_f(GROUP - 1.0) - inner) * fifteenth  # so many pixels left of the tip
        start = to_f(load_like(room.spread, at, model))
        change = slope * low
        tip = start + change
        slack = (larger(change, zero - change) - start) * fill_f(4e-7)  # no spread is positive
        tip = larger(tip, zero - tip) + slack
        divisor = (before + low) * ((population - after) + inner * fifteenth)
        corner = tip * tip / larger(divisor, fill_f(0.05))
        unreached = choose(before > darkest, zero, load_f(room.ends, at))
        bound = larger(larger(corner, load_f(room.ends, at + LANES)), unreached)
        store(room.bounds, at, choose(count > zero, bound, fill_f(-1.0)))
        slope = slope + further


@inlined
def _search(histogram: NDArray[np.uint16], group: int, lane: int, model: Any, room: Room) -> None:
    """Improve the best variance and its level in 16 lanes by the levels of a group.

    Where no pixel lies above a level, its variance is 0 / 0: nan, which no comparison prefers.
    """
    zero = fill_f(0.0)
    population = load_f(room.population, lane)
    number = convert_like(population, model)
    first = convert_like(fill_i(GROUP * group), model)
    slope = number * first - convert_like(load_i(room.moment, lane), model)
    spread = load_like(room.spread, group * LANES + lane, model)
    below = load_f(room.below, group * LANES + lane)
    best, second = load_f(room.best, lane), load_f(room.second, lane)
    level = load_i(room.level, lane)
    for place in range(GROUP):
        count = load_count(histogram, (GROUP * group + place) * LANES + lane)
        spread = spread + convert_like(count, model) * slope
        slope = slope + number
        occurs = to_f(count)
        below = below + occurs
        if group + place == 0:
            continue
        rounded = to_f(spread)
        variance = rounded * rounded / (below * (population - below))
        variance = choose(occurs > zero, variance, zero)
        second = larger(smaller(best, variance), second)
        level = choose(variance > best, fill_i(GROUP * group + place), level)
        best = larger(variance, best)
    store(room.best, lane, best)
    store(room.second, lane, second)
    store(room.level, lane, level)


@inlined
def _search_exactly(histogram: NDArray[np.uint16], lane: int, room: Room) -> int:
    """Return a lane's level from the groups that can hold it, in scikit-image's arithmetic."""
    population, moment = np.float64(room.population[lane]), np.float64(room.moment[lane])
    enough = room.best[lane] * _BELOW_ALL
    best, level = 0.0, 0
    for group in range(GROUP):
        if room.bounds[group * LANES + lane] < enough:
            continue
        spread = np.float64(room.spread[group * LANES + lane])
        below = np.float64(room.below[group * LANES + lane])
        for place in range(GROUP):
            value = GROUP * group + place
            count = np.float64(histogram[value * LANES + lane])
            spread += count * (population * value - moment)
            below += count
            divisor = below * (population - below)
            if count > 0.0 and value > 0 and divisor > 0.0:
                variance = spread * spread / divisor
                if variance > best:
                    best, level = variance, value
    return level
