"""One threshold for a whole image, from its histogram alone: so no order of chunks can matter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import filters as _filters

from pspy_dask.kernels.jit import compiled

#: scikit-image has no annotations.
filters: Any = _filters

Counts = NDArray[np.int64]
Centers = NDArray[Any]

#: Smoothings after which the minimum method gives up, as in scikit-image.
_MOST_SMOOTHINGS = 10_000


def bins_for(method: str) -> int:
    """Return how many bins the histogram of a float image needs for a method.

    Examples
    --------
    >>> bins_for("otsu"), bins_for("li")
    (256, 65536)
    """
    return 65536 if method == "li" else 256


def global_threshold(method: str, counts: Counts, centers: Centers, integer: bool) -> float:
    """Return the threshold of an image from its histogram, as scikit-image from all its pixels.

    All but two results equal those of ``skimage.filters.threshold_*``:

    - "li" on floats: scikit-image iterates on the pixels, this on `bins_for` ("li") bins. The two
      differ by less than 1e-4 of the image's range, mostly by less than 1e-5.
    - "mean" on floats is refused: it follows from the exact sum of the pixels.

    A constant image has its value for threshold, except that "minimum" refuses it (scikit-image's
    "yen" and "isodata" fail or leave the range on a constant float image).

    Parameters
    ----------
    method
        "otsu", "mean", "minimum", "yen", "isodata", "li" or "triangle".
    counts
        Number of pixels in each bin.
    centers
        Middle of each bin, in the dtype that scikit-image gives it: int64 for integers, the
        image's dtype for floats. A constant float image is best described by one bin at its
        value; NumPy's many bins around it give a threshold a few roundings above it.
    integer
        Whether the bins are single grey levels of an integer image.

    Returns
    -------
    float
        Pixels above it are bright; nan if there are no pixels.

    Raises
    ------
    ValueError
        If there is no such method, or it finds no threshold for this histogram.

    Examples
    --------
    >>> counts = np.array([5, 1, 0, 1, 4])
    >>> global_threshold("otsu", counts, np.arange(10, 15), integer=True)
    11.0
    >>> global_threshold("mean", counts, np.arange(10, 15), integer=True)
    11.818181818181818
    """
    if method not in _METHODS:
        raise ValueError(f"there is no global threshold called {method!r}.")
    occupied = np.flatnonzero(counts)
    if occupied.size == 0:
        return math.nan
    kept = slice(int(occupied[0]), int(occupied[-1]) + 1)
    if occupied.size == 1 and method != "minimum":
        return float(centers[kept][0]) if integer or counts.size == 1 else _just_above(centers)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(_METHODS[method](counts[kept], centers[kept], integer))


def _just_above(centers: Centers) -> float:
    """Return a bound on the value around which NumPy laid these bins, half a unit on each side."""
    middle = (float(centers[0]) + float(centers[-1])) / 2
    return middle + 4 * float(np.spacing(centers.dtype.type(abs(middle) + 1)))


def _otsu(counts: Counts, centers: Centers, integer: bool) -> float:
    return float(filters.threshold_otsu(hist=(counts, centers)))


def _yen(counts: Counts, centers: Centers, integer: bool) -> float:
    return float(filters.threshold_yen(hist=(counts, centers)))


def _isodata(counts: Counts, centers: Centers, integer: bool) -> float:
    try:
        return float(filters.threshold_isodata(hist=(counts, centers)))
    except IndexError:
        raise ValueError(
            "isodata finds no level midway between the means: choose another threshold."
        ) from None


def _mean(counts: Counts, centers: Centers, integer: bool) -> float:
    if not integer:
        raise ValueError("the mean of a float image follows from its exact sum, not its histogram.")
    return _exact_mean(counts, int(centers[0]))


def _exact_mean(counts: Counts, start: int) -> float:
    """Return the mean grey level; dividing two Python integers rounds once, correctly."""
    number = int(counts.sum())
    excess = int(np.dot(counts, np.arange(counts.size)))
    return (start * number + excess) / number


def _minimum(counts: Counts, centers: Centers, integer: bool) -> float:
    """Smooth the histogram until two peaks are left, and return the lowest point between them.

    Prewitt, J. M. S. and Mendelsohn, M. L., Annals of the New York Academy of Sciences 128,
    1035-1053, 1966; with scikit-image's smoothing, in float32, and its count of peaks.
    """
    smooth = counts.astype(np.float32)
    for _ in range(_MOST_SMOOTHINGS - 1):
        smooth = ndimage.uniform_filter1d(smooth, 3)
        number, first, second = _first_peaks(smooth)
        if number < 2:
            break
        if number == 2:
            return float(centers[first + int(np.argmin(smooth[first : second + 1]))])
    raise ValueError(
        "the histogram has no two peaks, which the minimum method needs: choose another threshold."
    )


@compiled
def _first_peaks(heights: NDArray[np.float32]) -> tuple[int, int, int]:
    """Count the peaks, each where the curve turns down, and return the places of the first two."""
    number, first, second = 0, 0, 0
    rising = True
    for place in range(heights.size - 1):
        if rising and heights[place + 1] < heights[place]:
            rising = False
            number += 1
            if number == 1:
                first = place
            elif number == 2:
                second = place
        elif not rising and heights[place + 1] > heights[place]:
            rising = True
    return number, first, second


def _triangle(counts: Counts, centers: Centers, integer: bool) -> float:
    """Return the bin farthest below the line from the peak to the end of the longer tail.

    Zack, G. W., Rogers, W. E. and Latt, S. A., Journal of Histochemistry and Cytochemistry 25(7),
    741-753, 1977; the line's coefficients are normalised first, as in scikit-image.
    """
    peak = int(np.argmax(counts))
    tail_is_right = peak < counts.size - 1 - peak
    if tail_is_right:
        counts, centers = counts[::-1], centers[::-1]
        peak = counts.size - 1 - peak
    height = counts[peak]
    norm = np.sqrt(height**2 + peak**2)
    distance = height / norm * np.arange(peak) - peak / norm * counts[:peak]
    return float(centers[int(np.argmax(distance))])


def _li(counts: Counts, centers: Centers, integer: bool) -> float:
    """Return the level of minimum cross entropy, by Li and Tam's iteration from the mean.

    Li, C. H. and Tam, P. K. S., Pattern Recognition Letters 19(8), 771-776, 1998. On integers it
    stops as scikit-image does, at a change of at most half a grey level; on floats where the bins
    on either side stay the same (scikit-image: half the smallest difference of two pixels).
    """
    if integer:
        start = float(centers[0])
        levels: NDArray[np.float64] = np.arange(counts.size, dtype=np.float64)
        weights = counts.astype(np.float32).astype(np.float64)
        mean = _exact_mean(counts, 0)
    else:
        # The darkest and the brightest pixels lie on the outer edges of their bins.
        width = (float(centers[-1]) - float(centers[0])) / (counts.size - 1)
        start = float(centers[0]) - width / 2
        levels = (np.arange(counts.size, dtype=np.float64) + 0.5) * width
        levels[0], levels[-1] = 0.0, counts.size * width
        weights = counts.astype(np.float64)
        mean = float(np.dot(weights, levels) / weights.sum())
    return start + _iterate_li(weights, levels, mean, 0.5 if integer else 0.0)


def _iterate_li(
    weights: NDArray[np.float64], levels: NDArray[np.float64], threshold: float, tolerance: float
) -> float:
    """Move the threshold to the logarithmic mean of both sides' means until it stays."""
    below = np.cumsum(weights)
    moment = np.cumsum(weights * levels)
    for _ in range(levels.size):
        last = int(np.searchsorted(levels, threshold, side="right")) - 1
        dark = float(moment[last] / below[last])
        bright = float((moment[-1] - moment[last]) / (below[-1] - below[last]))
        if dark == 0:
            break
        previous = threshold
        threshold = (dark - bright) / float(np.log(dark) - np.log(bright))
        if abs(threshold - previous) <= tolerance:
            break
    return threshold


_METHODS: dict[str, Callable[[Counts, Centers, bool], float]] = {
    "otsu": _otsu,
    "mean": _mean,
    "minimum": _minimum,
    "yen": _yen,
    "isodata": _isodata,
    "li": _li,
    "triangle": _triangle,
}
