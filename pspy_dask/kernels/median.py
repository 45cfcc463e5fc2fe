"""The median of the disk or square around each pixel."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.checks import one_of, real_image
from pspy_dask.kernels.disks import (
    Footprint,
    Ints,
    check_footprint,
    check_radius,
    half_widths,
    pixels_of,
)
from pspy_dask.kernels.jit import compiled, inlined
from pspy_dask.kernels.median_bits import median_bits
from pspy_dask.kernels.median_lanes import FEW, VALUES, lanes_take, median_lanes
from pspy_dask.kernels.simd import lanes_pay

MedianBorder = Literal["nearest", "reflect"]

#: How `numpy.pad` calls SciPy's borders.
_PAD_MODE: dict[str, Literal["edge", "symmetric"]] = {"nearest": "edge", "reflect": "symmetric"}

#: Values whose counts are summed too, to walk over many at once.
_GROUP = 256

#: Pixels of a footprint times bits of the highest rank up to which medians are found bit by bit:
#: where all counts would be added up in lanes, where lanes would walk far if the image is noise,
#: and otherwise.
_MOST_BITS_OF_FEW = 300
_MOST_BITS_OF_MANY = 5500
_MOST_BITS = 2000

#: From this rank on lanes may walk far.
_MANY = 2**14


def median(
    image: NDArray[Any],
    radius: int,
    *,
    footprint: Footprint = "disk",
    border: MedianBorder = "reflect",
) -> NDArray[Any]:
    """Return the median of the disk or square around each pixel.

    Equal to ``scipy.ndimage.median_filter(image, footprint=disk(radius), mode=border)``, or with a
    square of ``2 * radius + 1`` pixels a side. For integers beyond ``2**53`` this one is exact and
    SciPy's, which goes through doubles, is not; and on images much smaller than the footprint
    SciPy's own "reflect" is wrong: there this equals SciPy on an image that `numpy.pad` has
    reflected. A nan counts as the highest value there is (SciPy's result then depends on the order
    of pixels), and a zero has no sign.

    Values are first replaced by their ranks among those of the image: by a table where integers
    span no more than 65536 values or the number of pixels, else by sorting, which takes longer
    than the rest. The pixels of a footprint are counted by value, and the counts slide along the
    rows. In `median_lanes` 32 rows go at a time, where vectors pay, there are no more than 65536
    values and a disk's radius is at most 102, a square's 90. Medians of small footprints jump from
    pixel to pixel where the image is noise, and walking over the counts then takes long:
    `median_bits` finds them, up to a radius of about 4 to 10, in a time that the image does not
    change.

    What was tried, and the time of SciPy's in ours for a disk of radius 20 on uint8 and uint16:
    one row at a time, 154 and 95; in lanes, about 450 and 340 (float32 of 1700 values, 110), and
    about 300 of both with AVX2 alone.

    Parameters
    ----------
    image
        Two axes, any real dtype; bool is read as uint8.
    radius
        Of the disk ``skimage.morphology.disk(radius)``, or how far the square reaches, in pixels,
        at least 0.
    footprint
        "disk" or "square".
    border
        "nearest" or "reflect": what lies outside the image, in SciPy's words.

    Returns
    -------
    ndarray
        As the image; uint8 for a bool image.

    Raises
    ------
    ValueError
        If the image has not two axes or is not of real numbers, the radius is no number of
        pixels, or there is no such footprint or border.

    References
    ----------
    Huang, T. S., Yang, G. J. and Tang, G. Y., IEEE Transactions on Acoustics, Speech, and Signal
    Processing 27(1), 13-18, 1979.

    Examples
    --------
    >>> median(np.array([[5, 4, 9], [7, 6, 8]], np.uint8), 1)
    array([[5, 5, 9],
           [7, 6, 8]], dtype=uint8)
    """
    radius = check_radius(radius)
    real_image(image, (2,), any_width=True)
    check_footprint(footprint, "radius")
    one_of("border", border, MedianBorder)
    pixels = image.view(np.uint8) if image.dtype == np.bool_ else image
    if pixels.size == 0:
        return pixels.copy()
    if not pixels.dtype.isnative:
        native = pixels.astype(pixels.dtype.newbyteorder("="))
        return median(native, radius, footprint=footprint, border=border).astype(pixels.dtype)
    widths = half_widths(radius, footprint)
    ranks, values = _rank(pixels)
    return _look_up(values, _median_of_ranks(ranks, widths, border))


def _rank(pixels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return each pixel's place among the values there may be, and those values in order."""
    if pixels.dtype.kind in "ui":
        lowest, spread = pixels.min(), int(pixels.max()) - int(pixels.min())
        if spread < max(VALUES, pixels.size):
            # Differences are right modulo 2^16 or 2^64, whatever wraps on the way.
            kind: Any = np.uint16 if spread < VALUES else np.uint64
            ranks = pixels.astype(kind) - lowest.astype(kind)
            values = np.arange(spread + 1).astype(pixels.dtype) + lowest
            if spread < FEW:
                return ranks, values
            # What takes time where values lie far apart is to walk over those between.
            present = np.zeros(spread + 1, np.bool_)
            _mark(ranks, present)
            table = np.cumsum(present) - 1
            values = values[present]
            return _look_up(table.astype(_kind_for(values.size)), ranks), values
    values, places = np.unique(pixels + pixels.dtype.type(0), return_inverse=True)
    return places.reshape(pixels.shape).astype(_kind_for(values.size)), values


def _kind_for(count: int) -> Any:
    return np.uint16 if count <= VALUES else np.uint32


def _look_up(table: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    if table.dtype.kind == "f":  # there are floats that Numba has not
        return np.take(table, places)
    result = np.empty(places.shape, table.dtype)
    _copy_entries(table, places, result)
    return result


@compiled
def _mark(places: NDArray[Any], present: NDArray[np.bool_]) -> None:
    height, width = places.shape
    for row in range(height):
        for column in range(width):
            present[places[row, column]] = True


@compiled
def _copy_entries(table: NDArray[Any], places: NDArray[Any], result: NDArray[Any]) -> None:
    """Do what `numpy.take` does, which first makes 64 bits of each place."""
    height, width = places.shape
    for row in range(height):
        for column in range(width):
            result[row, column] = table[places[row, column]]


def _median_of_ranks(ranks: NDArray[Any], widths: Ints, border: MedianBorder) -> NDArray[Any]:
    mode = _PAD_MODE[border]
    highest, pixels = int(ranks.max()), pixels_of(widths)
    lanes = lanes_pay() and ranks.dtype == np.uint16 and lanes_take(widths)
    most = _MOST_BITS
    if lanes and highest < FEW:
        most = _MOST_BITS_OF_FEW
    elif lanes and highest >= _MANY:
        most = _MOST_BITS_OF_MANY
    if pixels * highest.bit_length() <= most:
        return median_bits(ranks, widths, mode)
    if lanes:
        return median_lanes(ranks, widths, mode)
    return median_plain(ranks, widths, mode)


def median_plain(
    ranks: NDArray[Any], widths: Ints, mode: Literal["edge", "symmetric"]
) -> NDArray[Any]:
    """Return the median of a footprint around each pixel, row by row.

    For footprints of few pixels this takes up to eight times as long as SciPy (radius 1, values of
    16 bits): `median` has `median_bits` find those.

    Parameters
    ----------
    ranks
        Two axes, of unsigned integers. Memory goes with the largest.
    widths
        Half-widths of the footprint's rows.
    mode
        The border, as `numpy.pad` calls it.
    """
    padded = np.pad(ranks, widths.size // 2, mode)
    groups = int(padded.max()) // _GROUP + 1
    counts, sums = np.zeros(groups * _GROUP, np.int32), np.zeros(groups, np.int32)
    result = np.empty(ranks.shape, ranks.dtype)
    _slide_rows(padded, widths, counts, sums, result)
    return result


@compiled
def _slide_rows(
    padded: NDArray[Any],
    widths: Ints,
    counts: NDArray[np.int32],
    sums: NDArray[np.int32],
    result: NDArray[Any],
) -> None:
    """Count the disk of a row's first pixel, slide along, and take the last disk's counts back."""
    height, width = result.shape
    rank = int(np.sum(2 * widths + 1)) // 2
    for row in range(height):
        _count_disk(padded, row, 0, widths, 1, counts, sums)
        median, below = _walk(0, 0, rank, counts, sums)
        result[row, 0] = median
        for column in range(1, width):
            below += _slide(padded, row, column, widths, median, counts, sums)
            median, below = _walk(median, below, rank, counts, sums)
            result[row, column] = median
        _count_disk(padded, row, width - 1, widths, -1, counts, sums)


@inlined
def _count_disk(
    padded: NDArray[Any],
    row: int,
    column: int,
    widths: Ints,
    step: int,
    counts: NDArray[np.int32],
    sums: NDArray[np.int32],
) -> None:
    """Add to, or take from, the counts the pixels of the disk around a pixel."""
    middle = column + widths.size // 2
    for line in range(widths.size):
        for place in range(middle - widths[line], middle + widths[line] + 1):
            value = np.int64(padded[row + line, place])
            counts[value] += step
            sums[value // _GROUP] += step


@inlined
def _slide(
    padded: NDArray[Any],
    row: int,
    column: int,
    widths: Ints,
    median: int,
    counts: NDArray[np.int32],
    sums: NDArray[np.int32],
) -> Any:
    """Slide the counts to a column; return how many more pixels are less than the old median."""
    middle = column + widths.size // 2
    gain: Any = 0
    for line in range(widths.size):
        entering = np.int64(padded[row + line, middle + widths[line]])
        leaving = np.int64(padded[row + line, middle - widths[line] - 1])
        counts[entering] += 1
        counts[leaving] -= 1
        sums[entering // _GROUP] += 1
        sums[leaving // _GROUP] -= 1
        gain += np.int64(entering < median) - np.int64(leaving < median)
    return gain


@inlined
def _walk(
    median: Any, below: Any, rank: int, counts: NDArray[np.int32], sums: NDArray[np.int32]
) -> tuple[int, int]:
    """Return the value of a rank, and how many pixels are less, from those of another.

    Steps are of one value, or of a group of values where one begins.
    """
    while below > rank:
        group = median // _GROUP - 1
        if median % _GROUP == 0 and below - sums[group] > rank:
            median -= _GROUP
            below -= sums[group]
        else:
            median -= 1
            below -= counts[median]
    while below + counts[median] <= rank:
        group = median // _GROUP
        if median % _GROUP == 0 and below + sums[group] <= rank:
            median += _GROUP
            below += sums[group]
        else:
            below += counts[median]
            median += 1
    return median, below
