"""ParticleSpy's parameters of the features of pixels."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from pspy_dask.feature_parameters import FeatureParameters, Projection

_DISKS = ("median", "minimum", "maximum")
_PREFILTERED = ("diff_gaussian", *_DISKS, "sobel", "hessian", "laplacian")
_PROJECTIONS: tuple[Projection, ...] = (
    *("sum", "mean", "standard deviation", "maximum", "minimum", "median"),
)


class trainable_parameters:  # noqa: N801
    """Which features of a pixel are told, in ParticleSpy's lists.

    A list begins with whether its filter is on; ``[on, sigma]`` inside is whether the image is
    smoothed before the filter, and by how much.

    Attributes
    ----------
    gaussian
        ``[on, sigma]``.
    diff_gaussian
        ``[on, [on, sigma], low sigma, high sigma]``.
    median, minimum, maximum
        ``[on, [on, sigma], radius of the disk]``.
    sobel, hessian, laplacian
        ``[on, [on, sigma]]``.
    membrane
        ``[[on, sigma], sum, mean, standard deviation, maximum, minimum, median]``, each on or off.

    Examples
    --------
    >>> params = trainable_parameters(median=[False, [False, 1], 20])
    >>> params.set_global_disk_size(8)
    >>> params.features().median, params.features().minimum
    ((), (8,))
    """

    def __init__(
        self,
        gaussian: list[Any] | None = None,
        diff_gaussian: list[Any] | None = None,
        median: list[Any] | None = None,
        minimum: list[Any] | None = None,
        maximum: list[Any] | None = None,
        sobel: list[Any] | None = None,
        hessian: list[Any] | None = None,
        laplacian: list[Any] | None = None,
        membrane: list[Any] | None = None,
    ) -> None:
        self.gaussian: list[Any] = _own(gaussian, [True, 1])
        self.diff_gaussian: list[Any] = _own(diff_gaussian, [True, [False, 1], 1, 16])
        self.median: list[Any] = _own(median, [True, [False, 1], 20])
        self.minimum: list[Any] = _own(minimum, [True, [False, 1], 20])
        self.maximum: list[Any] = _own(maximum, [True, [False, 1], 20])
        self.sobel: list[Any] = _own(sobel, [True, [True, 1]])
        self.hessian: list[Any] = _own(hessian, [False, [False, 1]])
        self.laplacian: list[Any] = _own(laplacian, [False, [False, 1]])
        self.membrane: list[Any] = _own(membrane, [[False, 1], True, *[False] * 5])

    def set_global_sigma(self, sigma: float) -> None:
        """Set the sigma of the Gaussian and of all prefilters, switched on or not."""
        self.gaussian[1] = sigma
        self.membrane[0][1] = sigma
        for name in _PREFILTERED:
            getattr(self, name)[1][1] = sigma

    def set_global_disk_size(self, disk_size: int) -> None:
        """Set the radius of all disks."""
        for name in _DISKS:
            getattr(self, name)[2] = disk_size

    def set_global_prefilter(self, sigma: float) -> None:
        """Switch all prefilters on, with this sigma."""
        self.membrane[0] = [True, sigma]
        for name in _PREFILTERED:
            getattr(self, name)[1] = [True, sigma]

    def set_gaussian(self, enabled: bool = True, sigma: float = 1) -> None:
        """Set the Gaussian."""
        self.gaussian = [enabled, sigma]

    def set_diff_gaussian(
        self,
        enabled: bool = True,
        prefilter: bool = True,
        prefilter_sigma: float = 1,
        low_sigma: float = 1,
        high_sigma: float = 16,
    ) -> None:
        """Set the difference of two Gaussians."""
        self.diff_gaussian = [enabled, [prefilter, prefilter_sigma], low_sigma, high_sigma]

    def set_median(
        self,
        enabled: bool = True,
        prefilter: bool = True,
        prefilter_sigma: float = 1,
        disk_size: int = 20,
    ) -> None:
        """Set the median."""
        self.median = [enabled, [prefilter, prefilter_sigma], disk_size]

    def set_minimum(
        self,
        enabled: bool = True,
        prefilter: bool = True,
        prefilter_sigma: float = 1,
        disk_size: int = 20,
    ) -> None:
        """Set the minimum."""
        self.minimum = [enabled, [prefilter, prefilter_sigma], disk_size]

    def set_maximum(
        self,
        enabled: bool = True,
        prefilter: bool = True,
        prefilter_sigma: float = 1,
        disk_size: int = 20,
    ) -> None:
        """Set the maximum."""
        self.maximum = [enabled, [prefilter, prefilter_sigma], disk_size]

    def set_sobel(
        self, enabled: bool = True, prefilter: bool = True, prefilter_sigma: float = 1
    ) -> None:
        """Set Sobel's edges."""
        self.sobel = [enabled, [prefilter, prefilter_sigma]]

    def set_hessian(
        self, enabled: bool = True, prefilter: bool = True, prefilter_sigma: float = 1
    ) -> None:
        """Set the eigenvalues of the Hessian."""
        self.hessian = [enabled, [prefilter, prefilter_sigma]]

    def set_laplacian(
        self, enabled: bool = True, prefilter: bool = True, prefilter_sigma: float = 1
    ) -> None:
        """Set the Laplacian."""
        self.laplacian = [enabled, [prefilter, prefilter_sigma]]

    def set_membrane(
        self,
        enabled: bool = True,
        prefilter: bool = True,
        prefilter_sigma: float = 1,
        summ: bool = True,
        mean: bool = True,
        stddev: bool = True,
        maximum: bool = True,
        minimum: bool = True,
        median: bool = True,
    ) -> None:
        """Set what is told of lines through the pixel; nothing where it is not enabled."""
        told = [enabled and on for on in (summ, mean, stddev, maximum, minimum, median)]
        self.membrane = [[prefilter, prefilter_sigma], *told]

    def features(self) -> FeatureParameters:
        """Return what they ask for, as :func:`pspy_dask.features` takes it.

        Raises
        ------
        ValueError
            A scale is out of range, or no filter is on.
        """
        low, high = self.diff_gaussian[2:4]
        return FeatureParameters(
            gaussian=_if_on(self.gaussian, self.gaussian[1]),
            difference_of_gaussians=_if_on(self.diff_gaussian, (low, high)),
            median=_if_on(self.median, self.median[2]),
            minimum=_if_on(self.minimum, self.minimum[2]),
            maximum=_if_on(self.maximum, self.maximum[2]),
            sobel=_if_on(self.sobel, _sigma(self.sobel[1])),
            laplacian=_if_on(self.laplacian, _sigma(self.laplacian[1])),
            hessian=_if_on(self.hessian, 1.0),
            membrane=tuple(
                name for name, on in zip(_PROJECTIONS, self.membrane[1:], strict=True) if on
            ),
            difference_prefilter=_sigma(self.diff_gaussian[1]),
            median_prefilter=_sigma(self.median[1]),
            minimum_prefilter=_sigma(self.minimum[1]),
            maximum_prefilter=_sigma(self.maximum[1]),
            hessian_prefilter=_sigma(self.hessian[1]),
            membrane_prefilter=_sigma(self.membrane[0]),
        )


def _own(given: list[Any] | None, default: list[Any]) -> list[Any]:
    """Return a copy, which no other object changes."""
    return default if given is None else deepcopy(given)


def _if_on(filter_: list[Any], scale: Any) -> tuple[Any, ...]:
    return (scale,) if filter_[0] else ()


def _sigma(prefilter: list[Any]) -> float:
    return float(prefilter[1]) if prefilter[0] else 0.0
