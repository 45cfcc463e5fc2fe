"""The median of a small footprint around each pixel, found bit by bit."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.disks import Ints
from pspy_dask.kernels.jit import compiled, inlined

#: Pixels of a row that are looked at in one go; what is kept of them stays in the nearest cache.
_CHUNK = 512


def median_bits(
    ranks: NDArray[Any], widths: Ints, mode: Literal["edge", "symmetric"]
) -> NDArray[Any]:
    """Return the median of a footprint around each pixel.

    A median is the largest value that has no more than half of the pixels below it, so its bits
    are found from the highest on, by counting the pixels below. The time goes with the pixels of
    the footprint and the bits of the largest rank, not with what the image shows.

    Parameters
    ----------
    ranks
        Two axes, of unsigned integers.
    widths
        Half-widths of the footprint's rows, of 65535 pixels in all at most.
    mode
        The border, as `numpy.pad` calls it.
    """
    padded = np.pad(ranks, widths.size // 2, mode)
    result = np.zeros(ranks.shape, ranks.dtype)
    # Arrays of bits: numbers among compiled ones would make all arithmetic that of 64 bits.
    bits = (1 << np.arange(int(ranks.max()).bit_length())[::-1]).astype(ranks.dtype)
    _find_bits(padded, widths, bits, np.uint16(np.sum(2 * widths + 1) // 2), result)
    return result


@compiled
def _find_bits(
    padded: NDArray[Any],
    widths: Ints,
    bits: NDArray[Any],
    half: Any,
    result: NDArray[Any],
) -> None:
    height, width = result.shape
    middle = widths.size // 2
    trial, below = np.empty(_CHUNK, result.dtype), np.empty(_CHUNK, np.uint16)
    for row in range(height):
        for left in range(0, width, _CHUNK):
            size = min(_CHUNK, width - left)
            found, tried, counts = result[row, left : left + size], trial[:size], below[:size]
            for bit in bits:
                for place in range(size):
                    tried[place] = found[place] | bit
                counts[:] = 0
                for line in range(widths.size):
                    reach = widths[line]
                    first = left + middle - reach
                    pixels = padded[row + line, first : first + size + 2 * reach]
                    _count_below(pixels, reach, tried, counts)
                for place in range(size):
                    if counts[place] <= half:
                        found[place] = tried[place]


@inlined
def _count_below(
    pixels: NDArray[Any], reach: Any, tried: NDArray[Any], counts: NDArray[np.uint16]
) -> None:
    """Count the pixels of one row of the footprint that are less than a trial."""
    size = tried.size
    # The middle one, then pairs: fewer stores.
    middle = pixels[reach : reach + size]
    for place in range(size):
        counts[place] += np.uint16(middle[place] < tried[place])
    for aside in range(1, reach + 1):
        before = pixels[reach - aside : reach - aside + size]
        after = pixels[reach + aside : reach + aside + size]
        for place in range(size):
            less = np.uint16(before[place] < tried[place])
            counts[place] += less + np.uint16(after[place] < tried[place])
