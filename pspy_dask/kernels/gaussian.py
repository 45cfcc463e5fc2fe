"""The Gaussian filter, equal to SciPy's to the last bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.separable import Border, symmetric_filter


def gaussian_halo(sigma: float) -> int:
    """Return how far the Gaussian filter looks: four standard deviations, rounded.

    Examples
    --------
    >>> gaussian_halo(2.0)
    8
    """
    return int(4.0 * float(sigma) + 0.5)


def gaussian(
    image: NDArray[Any],
    sigma: float,
    mode: Border = "nearest",
    dtype: np.dtype[Any] | type[np.floating[Any]] | None = None,
) -> NDArray[Any]:
    """Smooth an image as `scipy.ndimage.gaussian_filter` does, bit for bit.

    A pixel's value is a sum in a fixed order over the pixels around it, so it does not depend on
    where its window starts. The reference is ``gaussian_filter(image.astype(dtype), sigma,
    mode=mode, truncate=4.0)``; with "nearest" that is also `skimage.filters.gaussian`.

    Parameters
    ----------
    image
        Two or three axes, any real dtype.
    sigma
        Standard deviation in pixels, the same along each axis.
    mode
        What lies outside the image, in SciPy's words.
    dtype
        float32 or float64; by default float64 for a float64 image and float32 for any other.

    Returns
    -------
    ndarray
        The smoothed image, of that dtype.

    Raises
    ------
    ValueError
        If `sigma` is negative or not finite, or the image has not two or three axes.

    Examples
    --------
    >>> import numpy as np
    >>> spot = np.zeros((3, 3), np.uint8)
    >>> spot[1, 1] = 100
    >>> gaussian(spot, 0.5).round(1)[1]
    array([ 8.4, 61.9,  8.4], dtype=float32)
    """
    if not (math.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"sigma must be zero or a positive number, not {sigma}.")
    if dtype is None:
        dtype = np.float64 if image.dtype == np.float64 else np.float32
    return symmetric_filter(image, _half_gaussian(sigma), mode, np.dtype(dtype))


def _half_gaussian(sigma: float) -> NDArray[np.float64]:
    """Return the weights from the farthest pixel to the centre, rounded as SciPy rounds them."""
    radius = gaussian_halo(sigma)
    if sigma <= 1e-15:
        return np.ones(1)
    offset = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * offset**2)
    # SciPy divides by the sum of both halves, and reads the mirrored kernel from its left end.
    return np.asarray((weights / weights.sum())[::-1][: radius + 1], np.float64)
