"""The filters of a feature stack: what each takes, how far it looks, what it gives.

A filter works on smoothed images. ``()`` stands for the image itself, ``(1.0,)`` for the image
smoothed with sigma 1, ``(1.0, 16.0)`` for that smoothed again with sigma 16: filters that take the
same one share it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from skimage.filters import laplace, sobel

from pspy_dask.blocks.grid import Index
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.kernels.disks import disk_halo
from pspy_dask.kernels.extrema import disk_maximum, disk_minimum
from pspy_dask.kernels.hessian import hessian_eigenvalues, hessian_halo
from pspy_dask.kernels.median import median
from pspy_dask.kernels.membrane import MEMBRANE_FEATURES, membrane_features, membrane_halo

Smoothing = tuple[float, ...]
Planes = Sequence[NDArray[Any]]


class Filter(Protocol):
    """What gives some features of a pixel."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the features are called."""
        ...

    @property
    def inputs(self) -> tuple[Smoothing, ...]:
        """The smoothed images that the filter takes."""
        ...

    def halo(self, axes: int) -> Index:
        """Return how far these must reach beyond the pixels wanted, along each of so many axes."""
        ...

    def __call__(self, *images: NDArray[Any]) -> Planes:
        """Return the features, each of the shape of the images."""
        ...


@dataclass(frozen=True)
class Smoothed:
    """The Gaussian."""

    sigma: float

    @property
    def names(self) -> tuple[str, ...]:
        """One name."""
        return (f"gaussian {_short(self.sigma)}",)

    @property
    def inputs(self) -> tuple[Smoothing, ...]:
        """The smoothed image is the feature."""
        return ((self.sigma,),)

    def halo(self, axes: int) -> Index:
        """Return 0: nothing beyond."""
        return (0,) * axes

    def __call__(self, *images: NDArray[Any]) -> Planes:
        """Return the image as it is."""
        return images


@dataclass(frozen=True)
class Difference:
    """The difference of two Gaussians."""

    low: float
    high: float
    prefilter: float

    @property
    def names(self) -> tuple[str, ...]:
        """One name."""
        name = f"difference of gaussians {_short(self.low)} and {_short(self.high)}"
        return (_named(name, self.prefilter),)

    @property
    def inputs(self) -> tuple[Smoothing, ...]:
        """Both."""
        start = _smoothing(self.prefilter)
        return (*start, self.low), (*start, self.high)

    def halo(self, axes: int) -> Index:
        """Return 0: nothing beyond."""
        return (0,) * axes

    def __call__(self, *images: NDArray[Any]) -> Planes:
        """Return the first less the second."""
        low, high = images
        return (low - high,)


@dataclass(frozen=True)
class OverDisk:
    """Median, minimum or maximum over a disk; in a volume over the disk in each plane."""

    kind: str
    radius: int
    prefilter: float

    @property
    def names(self) -> tuple[str, ...]:
        """One name."""
        return (_named(f"{self.kind} {self.radius}", self.prefilter),)

    @property
    def inputs(self) -> tuple[Smoothing, ...]:
        """The image, prefiltered."""
        return (_smoothing(self.prefilter),)

    def halo(self, axes: int) -> Index:
        """Return the radius, in planes."""
        return _in_planes(disk_halo(self.radius), axes)

    def __call__(self, *images: NDArray[Any]) -> Planes:
        """Return the filtered image."""
        (image,) = images
        return (_by_planes(_OVER_DISK[self.kind], image, self.radius),)


@dataclass(frozen=True)
class Edges:
    """Sobel's gradient or the Laplacian."""

    kind: str
    prefilter: float

    @property
    def names(self) -> tuple[str, ...]:
        """One name."""
        return (f"{self.kind} {_short(self.prefilter)}",)

    @property
    def inputs(self) -> tuple[Smoothing, ...]:
        """The image, prefiltered."""
        return (_smoothing(self.prefilter),)

    def halo(self, axes: int) -> Index:
        """Return that of the next pixels."""
        return (1,) * axes

    def __call__(self, *images: NDArray[Any]) -> Planes:
        """Return the filtered image."""
        pixels = np.asarray(images[0], np.float32)
        return (_EDGES[self.kind](pixels),)


@dataclass(frozen=True)
class Curvature:
    """The eigenvalues of the Hessian, the largest first."""

    sigma: float
    prefilter: float
    count: int

    @property
    def names(self) -> tuple[str, ...]:
        """One name for each eigenvalue."""
        name = _named(f"hessian {_short(self.sigma)}", self.prefilter)
        middle = ("middle",) * (self.count - 2)
        return tuple(f"{name}, {which}" for which in ("largest", *middle, "smallest"))

    @property
    def inputs(self) -> tuple[Smoothing, ...]:
        """The image, prefiltered."""
        return (_smoothing(self.prefilter),)

    def halo(self, axes: int) -> Index:
        """Return that of the Gaussian and of the differences."""
        return (hessian_halo(self.sigma),) * axes

    def __call__(self, *images: NDArray[Any]) -> Planes:
        """Return the eigenvalues."""
        pixels = np.asarray(images[0], np.float32)
        return tuple(hessian_eigenvalues(pixels, self.sigma, mode="nearest"))


@dataclass(frozen=True)
class Membrane:
    """What lines through the pixel see; in a volume lines in its plane."""

    projections: tuple[str, ...]
    prefilter: float

    @property
    def names(self) -> tuple[str, ...]:
        """One name for each projection."""
        return tuple(_named(f"membrane {p}", self.prefilter) for p in self.projections)

    @property
    def inputs(self) -> tuple[Smoothing, ...]:
        """The image, prefiltered."""
        return (_smoothing(self.prefilter),)

    def halo(self, axes: int) -> Index:
        """Return half a line, in planes."""
        return _in_planes(membrane_halo(), axes)

    def __call__(self, *images: NDArray[Any]) -> Planes:
        """Return the projections."""
        chosen = [MEMBRANE_FEATURES.index(p) for p in self.projections]
        (image,) = images
        result = np.empty((len(chosen), *image.shape), np.float32)
        for place in np.ndindex(image.shape[:-2]):
            found = membrane_features(image[place].astype(np.float32))
            for plane, which in zip(result, chosen, strict=True):
                plane[place] = found[which]
        return tuple(result)


def filters_of(parameters: FeatureParameters, axes: int) -> tuple[Filter, ...]:
    """Return the filters that are on, for an image of so many axes, in the order of features."""
    p = parameters
    disks = (
        ("median", p.median, p.median_prefilter),
        ("minimum", p.minimum, p.minimum_prefilter),
        ("maximum", p.maximum, p.maximum_prefilter),
    )
    edges = (("sobel", p.sobel), ("laplacian", p.laplacian))
    filters: list[Filter] = [Smoothed(sigma) for sigma in p.gaussian]
    filters += [Difference(*pair, p.difference_prefilter) for pair in p.difference_of_gaussians]
    filters += [OverDisk(kind, r, before) for kind, radii, before in disks for r in radii]
    filters += [Edges(kind, sigma) for kind, sigmas in edges for sigma in sigmas]
    filters += [Curvature(sigma, p.hessian_prefilter, axes) for sigma in p.hessian]
    if p.membrane:
        filters.append(Membrane(p.membrane, p.membrane_prefilter))
    return tuple(filters)


def _median(image: NDArray[Any], radius: int) -> NDArray[Any]:
    return median(image, radius, border="nearest")


_OVER_DISK: dict[str, Callable[[NDArray[Any], int], NDArray[Any]]] = {
    "median": _median,
    "minimum": disk_minimum,
    "maximum": disk_maximum,
}
_EDGES: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {"sobel": sobel, "laplacian": laplace}


def _by_planes(
    function: Callable[[NDArray[Any], int], NDArray[Any]], image: NDArray[Any], radius: int
) -> NDArray[Any]:
    if image.ndim == 2:
        return function(image, radius)
    return np.stack([function(plane, radius) for plane in image])


def _smoothing(prefilter: float) -> Smoothing:
    return (prefilter,) if prefilter else ()


def _in_planes(pixels: int, axes: int) -> Index:
    """Return the halo of a filter that looks no farther than its plane."""
    return (0,) * (axes - 2) + (pixels, pixels)


def _named(name: str, prefilter: float) -> str:
    return f"{name} after gaussian {_short(prefilter)}" if prefilter else name


def _short(sigma: float) -> str:
    """Return a number without needless zeros; two that differ at all are written differently.

    >>> _short(16.0), _short(1.25), _short(1.00000001)
    ('16', '1.25', '1.00000001')
    """
    return repr(sigma).removesuffix(".0")
