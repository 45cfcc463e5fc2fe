"""Fitting a classifier of pixels to images and what was painted on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pspy_dask.blocks.images import ImageLike
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.pixels.annotations import Annotations
from pspy_dask.pixels.classes import Classes, make_classes
from pspy_dask.pixels.estimators import ClassifierName, new_estimator
from pspy_dask.pixels.fitted import fitted_classifier
from pspy_dask.pixels.palettes import check_colors
from pspy_dask.pixels.training import Sampling
from pspy_dask.run.classifier import PixelClassifier
from pspy_dask.run.training_pixels import common_stack, pair_up, training_pixels


def fit_classifier(
    image: ImageLike | Sequence[ImageLike],
    annotations: Annotations | Sequence[Annotations],
    classifier: ClassifierName | Any = "random_forest",
    *,
    features: FeatureParameters | None = None,
    class_names: Sequence[str] | None = None,
    colors: Sequence[str] | None = None,
    balanced: bool = False,
    max_pixels: int = 100_000,
    seed: int = 0,
) -> PixelClassifier:
    """Return a classifier of pixels fitted to annotated ones, the same whatever the chunks.

    Annotations are read, pixels are drawn and their features are computed at once, in windows
    around these pixels alone; the rest of the image is not read.

    Parameters
    ----------
    image
        DataArray, or dask, NumPy or Zarr array, of shape ``([t,] [z,] y, x)``, or a list of them,
        all planes or all volumes.
    annotations
        What was painted on the image: an array of its shape of the numbers of classes, 0 where
        nothing was, a list of `Points`, `Line` and `Polygon`, or the path of a file of either
        (see `open_annotations`); for a list of images a list of these. Classes may be missing in
        some images. Pixels of different images are different ones: where two images agree and
        their annotations do not, both stay.
    classifier
        ``random_forest`` (200 trees), ``nearest_neighbours`` (the 5 nearest, features
        standardised), ``naive_bayes`` (normal distributions), ``qda`` (quadratic discriminant
        analysis, standardised, covariances regularised by 0.001), ``logistic_regression``
        (standardised), ``gradient_boosting`` (by histograms), or an estimator of
        scikit-learn's manner, of which a copy is fitted.
    features
        What is told of each pixel; ParticleSpy's by default.
    class_names
        Names of the classes that are annotated, in the order of their numbers.
    colors
        The colour of class 1, of class 2, ... as ``#rrggbb``: what files of annotations are
        painted in, and what the results are told to be shown in.
    balanced
        Whether as many pixels of every class are drawn, as there are of the smallest.
    max_pixels
        Pixels of all classes together; where there are more, each class gets its share. They are
        drawn by a hash of the seed, the number of their frame, frames of all images counted
        through, and their coordinates. So frames in a list and those of a series are one set; in
        another order of the images others are drawn. Where all fit, that order does not matter.
    seed
        What the draw and random numbers of the classifier start from: 0 to 2**32 - 1.

    Returns
    -------
    PixelClassifier
        With `predict` and `predict_proba`, which are lazy, `refine`, `save` and `load`, and how
        well it knows the annotated pixels. Pixels that are NaN or infinite, or whose features are,
        were left out.

    Raises
    ------
    ValueError
        No pixel or only one class is annotated, no annotated pixel of a class has a value, there
        are not as many annotations as images or names as classes, shapes differ, a colour is not
        six hex digits, or the classifier cannot be fitted to the pixels.
    TypeError
        The classifier has no ``fit`` or ``predict``, or something is not what it should be.

    References
    ----------
    Arganda-Carreras, I. et al., Trainable Weka Segmentation, Bioinformatics 33(15), 2424-2426,
    2017; Breiman, L., Machine Learning 45(1), 5-32, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.repeat([[0, 0, 0, 9, 9, 9]], 6, axis=0)
    >>> strokes = np.zeros_like(image)
    >>> strokes[1:4, 0], strokes[1:4, 5] = 1, 2
    >>> few = FeatureParameters.preset("edges")
    >>> found = fit_classifier(
    ...     image, strokes, "naive_bayes", features=few, class_names=["film", "particle"]
    ... )
    >>> found.predict(image).attrs["class_names"]
    ['film', 'particle']
    """
    template = new_estimator(classifier, seed)
    sampling = Sampling(bool(balanced), max_pixels, seed)
    palette = None if colors is None else check_colors(colors)
    images, marks = pair_up(image, annotations)
    stack = common_stack(images, features)

    def classes_of(numbers: list[int]) -> Classes:
        return make_classes(numbers, class_names, palette)

    training, classes = training_pixels(images, marks, stack, sampling, palette, classes_of)
    name = classifier if isinstance(classifier, str) else None
    return PixelClassifier(
        fitted_classifier(template, stack, training, classes, sampling, name=name)
    )
