"""Clusters of pixels alike: fitted on a sample of an image or a series, lazy for all pixels."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Literal, get_args, overload

import dask.array as da
import xarray as xr

from pspy_dask.blocks.images import ImageLike, as_image, has_frames, like
from pspy_dask.blocks.reduce import ImageToReduce, reduce_images, reduce_windows
from pspy_dask.blocks.sampling import SampleLaw
from pspy_dask.blocks.windows import map_windows
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.pixels.cluster_fit import FitClusters
from pspy_dask.pixels.clusterers import Clusterer, Noise, make_clusterer
from pspy_dask.pixels.features import feature_stack, halo_along
from pspy_dask.pixels.inference import Numbers, inference_halo
from pspy_dask.pixels.seeds import checked_seed, whole_number
from pspy_dask.pixels.stack import FeatureStack
from pspy_dask.pixels.survey import SurveyOfPixels

Fit = Literal["series", "image"]


@overload
def cluster(
    image: list[Any] | tuple[Any, ...],
    estimator: Any = "kmeans",
    *,
    n_clusters: int | None = None,
    features: FeatureParameters | None = None,
    n_samples: int = 20_000,
    fit: Fit = "series",
    noise: Noise = "nearest",
    seed: int = 0,
) -> list[xr.DataArray]: ...


@overload
def cluster(
    image: ImageLike,
    estimator: Any = "kmeans",
    *,
    n_clusters: int | None = None,
    features: FeatureParameters | None = None,
    n_samples: int = 20_000,
    fit: Fit = "series",
    noise: Noise = "nearest",
    seed: int = 0,
) -> xr.DataArray: ...


def cluster(
    image: ImageLike | Sequence[ImageLike],
    estimator: Any = "kmeans",
    *,
    n_clusters: int | None = None,
    features: FeatureParameters | None = None,
    n_samples: int = 20_000,
    fit: Fit = "series",
    noise: Noise = "nearest",
    seed: int = 0,
) -> xr.DataArray | list[xr.DataArray]:
    """Return the cluster of every pixel: pixels whose features are alike have one number.

    Clusters are numbered from 1, the darkest first, by the mean intensity of their sampled pixels;
    0 is a pixel that has no value: it, or one of its features, is not finite. Features are
    standardised with their mean and deviation over all pixels. The clusterer is fitted on a
    sample of pixels drawn by a hash of seed, frame and coordinate, so that nothing depends on
    chunks, and then asked for every pixel.

    Parameters
    ----------
    image
        DataArray, or dask, NumPy or Zarr array, of shape ``([t,] [z,] y, x)``; or a list of them.
    estimator
        ``kmeans``, ``minibatch_kmeans``, ``gaussian_mixture`` or ``birch``, with scikit-learn's
        defaults; ``dbscan``, which asks for twice as many neighbours as there are features (5 at
        least) within the distance at which the second largest cluster is largest, or ``hdbscan``,
        which asks for as many, both for clusters of at least a hundredth of the sample; or any
        clusterer of scikit-learn, which is copied. Those that
        cannot tell the cluster of a new pixel give it that of the nearest sampled one.
    n_clusters
        How many clusters: 2, or as many as the given clusterer says. ``dbscan`` and ``hdbscan``
        find their number themselves.
    features
        Which features; ParticleSpy's by default.
    n_samples
        Pixels to fit on, fewer where most of the images has no value. DBSCAN holds all pairs of
        them that are near each other in memory, some 1 GB.
    fit
        ``series`` fits once, on all frames of all images; ``image`` fits each frame of each image
        as if it were alone.
    noise
        What becomes of pixels nearest to a sampled one that ``dbscan``, ``hdbscan`` or another
        clusterer without ``predict`` takes for noise: ``nearest`` gives them the cluster whose
        sampled pixel is nearest, ``zero`` gives them 0.
    seed
        Of the sample, and of what the clusterer draws; 0 to 2**32 - 1.

    Returns
    -------
    xarray.DataArray or list of xarray.DataArray
        Lazy numbers on the axes and chunks of each image: uint8 where at most 255 clusters are
        asked for, else int32. Nothing is read before they are computed; then every image is read
        twice, for the fit and for the numbers, the second time with a halo of 127 pixels more.

    Warns
    -----
    UserWarning
        When computed: no pixel has a value; one cluster alone is found, or fewer than were asked
        for; or more than half of the sample is noise, a quarter with ``noise="zero"``.

    Raises
    ------
    ValueError
        There is no such estimator, a number is out of range, or the images of a series do not have
        the same axes of space. When computed: the sample holds fewer different pixels than
        clusters, as that of a constant image does.
    TypeError
        The estimator cannot cluster, or ``features`` are no `FeatureParameters`.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((8, 8), np.uint8)
    >>> image[2:5, 2:5] = 200
    >>> numbers = cluster(image, features=FeatureParameters.preset("intensity"))
    >>> numbers.dtype, numbers.values[0, 0], numbers.values[3, 3]
    (dtype('uint8'), np.uint8(1), np.uint8(2))
    """
    several = isinstance(image, (list, tuple))
    images = [as_image(each) for each in (image if several else [image])]
    stacks = [feature_stack(each, features) for each in images]
    seed, n_samples = checked_seed(seed), whole_number("n_samples", n_samples, least=1)
    _check_chosen("fit", fit, get_args(Fit))
    _check_chosen("noise", noise, get_args(Noise))
    clusterer = make_clusterer(estimator, n_clusters, seed, noise)
    _check_request(clusterer, images, stacks, n_samples, fit)
    if fit == "series":
        models = [_one_fit(images, stacks, clusterer, n_samples, seed)] * len(images)
    else:
        laws = [SampleLaw(seed, n_samples, prod(_frame(each))) for each in images]
        models = [_own_fit(*each, clusterer) for each in zip(images, stacks, laws, strict=True)]
    told = {"estimator": clusterer.name, "n_samples": n_samples, "fit": fit, "seed": seed}
    told |= {"noise": noise} if clusterer.n_clusters is None else {}
    results = [
        _applied(*each, clusterer, told) for each in zip(images, stacks, models, strict=True)
    ]
    return results if several else results[0]


def _one_fit(
    images: Sequence[xr.DataArray],
    stacks: Sequence[FeatureStack],
    clusterer: Clusterer,
    n_samples: int,
    seed: int,
) -> da.Array:
    """Return the model fitted on all frames of all images, counted through."""
    law = SampleLaw(seed, n_samples, sum(each.size for each in images))
    parts, first = [], 0
    for image, stack in zip(images, stacks, strict=True):
        reducer = FitClusters(SurveyOfPixels(stack, law, first), clusterer)
        parts.append(
            ImageToReduce(image.data, reducer, halo_along(image, stack.halo), has_frames(image))
        )
        first += image.shape[0] if has_frames(image) else 1
    return reduce_images(parts, length=1, dtype=object)


def _own_fit(
    image: xr.DataArray, stack: FeatureStack, law: SampleLaw, clusterer: Clusterer
) -> da.Array:
    """Return the model fitted on an image, or on each of its frames."""
    return reduce_windows(
        image.data,
        FitClusters(SurveyOfPixels(stack, law, None), clusterer),
        halo=halo_along(image, stack.halo),
        length=1,
        dtype=object,
        frames=has_frames(image),
    )


def _applied(
    image: xr.DataArray,
    stack: FeatureStack,
    model: da.Array,
    clusterer: Clusterer,
    told: dict[str, Any],
) -> xr.DataArray:
    data = map_windows(
        image.data,
        Numbers(stack, None, clusterer.dtype),
        halo=halo_along(image, inference_halo(stack, None)),
        dtype=clusterer.dtype,
        frames=has_frames(image),
        values=(model,),
    )
    number = {} if clusterer.n_clusters is None else {"n_clusters": clusterer.n_clusters}
    return like(image, data, "clusters", **told, **number, features=list(stack.names))


def _frame(image: xr.DataArray) -> tuple[int, ...]:
    return image.shape[int(has_frames(image)) :]


def _check_request(
    clusterer: Clusterer,
    images: Sequence[xr.DataArray],
    stacks: Sequence[FeatureStack],
    n_samples: int,
    fit: Fit,
) -> None:
    """Raise ValueError where what is asked for cannot be done, whatever the pixels are."""
    if not images:
        raise ValueError("the list of images is empty: give at least one")
    if fit == "series" and len({stack.axes for stack in stacks}) > 1:
        raise ValueError(
            "the series holds planes and volumes, whose features differ: give images of as many "
            "axes, or fit='image'"
        )
    sizes = (
        [sum(each.size for each in images)] if fit == "series" else map(prod, map(_frame, images))
    )
    most = min(n_samples, *sizes)
    if clusterer.n_clusters is not None and clusterer.n_clusters > most:
        raise ValueError(
            f"n_clusters is {clusterer.n_clusters} but at most {most} pixels are sampled: ask for "
            "fewer clusters, or raise n_samples"
        )


def _check_chosen(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}: choose {' or '.join(map(repr, choices))}")
