"""ParticleSpy's clustering and trainable segmentation of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.api.feature_lists import trainable_parameters
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.io.signals import is_lazy, open_as_stated, plain_pixels
from pspy_dask.pixels import colors as palettes
from pspy_dask.pixels.clustering import Fit, cluster
from pspy_dask.run.bare_estimators import predict_classes
from pspy_dask.run.classifier import PixelClassifier
from pspy_dask.run.fitting import fit_classifier

#: ParticleSpy's colours of classes 1 to 5.
COLORS = ("#A30015", "#6DA34D", "#51E5FF", "#BD2D87", "#F5E663")


def cluster_learn(images: Any, clust: Any, parameters: trainable_parameters | None = None) -> Any:
    """Return the clusters of the pixels of an image, or of each image of a list by itself.

    Parameters
    ----------
    images
        A signal, an array or a DataArray, or a list of them.
    clust
        A clusterer of scikit-learn, or one of the names that :func:`pspy_dask.cluster` knows.
    parameters
        The features of a pixel.

    Returns
    -------
    numpy.ndarray or xarray.DataArray, or a list of them
        Numbers of clusters: 0 is the darkest, which is no particle where this is a mask, -1
        noise. Lazy where the image is.
    """
    found = _clusters(images, clust, parameters, "image")
    return found[0] if len(found) == 1 else found


def cluster_learn_series(
    images: Any, clust: Any, parameters: trainable_parameters | None = None
) -> list[Any]:
    """Return the clusters of the pixels of all images of a series, fitted on all of them.

    Clusters have the same numbers in all images. For the rest see `cluster_learn`.
    """
    return _clusters(images, clust, parameters, "series")


def cluster_trained(
    image: Any, labels: Any, classifier: Any, parameters: trainable_parameters | None = None
) -> tuple[Any, PixelClassifier]:
    """Fit a classifier to annotated pixels; return the classes of all pixels, and the classifier.

    Parameters
    ----------
    image
        A signal, an array or a DataArray, or a list of them.
    labels
        The classes that were painted on it, 0 where nothing was; or the picture that was painted
        in ParticleSpy's colours; for a list of images a list of these.
    classifier
        A classifier of scikit-learn, which is then fitted, too, or one of the names that
        :func:`pspy_dask.fit_classifier` knows.
    parameters
        The features of a pixel.

    Returns
    -------
    classes
        Of each pixel: what was painted where anything was. As lazy as the image.
    pspy_dask.PixelClassifier
        Which knows its features, and can be saved.

    Raises
    ------
    ValueError, TypeError
        As :func:`pspy_dask.fit_classifier` raises them.
    """
    several = isinstance(image, list | tuple)
    images = list(image) if several else [image]
    painted = [_classes(each) for each in (labels if several else [labels])]
    opened = [open_as_stated(each) for each in images]
    fitted = fit_classifier(opened, painted, classifier, features=_features(parameters))
    if type(classifier) is type(fitted.estimator):
        # A copy is fitted; scripts expect of the estimator that they gave to know, too.
        vars(classifier).update(vars(fitted.estimator))
    found = [
        _as_given(fitted.predict(pixels), source)
        for pixels, source in zip(opened, images, strict=True)
    ]
    masks = [_kept(marks, classes) for marks, classes in zip(painted, found, strict=True)]
    return (masks if several and len(masks) > 1 else masks[0]), fitted


def classifier_segment(
    classifier: Any, image: Any, parameters: trainable_parameters | None = None
) -> Any:
    """Return the class of every pixel of an image.

    Parameters
    ----------
    classifier
        As `cluster_trained` returned it or fitted it; or any fitted one of scikit-learn.
    image
        An array or DataArray, or a signal.
    parameters
        The features that an estimator of scikit-learn was fitted to; a
        :class:`pspy_dask.PixelClassifier` knows its own.

    Returns
    -------
    numpy.ndarray or xarray.DataArray
        Whole numbers. Lazy where the image is.
    """
    pixels = open_as_stated(image)
    if isinstance(classifier, PixelClassifier):
        return _as_given(classifier.predict(pixels), image)
    return _as_given(predict_classes(classifier, pixels, _features(parameters)), image)


def toggle_channels(image: Any, colors: Sequence[str] = COLORS) -> Any:
    """Return the classes of a painted picture, or the picture of classes.

    As :func:`pspy_dask.toggle_channels`, in ParticleSpy's colours. Whole numbers may be floats.

    >>> toggle_channels(np.array([[0, 2]]))[0, 1].tolist()
    [109, 163, 77]
    """
    whole = image.astype(np.uint8) if np.dtype(image.dtype).kind == "f" else image
    return palettes.toggle_channels(whole, colors)


def seg_ui(image: Any) -> None:
    """Raise NotImplementedError: there is no Segmentation User Interface here yet."""
    raise NotImplementedError(
        "the Segmentation User Interface is not there yet: choose parameters with generate(), and "
        "draw masks or annotations in another program, such as napari"
    )


def _clusters(
    images: Any, clust: Any, parameters: trainable_parameters | None, fit: Fit
) -> list[Any]:
    sources = list(images) if isinstance(images, list | tuple) else [images]
    opened = [open_as_stated(each) for each in sources]
    found = cluster(opened, clust, features=_features(parameters), fit=fit, noise="zero")
    return [
        _as_given(numbers.astype(np.int32) - np.int32(1), source)
        for numbers, source in zip(found, sources, strict=True)
    ]


def _features(parameters: trainable_parameters | None) -> FeatureParameters:
    return (parameters or trainable_parameters()).features()


def _as_given(result: Any, source: Any) -> Any:
    """Return a result in memory where its image is."""
    return result if is_lazy(source) else np.asarray(result)


def _classes(labels: Any) -> Any:
    """Return what was painted as the numbers of classes."""
    marks = plain_pixels(labels)
    if getattr(marks, "ndim", 0) == 3:
        return toggle_channels(marks[..., :3])
    if isinstance(marks, np.ndarray) and marks.dtype.kind == "f":
        return marks.astype(np.int64)
    return marks


def _kept(marks: NDArray[Any], classes: Any) -> Any:
    """Return classes, but what was painted where anything was."""
    given = np.asarray(marks)
    if isinstance(classes, np.ndarray):
        return np.where(given > 0, given, classes).astype(classes.dtype)
    return classes.where(given == 0, given).astype(classes.dtype)
