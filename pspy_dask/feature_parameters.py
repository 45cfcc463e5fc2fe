"""Which features of a pixel a classifier is told, checked when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from math import inf, nan
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, get_args

from pspy_dask.parameter_files import check_names, read_values, write_values

Projection = Literal["sum", "mean", "standard deviation", "median", "maximum", "minimum"]

PRESETS = ("default", "intensity", "edges", "texture", "membrane", "all")
PROJECTIONS: tuple[str, ...] = get_args(Projection)


@dataclass(frozen=True)
class FeatureParameters:
    """The features of a pixel: filters, each at any number of scales.

    Every filter takes a tuple of scales, or a single one; an empty tuple (or None) switches it
    off. A prefilter is the sigma of a Gaussian that smooths the image first; 0 does not smooth.

    Parameters
    ----------
    gaussian
        Sigmas in pixels of the Gaussian.
    difference_of_gaussians
        Pairs of sigmas, low and high: the image smoothed by the low one less that by the high one.
    median, minimum, maximum
        Radii in pixels of the disk.
    sobel, laplacian
        Sigmas of the Gaussian that smooths the image before its edges (its Laplacian) are taken;
        0 does not smooth.
    hessian
        Sigmas at which the eigenvalues of the Hessian are taken, the largest first.
    membrane
        What is told of the 30 responses to lines of 19 pixels through the pixel, in steps of 6
        degrees: some of ``sum``, ``mean``, ``standard deviation``, ``median``, ``maximum``,
        ``minimum``.
    difference_prefilter, median_prefilter, minimum_prefilter, maximum_prefilter, \
hessian_prefilter, membrane_prefilter
        Sigmas of the Gaussian before these filters.

    Raises
    ------
    ValueError
        A scale is out of range, stands twice, or none of all filters is on.

    Notes
    -----
    Features are those of scikit-image and SciPy, to the last bit. With ``image`` that of the
    prefilter, ``gaussian(raw, prefilter, mode="nearest")``, or where that is 0 the pixels
    themselves, ``raw = pixels.astype(np.float32)``:

    =========================== =================================================================
    gaussian                    ``skimage.filters.gaussian(raw, sigma, mode="nearest")``
    difference_of_gaussians     ``skimage.filters.difference_of_gaussians(image, low, high,
                                mode="nearest")``
    median                      ``scipy.ndimage.median_filter(image, footprint=disk(radius),
                                mode="nearest")``
    minimum, maximum            ``skimage.morphology.erosion(image, disk(radius), mode="nearest")``,
                                ``dilation``
    sobel, laplacian            ``skimage.filters.sobel(image)``, ``laplace`` (its sign: positive
                                where a pixel is brighter than the next ones)
    hessian                     ``skimage.feature.hessian_matrix_eigvals`` of
                                ``hessian_matrix(image, sigma, mode="nearest", order="rc",
                                use_gaussian_derivatives=False)``
    membrane                    `numpy.sum`, `mean`, `std`, `median`, `max`, `min` over 30 responses
                                ``scipy.ndimage.convolve(image.astype(float), line)``, the line
                                ``skimage.transform.rotate(upright, 6 * k)``
    =========================== =================================================================

    In a volume Gaussians, Sobel, Laplacian and Hessian take all three axes. Disks and lines lie in
    each plane: their footprint is ``disk(radius)[None]``. On images
    much smaller than a line SciPy reflects wrongly; here pixels are those of
    ``numpy.pad(image, 9, mode="symmetric")``.

    Examples
    --------
    >>> FeatureParameters(gaussian=(1, 2, 4), median=None).gaussian
    (1.0, 2.0, 4.0)
    >>> FeatureParameters.preset("edges")
    FeatureParameters(gaussian=(), difference_of_gaussians=(), median=(), minimum=(), maximum=(), \
sobel=(1.0, 2.0, 4.0), laplacian=(1.0, 2.0, 4.0), hessian=(), membrane=(), \
difference_prefilter=0.0, median_prefilter=0.0, minimum_prefilter=0.0, maximum_prefilter=0.0, \
hessian_prefilter=0.0, membrane_prefilter=0.0)
    """

    gaussian: tuple[float, ...] = (1.0,)
    difference_of_gaussians: tuple[tuple[float, float], ...] = ((1.0, 16.0),)
    median: tuple[int, ...] = (20,)
    minimum: tuple[int, ...] = (20,)
    maximum: tuple[int, ...] = (20,)
    sobel: tuple[float, ...] = (1.0,)
    laplacian: tuple[float, ...] = ()
    hessian: tuple[float, ...] = ()
    membrane: tuple[Projection, ...] = ("sum",)
    difference_prefilter: float = 0.0
    median_prefilter: float = 0.0
    minimum_prefilter: float = 0.0
    maximum_prefilter: float = 0.0
    hessian_prefilter: float = 0.0
    membrane_prefilter: float = 0.0

    def __post_init__(self) -> None:
        for name in ("gaussian", "hessian"):
            self._set(name, [_sigma(name, s, above=0) for s in _scales(getattr(self, name))])
        for name in ("sobel", "laplacian"):
            self._set(name, [_sigma(name, s) for s in _scales(getattr(self, name))])
        for name in ("median", "minimum", "maximum"):
            self._set(name, [_radius(name, r) for r in _scales(getattr(self, name))])
        self._set("difference_of_gaussians", _pairs(self.difference_of_gaussians))
        self._set("membrane", [_projection(p) for p in _scales(self.membrane)])
        for field in fields(self):
            if field.name.endswith("_prefilter"):
                sigma = getattr(self, field.name)
                object.__setattr__(
                    self, field.name, _sigma(field.name, 0 if sigma is None else sigma)
                )
        if not any(isinstance(value, tuple) and value for value in vars(self).values()):
            raise ValueError("no filter is on: give at least one a scale, such as gaussian=1")

    def _set(self, name: str, scales: list[Any]) -> None:
        if len(set(scales)) < len(scales):
            raise ValueError(f"{name} names a scale twice, {tuple(scales)}: give each once")
        object.__setattr__(self, name, tuple(scales))

    @classmethod
    def preset(cls, name: str) -> FeatureParameters:
        """Return the features that suit a purpose.

        ``default`` are ParticleSpy's; ``intensity`` tells how bright a pixel and its surroundings
        are, ``edges`` how steep the image is, ``texture`` how it is curved and varies,
        ``membrane`` what lines through the pixel see; ``all`` are all filters at one scale.

        Raises
        ------
        ValueError
            There is no preset of this name.
        """
        if name not in PRESETS:
            raise ValueError(f"unknown preset {name!r}: choose one of {', '.join(PRESETS)}")
        return cls() if name == "default" else cls(**{**_OFF, **_ON[name]})

    def save(self, path: str | Path) -> None:
        """Write the parameters as YAML, or as JSON where the name ends in ``.json``."""
        write_values(path, self.as_mapping())

    @classmethod
    def load(cls, path: str | Path) -> FeatureParameters:
        """Read parameters from YAML or JSON; a name that does not exist is an error."""
        return cls.from_mapping(read_values(path, example="gaussian: [1.0, 2.0]"))

    def as_mapping(self) -> dict[str, Any]:
        """Return names and values as files can hold them."""
        return {name: _listed(value) for name, value in asdict(self).items()}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> FeatureParameters:
        """Make parameters from names and values; unknown names are an error."""
        check_names(values, [f.name for f in fields(cls)])
        return cls(**values)


_OFF: dict[str, Any] = {
    f.name: () for f in fields(FeatureParameters) if not f.name.endswith("_prefilter")
}
_ON: dict[str, dict[str, Any]] = {
    "intensity": {
        "gaussian": (1.0, 2.0, 4.0, 8.0),
        "median": (4,),
        "minimum": (4,),
        "maximum": (4,),
    },
    "edges": {"sobel": (1.0, 2.0, 4.0), "laplacian": (1.0, 2.0, 4.0)},
    "texture": {
        "difference_of_gaussians": ((1.0, 2.0), (2.0, 4.0), (4.0, 8.0)),
        "hessian": (1.0, 2.0, 4.0),
    },
    "membrane": {"membrane": PROJECTIONS},
    "all": {
        "gaussian": (1.0,),
        "difference_of_gaussians": ((1.0, 16.0),),
        "median": (20,),
        "minimum": (20,),
        "maximum": (20,),
        "sobel": (1.0,),
        "laplacian": (1.0,),
        "hessian": (1.0,),
        "membrane": PROJECTIONS,
    },
}


def _scales(value: Any) -> list[Any]:
    """Return scales as a list: of a single one, of several, or of none."""
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value]
    return list(value)


def _pairs(value: Any) -> list[tuple[float, float]]:
    """Return pairs of sigmas, of one pair or of several."""
    given = _scales(value)
    if len(given) == 2 and all(isinstance(sigma, Real) for sigma in given):
        given = [given]
    pairs = []
    for pair in given:
        sigmas = _scales(pair)
        if len(sigmas) != 2:
            raise ValueError(f"difference_of_gaussians is {value!r}: give pairs (low, high)")
        low, high = (_sigma("difference_of_gaussians", s, above=0) for s in sigmas)
        if not low < high:
            raise ValueError(
                f"difference_of_gaussians is {value!r}: the low sigma must be below the high one"
            )
        pairs.append((low, high))
    return pairs


def _sigma(name: str, value: Any, above: float | None = None) -> float:
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    except OverflowError:  # an integer of more digits than a float has
        number = inf
    if not 0 <= number < inf or number == above:
        least = "0 or more" if above is None else "above 0"
        raise ValueError(f"{name} is {value!r}: give sigmas {least}, in pixels")
    return number


def _radius(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} is {value!r}: give radii of whole pixels, 1 or more")
    return int(value)


def _projection(value: Any) -> str:
    if value not in PROJECTIONS:
        raise ValueError(f"membrane is {value!r}: choose some of {', '.join(PROJECTIONS)}")
    return str(value)


def _listed(value: Any) -> Any:
    return [_listed(each) for each in value] if isinstance(value, tuple) else value
