"""The lowest and the highest pixel of the disk around each pixel.

What was tried, and the time of ``scipy.ndimage.minimum_filter`` in ours for a disk of radius 20 on
uint8, uint16, float32 and float64: loops over the lines of a tile, which did not become vectors,
about 120, 100, 75 and 50; loops over all of a tile, about 440, 360, 170 and 77, and much the same
with AVX2 alone.
Tiles of 128 to 256 pixels a side take the same time within a quarter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.checks import real_image
from pspy_dask.kernels.disks import Ints, check_radius, half_widths
from pspy_dask.kernels.jit import compiled, inlined

#: Least side of the squares of an image that are filtered in one go; with what lies around them
#: they stay in the cache of one core.
_SIDE = 192


def disk_minimum(image: NDArray[Any], radius: int) -> NDArray[Any]:
    """Return the lowest pixel of the disk around each pixel.

    Equal to ``scipy.ndimage.minimum_filter(image, footprint=disk(radius), mode=mode)`` for the
    modes "nearest", "reflect" and "mirror": what they put outside the image are pixels of it that
    the disk holds anyway, so the border makes no difference. For integers beyond ``2**53`` this one
    is exact and SciPy's, which goes through doubles, is not; and on images much smaller than the
    disk SciPy's own "reflect" is wrong. A disk with a nan gives nan, as
    ``numpy.minimum`` does and SciPy, whose result then depends on the order of pixels, does not. A
    zero has no sign.

    Parameters
    ----------
    image
        Two axes, any real dtype of at most 64 bits; bool is read as uint8.
    radius
        Of the disk ``skimage.morphology.disk(radius)``, in pixels, at least 0.

    Returns
    -------
    ndarray
        As the image, in the machine's byte order; uint8 for a bool image.

    Raises
    ------
    ValueError
        If the image has not two axes or is not of real numbers, or the radius is no number of
        pixels.

    References
    ----------
    Urbach, E. R. and Wilkinson, M. H. F., IEEE Transactions on Image Processing 17(1), 1-8, 2008.

    Examples
    --------
    >>> disk_minimum(np.array([[5, 4, 9], [7, 6, 8]], np.uint8), 1)
    array([[4, 4, 4],
           [5, 4, 6]], dtype=uint8)
    """
    return _disk_extreme(image, radius, largest=False)


def disk_maximum(image: NDArray[Any], radius: int) -> NDArray[Any]:
    """Return the highest pixel of the disk around each pixel: see `disk_minimum`.

    Parameters
    ----------
    image
        Two axes, any real dtype of at most 64 bits; bool is read as uint8.
    radius
        Of the disk, in pixels, at least 0.

    Returns
    -------
    ndarray
        As the image, in the machine's byte order; uint8 for a bool image.

    Raises
    ------
    ValueError
        If the image has not two axes or is not of real numbers, or the radius is no number of
        pixels.

    References
    ----------
    Urbach, E. R. and Wilkinson, M. H. F., IEEE Transactions on Image Processing 17(1), 1-8, 2008.

    Examples
    --------
    >>> disk_maximum(np.array([[5, 4, 9], [7, 6, 8]], np.uint8), 1)
    array([[7, 9, 9],
           [7, 8, 9]], dtype=uint8)
    """
    return _disk_extreme(image, radius, largest=True)


def _disk_extreme(image: NDArray[Any], radius: int, *, largest: bool) -> NDArray[Any]:
    radius = check_radius(radius)
    real_image(image, (2,))
    if image.dtype.kind == "f" and image.dtype.itemsize == 2:  # not known to Numba
        return _disk_extreme(image.astype(np.float32), radius, largest=largest).astype(np.float16)
    pixels = image.view(np.uint8) if image.dtype == np.bool_ else image
    pixels = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))
    result = np.empty(pixels.shape, pixels.dtype)
    if pixels.size == 0:
        return result
    nowhere = _least_extreme(pixels.dtype, largest=largest)
    unknown = np.isnan(pixels) if pixels.dtype.kind == "f" and np.isnan(np.min(pixels)) else None
    if unknown is not None:
        pixels = np.where(unknown, nowhere, pixels)
    side = max(_SIDE, 2 * radius)
    _filter_tiles(pixels, half_widths(radius), side, largest, nowhere, result)
    if unknown is not None:
        result[disk_maximum(unknown, radius) > 0] = np.nan
    return result


def _least_extreme(dtype: np.dtype[Any], *, largest: bool) -> Any:
    """Return the value that any pixel replaces."""
    if dtype.kind == "f":
        return dtype.type(-np.inf if largest else np.inf)
    limits = np.iinfo(dtype)
    return dtype.type(limits.min if largest else limits.max)


@compiled
def _filter_tiles(
    image: NDArray[Any], widths: Ints, side: int, largest: bool, nowhere: Any, result: NDArray[Any]
) -> None:
    """Filter square by square; the order in which a pixel's disk is looked at is always the same.

    The disk is cut into columns. Those far from its middle are the shortest, so extremes of
    columns grow from them inwards, each built from two that are shorter and overlap. A tile is one
    line of pixels for all that is done to it: whatever the shift, one long loop of vectors.
    """
    height, width = image.shape
    radius = widths.size // 2
    stride = min(side, width) + 2 * radius
    lines = min(side, height) + 2 * radius
    columns, longer = np.empty(lines * stride, image.dtype), np.empty(lines * stride, image.dtype)
    found = np.empty((lines - 2 * radius) * stride, image.dtype)
    size = found.size - 2 * radius  # what is right of the last line's pixels is not wanted
    for top in range(0, height, side):
        for left in range(0, width, side):
            _load_tile(image, top - radius, left - radius, lines, stride, nowhere, columns)
            found[:] = nowhere
            length = 1
            for aside in range(radius, -1, -1):
                reach = widths[radius + aside]
                while length < 2 * reach + 1:
                    further = min(length, 2 * reach + 1 - length)
                    length += further
                    last = (lines - length + 1) * stride
                    below = columns[further * stride : further * stride + last]
                    _take_extreme(columns[:last], below, largest, longer[:last])
                    columns, longer = longer, columns
                first = (radius - reach) * stride + radius - aside
                second = first + 2 * aside
                one, two = columns[first : first + size], columns[second : second + size]
                _improve(one, two, largest, found[:size])
            for row in range(min(side, height - top)):
                for place in range(min(side, width - left)):
                    result[top + row, left + place] = found[row * stride + place]


@inlined
def _load_tile(
    image: NDArray[Any],
    top: int,
    left: int,
    lines: int,
    stride: int,
    nowhere: Any,
    tile: NDArray[Any],
) -> None:
    """Copy a part of the image that may reach beyond it; no zero keeps its sign."""
    zero = tile.dtype.type(0)
    height, width = image.shape
    first, stop = max(0, -left), min(stride, width - left)
    for line in range(lines):
        at = line * stride
        if not 0 <= top + line < height:
            tile[at : at + stride] = nowhere
            continue
        tile[at : at + first] = nowhere
        pixels, inside = image[top + line, left + first : left + stop], tile[at + first : at + stop]
        for place in range(pixels.size):
            inside[place] = pixels[place] + zero
        tile[at + stop : at + stride] = nowhere


@inlined
def _take_extreme(
    one: NDArray[Any], two: NDArray[Any], largest: bool, result: NDArray[Any]
) -> None:
    """Take the extremes of pairs of pixels."""
    if largest:
        for place in range(result.size):
            result[place] = one[place] if one[place] > two[place] else two[place]
    else:
        for place in range(result.size):
            result[place] = one[place] if one[place] < two[place] else two[place]


@inlined
def _improve(one: NDArray[Any], two: NDArray[Any], largest: bool, found: NDArray[Any]) -> None:
    """Replace what has been found where one of two other pixels is more extreme."""
    if largest:
        for place in range(found.size):
            best = one[place] if one[place] > two[place] else two[place]
            found[place] = best if best > found[place] else found[place]
    else:
        for place in range(found.size):
            best = one[place] if one[place] < two[place] else two[place]
            found[place] = best if best < found[place] else found[place]
