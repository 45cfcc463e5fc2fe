"""Features of membranes: what lines in 30 directions through a pixel see, and how much it differs.

In lanes, 30 lines and 8 pixels at a time (AVX-512), about 24 times as fast as 30 calls of
`scipy.ndimage.convolve` and NumPy's reductions, one thread. Tried: in lanes, 10 lines and 4 pixels
at a time (AVX2), 2.4 times as long; only the 1167 products that count, one after the other, 11
times as long.

Sum and mean alone would be one convolution with the sum of the kernels, but not to the last bit.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.checks import real_image
from pspy_dask.kernels.jit import compiled
from pspy_dask.kernels.lines import COUNT, NETWORK, RADIUS, line_taps
from pspy_dask.kernels.membrane_lanes import LANES, features_by_lanes
from pspy_dask.kernels.simd import lanes_pay

Doubles = NDArray[np.float64]
Table = NDArray[np.int64]

#: What the features are called, in their order.
MEMBRANE_FEATURES = ("sum", "mean", "standard deviation", "median", "maximum", "minimum")

_TILE = 256  # pixels of a row whose responses stay in the nearest cache


def membrane_halo() -> int:
    """Return how far membrane features look: half of a line of 19 pixels.

    >>> membrane_halo()
    9
    """
    return RADIUS


def membrane_features(image: NDArray[Any]) -> Doubles:
    """Return sum, mean, standard deviation, median, maximum and minimum over 30 lines.

    A line is 19 pixels long and goes through the pixel, in steps of 6 degrees; the response to it
    is the sum of the pixels on it. The reference is a stack of ``scipy.ndimage.convolve(image,
    skimage.transform.rotate(line, angle))``, reflected at the border, with the responses on its
    last axis, and `numpy.sum`, `mean`, `std`, `median`, `max` and `min` over that axis: the result
    is the same to the last bit. On images of a few pixels SciPy's own "reflect" is wrong: there it
    is that of SciPy on an image that `numpy.pad` has reflected. The mean is that of all 30
    responses. A pixel's value does not depend on where its window starts.

    Parameters
    ----------
    image
        Two axes, real numbers of any dtype; filtered as float64.

    Returns
    -------
    ndarray
        (6, rows, columns), float64, in the order of :data:`MEMBRANE_FEATURES`.

    Raises
    ------
    ValueError
        If the image has not two axes, or is not of real numbers.

    References
    ----------
    Arganda-Carreras, I. et al., Trainable Weka Segmentation, Bioinformatics 33(15), 2424-2426,
    2017: membrane projections.

    Examples
    --------
    >>> line = np.zeros((19, 19), np.uint8)
    >>> line[:, 9] = 1
    >>> membrane_features(line)[4:, 9, 9].round(2)
    array([19.,  1.])
    """
    real_image(image, (2,), any_width=True)
    result = np.empty((len(MEMBRANE_FEATURES), *image.shape), np.float64)
    if image.size:
        padded = np.pad(image.astype(np.float64, order="C"), RADIUS, "symmetric")
        by_lanes = lanes_pay() and image.shape[1] >= LANES
        (features_by_lanes if by_lanes else plain_features)(padded, result)
        if np.isnan(result[0]).any():
            places, weights, _ = _tables()
            _mend(padded, places, weights, result)
    return result


def plain_features(padded: Doubles, result: Doubles) -> None:
    """Write the features of an image padded by 9 pixels: the reference of the lanes."""
    _features(padded, *_tables(), result)


@cache
def _tables() -> tuple[Table, Doubles, Table]:
    """Return direction, row and column of each product, its weight, and pairs to exchange."""
    flat = [(d, row, column, w) for row, column, taps in line_taps() for d, w in taps.items()]
    places, weights = np.array([tap[:3] for tap in flat], np.int64), np.array([t[3] for t in flat])
    return places, weights, np.array([exchange[:2] for exchange in NETWORK], np.int64)


@compiled
def _mend(padded: Doubles, places: Table, weights: Doubles, result: Doubles) -> None:
    """Redo pixels whose sum is nan: exchanges put no order into responses that are nan.

    Infinities of both signs make such a sum too, where responses do have an order.
    """
    height, width = result.shape[1:]
    responses = np.empty(COUNT, np.float64)
    for row in range(height):
        for column in range(width):
            if not np.isnan(result[0, row, column]):
                continue
            responses[:] = 0.0
            for tap in range(weights.size):
                pixel = padded[row + places[tap, 1], column + places[tap, 2]]
                response = responses[places[tap, 0]] + pixel * weights[tap]
                if np.isnan(response):  # and stays so
                    result[3:, row, column] = np.nan
                    break
                responses[places[tap, 0]] = response


@compiled
def _features(
    padded: Doubles, places: Table, weights: Doubles, pairs: Table, result: Doubles
) -> None:
    height, width = result.shape[1:]
    responses = np.empty((COUNT, _TILE), np.float64)
    for row in range(height):
        for start in range(0, width, _TILE):
            pixels = min(_TILE, width - start)
            responses[:] = 0.0
            for tap in range(weights.size):
                line, weight = responses[places[tap, 0]], weights[tap]
                source, shift = padded[row + places[tap, 1]], start + places[tap, 2]
                for pixel in range(pixels):
                    line[pixel] += source[shift + pixel] * weight
            _summarise(responses, pixels, pairs, result[:, row, start : start + pixels])


@compiled
def _summarise(responses: Doubles, pixels: int, pairs: Table, result: Doubles) -> None:
    """Turn the responses of some pixels, which are then put in order, into their features."""
    for pixel in range(pixels):
        total = _pairwise(responses[:, pixel], 0.0, False)
        mean = total / COUNT
        result[0, pixel], result[1, pixel] = total, mean
        result[2, pixel] = np.sqrt(_pairwise(responses[:, pixel], mean, True) / COUNT)
    for pair in range(pairs.shape[0]):
        low, high = responses[pairs[pair, 0]], responses[pairs[pair, 1]]
        for pixel in range(pixels):
            a, b = low[pixel], high[pixel]
            low[pixel], high[pixel] = min(a, b), max(a, b)
    for pixel in range(pixels):
        result[3, pixel] = (responses[COUNT // 2 - 1, pixel] + responses[COUNT // 2, pixel]) * 0.5
        result[4, pixel], result[5, pixel] = responses[COUNT - 1, pixel], responses[0, pixel]


@compiled
def _pairwise(values: Doubles, less: float, squared: bool) -> float:
    """Return the sum of 30 values, or of their squares, as NumPy adds neighbours in memory."""
    part = np.zeros(8)
    for place in range(values.size):
        value = values[place] - less
        value = value * value if squared else value
        if place < 8:
            part[place] = value
        elif place < values.size // 8 * 8:
            part[place % 8] += value
        else:
            part[0] += value
        if place == values.size // 8 * 8 - 1:
            part[0] = ((part[0] + part[1]) + (part[2] + part[3])) + (
                (part[4] + part[5]) + (part[6] + part[7])
            )
    return float(part[0])
