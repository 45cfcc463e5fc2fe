"""The membrane features of neighbouring pixels, side by side in lanes, as `membrane` defines them.

The 30 sums of eight pixels fit the registers of AVX-512: each pixel of the window is loaded once
and goes into all lines that it lies on. With AVX2 it is four pixels and ten lines at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.lines import COUNT, NETWORK, Tap, line_taps
from pspy_dask.kernels.simd import fill, processor_features, root, store
from pspy_dask.kernels.unrolled import exchanged, weighted_sums
from pspy_dask.kernels.vectors import vector

Doubles = NDArray[np.float64]

_WIDE = "avx512f" in processor_features()
LANES = 8 if _WIDE else 4
_KIND = vector("f64", LANES)
_fill = fill(_KIND)


def _part(first: int, count: int) -> Any:
    """Return what sums some of the lines."""

    def taps() -> list[Tap]:
        own = [
            (row, column, {d - first: w for d, w in weights.items() if first <= d < first + count})
            for row, column, weights in line_taps()
        ]
        return [tap for tap in own if tap[2]]

    return weighted_sums(_KIND, taps, count)


_all = _part(0, COUNT)
_first, _second, _third = (_part(first, 10) for first in (0, 10, 20))
_in_order = exchanged(_KIND, NETWORK, COUNT)


@compiled
def features_by_lanes(padded: Doubles, result: Doubles) -> None:
    """Write the features of an image padded by 9 pixels and at least `LANES` wide."""
    height, width = result.shape[1:]
    stride, flat = padded.shape[1], result.reshape(-1)
    source = padded.reshape(-1)
    for row in range(height):
        for start in range(0, width, LANES):
            column = min(start, width - LANES)  # the last pixels once more, with others
            place = row * width + column
            _write(_responses(source, row * stride + column, stride), flat, place, height * width)


@compiled
def _responses_at_once(source: Doubles, place: int, stride: int) -> Any:
    return _all(source, place, stride)


@compiled
def _responses_by_parts(source: Doubles, place: int, stride: int) -> Any:
    first = _first(source, place, stride)
    return first + _second(source, place, stride) + _third(source, place, stride)


_responses: Any = _responses_at_once if _WIDE else _responses_by_parts


@compiled
def _write(r: Any, result: Doubles, place: int, pixels: int) -> None:
    number = _fill(COUNT)
    total = _pairwise(r)
    mean = total / number
    store(result, place, total)
    store(result, place + pixels, mean)
    store(result, place + 2 * pixels, root(_pairwise_squares(r, mean) / number))
    s = _in_order(r)
    store(result, place + 3 * pixels, (s[14] + s[15]) * _fill(0.5))
    store(result, place + 4 * pixels, s[29])
    store(result, place + 5 * pixels, s[0])


@compiled
def _pairwise(r: Any) -> Any:
    """Add 30 vectors in the order in which NumPy adds 30 neighbours in memory."""
    a, b = r[0] + r[8] + r[16], r[1] + r[9] + r[17]
    c, d = r[2] + r[10] + r[18], r[3] + r[11] + r[19]
    e, f = r[4] + r[12] + r[20], r[5] + r[13] + r[21]
    g, h = r[6] + r[14] + r[22], r[7] + r[15] + r[23]
    return ((a + b) + (c + d)) + ((e + f) + (g + h)) + r[24] + r[25] + r[26] + r[27] + r[28] + r[29]


@compiled
def _pairwise_squares(r: Any, mean: Any) -> Any:
    """Add the squares of 30 deviations in the same order."""
    a, b = _three(r[0], r[8], r[16], mean), _three(r[1], r[9], r[17], mean)
    c, d = _three(r[2], r[10], r[18], mean), _three(r[3], r[11], r[19], mean)
    e, f = _three(r[4], r[12], r[20], mean), _three(r[5], r[13], r[21], mean)
    g, h = _three(r[6], r[14], r[22], mean), _three(r[7], r[15], r[23], mean)
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    total = total + _square(r[24] - mean) + _square(r[25] - mean) + _square(r[26] - mean)
    return total + _square(r[27] - mean) + _square(r[28] - mean) + _square(r[29] - mean)


@compiled
def _three(a: Any, b: Any, c: Any, mean: Any) -> Any:
    return _square(a - mean) + _square(b - mean) + _square(c - mean)


@compiled
def _square(value: Any) -> Any:
    return value * value
