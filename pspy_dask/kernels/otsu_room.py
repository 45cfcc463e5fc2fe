"""What is kept of 32 histograms while Otsu's levels of them are found."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import inlined
from pspy_dask.kernels.otsu_level import GROUP
from pspy_dask.kernels.simd import convert, fill, load
from pspy_dask.kernels.strips import LANES
from pspy_dask.kernels.vectors import vector

#: Lanes of one step of arithmetic: half of them.
HALF = 16

#: Largest window: three times its pixels are counted in 16 bits.
MOST_PIXELS = 65535 // 3

#: Windows of so many pixels at most have spreads of 32 bits: 255 p^2 / 4.
MOST_NARROW = 5803

_H, _I, _F, _D = vector("i16", LANES), vector("i32", HALF), vector("f32", HALF), vector("f64", HALF)
load_h, load_i, load_f = load(_H), load(_I), load(_F)
load_count = load(_I, "u16")
fill_i, fill_f = fill(_I), fill(_F)
to_f, to_d = convert(_F), convert(_D)


@inlined
def narrow_model() -> Any:
    """Return a vector of the type in which spreads of windows of `MOST_NARROW` pixels fit."""
    return fill_i(0)


@inlined
def wide_model() -> Any:
    """Return a vector of the type in which all spreads fit."""
    return to_d(fill_i(0))


class Room(NamedTuple):
    """What is kept of 32 histograms: of a group of levels at ``[group * 32 + lane]``.

    Attributes
    ----------
    counts
        Pixels in each group.
    fine, coarse
        Their levels, less the group's first: the sums of the remainders and quotients by 4.
    spread, below
        ``population * moment - whole moment * count`` and count of the levels before a group.
    ends, bounds
        Variance at the end of a group, and the most that a level inside can have.
    inner
        Sums of the levels of each group, less the group's first.
    population, moment
        Pixels in the image, the sum of their levels.
    reached
        The largest variance at the end of a group, which a level has.
    best, second, level
        The two largest variances of levels searched, and the level of the largest.
    """

    counts: NDArray[np.uint16]
    fine: NDArray[np.uint16]
    coarse: NDArray[np.uint16]
    spread: NDArray[Any]
    below: NDArray[np.float32]
    ends: NDArray[np.float32]
    bounds: NDArray[np.float32]
    inner: NDArray[np.float32]
    population: NDArray[np.float32]
    moment: NDArray[np.int32]
    reached: NDArray[np.float32]
    best: NDArray[np.float32]
    second: NDArray[np.float32]
    level: NDArray[np.int32]


def new_room(spread: type[Any]) -> Room:
    """Return room for 32 histograms, with spreads of this type."""

    def zeros(rows: int, kind: type[Any] = np.float32) -> NDArray[Any]:
        return np.zeros(rows * LANES, kind)

    return Room(
        counts=zeros(GROUP, np.uint16),
        fine=zeros(GROUP, np.uint16),
        coarse=zeros(GROUP, np.uint16),
        spread=zeros(GROUP + 1, spread),
        below=zeros(GROUP + 1),
        ends=zeros(GROUP + 1),
        bounds=zeros(GROUP),
        inner=zeros(GROUP),
        population=zeros(1),
        moment=zeros(1, np.int32),
        reached=zeros(1),
        best=zeros(1),
        second=zeros(1),
        level=zeros(1, np.int32),
    )
