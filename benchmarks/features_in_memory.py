"""The features of pixels by scikit-image and SciPy, on the whole image in memory: the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import feature, filters, morphology, transform

from pspy_dask.feature_parameters import FeatureParameters

Plane = NDArray[Any]
_PROJECTIONS: dict[str, Callable[..., Plane]] = {
    "sum": np.sum,
    "mean": np.mean,
    "standard deviation": np.std,
    "median": np.median,
    "maximum": np.max,
    "minimum": np.min,
}


def features_in_memory(image: Plane, parameters: FeatureParameters) -> NDArray[np.float32]:
    """Return the features of an image of two or three axes, in the order of `features`."""
    p, raw = parameters, image.astype(np.float32)

    def after(sigma: float) -> Plane:
        return filters.gaussian(raw, sigma, mode="nearest") if sigma else raw

    def disk(radius: int) -> Plane:
        footprint: Plane = morphology.disk(radius)
        return footprint if raw.ndim == 2 else footprint[None]

    found = [after(sigma) for sigma in p.gaussian]
    for low, high in p.difference_of_gaussians:
        start = after(p.difference_prefilter)
        found.append(filters.difference_of_gaussians(start, low, high, mode="nearest"))
    for radius in p.median:
        start = after(p.median_prefilter)
        found.append(ndimage.median_filter(start, footprint=disk(radius), mode="nearest"))
    for extreme, radii, sigma in (
        (morphology.erosion, p.minimum, p.minimum_prefilter),
        (morphology.dilation, p.maximum, p.maximum_prefilter),
    ):
        found += [extreme(after(sigma), disk(radius), mode="nearest") for radius in radii]
    found += [filters.sobel(after(sigma)) for sigma in p.sobel]
    found += [filters.laplace(after(sigma)) for sigma in p.laplacian]
    for sigma in p.hessian:
        found += _eigenvalues(after(p.hessian_prefilter), sigma)
    if p.membrane:
        found += projections(after(p.membrane_prefilter), p.membrane)
    return np.stack([plane.astype(np.float32) for plane in found])


def projections(image: Plane, names: tuple[str, ...]) -> list[Plane]:
    """Return what is told of the responses to a line in 30 directions, in every plane."""
    upright = np.zeros((19, 19))
    upright[:, 9] = 1
    kernels = [transform.rotate(upright, 6 * turn) for turn in range(30)]
    responses = np.empty((*image.shape, len(kernels)))
    for place in np.ndindex(image.shape[:-2]):
        plane = image[place].astype(np.float64)
        for turn, kernel in enumerate(kernels):
            responses[*place, :, :, turn] = ndimage.convolve(plane, kernel)
    return [_PROJECTIONS[name](responses, axis=-1) for name in names]


def _eigenvalues(image: Plane, sigma: float) -> list[Plane]:
    elements = feature.hessian_matrix(
        image, sigma, mode="nearest", order="rc", use_gaussian_derivatives=False
    )
    return list(feature.hessian_matrix_eigvals(elements))
