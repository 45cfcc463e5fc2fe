"""What a separable filter is made of: weights along an axis, and what lies beyond the border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.checks import nonnegative, one_of

Border = Literal["nearest", "reflect", "mirror", "constant"]

#: Index of what lies outside an image whose border is "constant": zero.
OUTSIDE = -1

#: Orders of derivatives; SciPy has more, but nobody has been seen to need them.
HIGHEST_ORDER = 3

#: Pixels seen on either side at most: tables of weights and places then take some 100 MiB.
FARTHEST = 2**22


@dataclass(frozen=True)
class Taps:
    """Weights along one axis, of which the left half says all.

    Attributes
    ----------
    half
        From the farthest pixel, the one of lowest index, to the centre.
    symmetric
        Whether the right half is the left one mirrored; otherwise it is that with its sign turned.
    """

    half: NDArray[np.float64]
    symmetric: bool = True

    @property
    def radius(self) -> int:
        """Pixels seen on either side."""
        return self.half.size - 1

    @property
    def sign(self) -> float:
        """What the left half is multiplied with to give the right one."""
        return 1.0 if self.symmetric else -1.0


def gaussian_radius(sigma: float, truncate: float) -> int:
    """Return how many pixels on either side SciPy gives weights of a Gaussian.

    Raises
    ------
    ValueError
        If they are so many that the weights alone would fill the memory.
    """
    reach = truncate * float(sigma)
    if reach > FARTHEST:
        raise ValueError(
            f"sigma must be at most {FARTHEST / truncate:.7g} where weights end after {truncate:g} "
            f"standard deviations, not {sigma!r}: no image is as wide."
        )
    return int(reach + 0.5)


def gaussian_taps(sigma: float, order: int = 0, truncate: float = 4.0) -> Taps:
    """Return the weights that `scipy.ndimage.gaussian_filter1d` takes, rounded as it rounds them.

    SciPy reads the left half of the mirrored kernel alone, once it has found it symmetric or
    antisymmetric to within the precision of a double. So tiny weights of a derivative count as
    symmetric, which this repeats. Outer weights that underflow to zero are left out: the pixels
    under them change nothing but the sign of a zero.

    Examples
    --------
    >>> gaussian_taps(0.5, order=1).half.round(3)
    array([-0.002, -0.426,  0.   ])
    """
    if sigma <= 1e-15:  # where SciPy leaves the axis as it is, whatever the order
        return Taps(np.ones(1))
    radius = gaussian_radius(sigma, truncate)
    offset = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 / (sigma * sigma) * offset**2)
    kernel = kernel / kernel.sum()
    if order:
        powers = offset[:, np.newaxis] ** np.arange(order + 1)
        kernel = powers.dot(_polynomial(sigma * sigma, order)) * kernel
    mirrored = kernel[::-1]
    left, right = mirrored[: radius + 1], kernel[: radius + 1]
    symmetric = not np.any(np.abs(left[:-1] - right[:-1]) > np.finfo(np.float64).eps)
    nonzero = np.flatnonzero(left)
    first = min(int(nonzero[0]), radius) if nonzero.size else radius
    return Taps(np.array(left[first:], np.float64), symmetric)


def _polynomial(variance: float, order: int) -> NDArray[np.float64]:
    """Return what a Gaussian is multiplied with in its derivative, from the lowest power up."""
    coefficients = np.zeros(order + 1)
    coefficients[0] = 1
    derive = np.diag(np.arange(order + 1)[1:], 1) + np.diag(np.ones(order) / -variance, -1)
    for _ in range(order):
        coefficients = derive.dot(coefficients)
    return np.asarray(coefficients, np.float64)


def border_table(length: int, radius: int, mode: Border) -> NDArray[np.int64]:
    """Return which pixel stands at each place from `radius` before a line to `radius` after it.

    Raises
    ------
    ValueError
        If the mode is none of SciPy's "nearest", "reflect", "mirror" and "constant".

    Examples
    --------
    >>> for mode in ("nearest", "reflect", "mirror", "constant"):
    ...     border_table(4, 2, mode)
    array([0, 0, 0, 1, 2, 3, 3, 3])
    array([1, 0, 0, 1, 2, 3, 3, 2])
    array([2, 1, 0, 1, 2, 3, 2, 1])
    array([-1, -1,  0,  1,  2,  3, -1, -1])
    """
    check_border(mode)
    place = np.arange(-radius, length + radius)
    if mode == "nearest":
        return np.clip(place, 0, length - 1)
    if mode == "reflect":
        place %= 2 * length
        return np.minimum(place, 2 * length - 1 - place)
    if mode == "mirror":
        place %= max(1, 2 * length - 2)
        return np.minimum(place, np.abs(2 * length - 2 - place))
    return np.where((place < 0) | (place >= length), OUTSIDE, place)


def check_border(mode: Border) -> None:
    """Refuse what is none of the words for what lies beyond the border."""
    one_of("mode", mode, Border)


def check_sigma(sigma: float) -> float:
    """Return a standard deviation, refusing what is negative, not finite or no number."""
    return nonnegative("sigma", sigma)
