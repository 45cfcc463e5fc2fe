"""Classes of pixels by an estimator of scikit-learn that was fitted elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pspy_dask.blocks.images import ImageLike, as_image
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.pixels.features import feature_stack
from pspy_dask.pixels.models import model_of
from pspy_dask.pixels.prediction import class_image


def predict_classes(
    estimator: Any, image: ImageLike, features: FeatureParameters | None = None
) -> xr.DataArray:
    """Return the class of every pixel, lazily, whatever the chunks.

    Parameters
    ----------
    estimator
        A fitted classifier of scikit-learn's manner whose classes are whole numbers above 0.
    image
        Shape ``([t,] [z,] y, x)``.
    features
        Those that it was fitted to; ParticleSpy's by default.

    Raises
    ------
    TypeError
        The estimator is not fitted, or is no classifier.
    ValueError
        It was fitted to another number of features, or to other classes.
    """
    pixels = as_image(image)
    stack = feature_stack(pixels, features)
    classes = getattr(estimator, "classes_", None)
    if classes is None or not hasattr(estimator, "predict"):
        raise TypeError(
            f"{type(estimator).__name__} is no fitted classifier: fit it with cluster_trained or "
            "fit_classifier first"
        )
    expected = getattr(estimator, "n_features_in_", len(stack.names))
    if expected != len(stack.names):
        raise ValueError(
            f"the classifier was fitted to {expected} features and the parameters give "
            f"{len(stack.names)}: give the parameters that it was fitted with"
        )
    numbers = np.asarray(classes)
    if numbers.dtype.kind not in "iu" or numbers.min() < 1:
        raise ValueError(
            f"the classes are {', '.join(map(str, numbers.tolist()))}: fit the classifier to whole "
            "numbers above 0"
        )
    return class_image(pixels, stack, model_of(estimator), numbers.tolist(), {})
