"""A classifier fitted to annotated pixels, as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.pixels.classes import Classes, make_classes
from pspy_dask.pixels.estimators import CLASSIFIERS, check_fitted, fit, new_estimator
from pspy_dask.pixels.evaluation import Evaluation, evaluate
from pspy_dask.pixels.stack import FeatureStack
from pspy_dask.pixels.training import Sampling, TrainingRows, check_training


@dataclass(frozen=True, eq=False)
class FittedClassifier:
    """An estimator fitted to annotated pixels, and all that is known of these.

    Attributes
    ----------
    features
        What it is told of each pixel.
    axes
        Axes of space of the images that it takes.
    classes
        The classes that it tells apart.
    sampling
        How pixels are drawn.
    training
        The pixels drawn, with their features.
    estimator
        The fitted estimator of scikit-learn.
    evaluation
        How well it knows the pixels.
    name
        The name that the classifier was asked for by, None where an estimator was given.
    """

    features: FeatureParameters
    axes: int
    classes: Classes
    sampling: Sampling
    training: TrainingRows
    estimator: Any
    evaluation: Evaluation
    name: str | None

    @cached_property
    def stack(self) -> FeatureStack:
        """The features of an image."""
        return FeatureStack(self.features, self.axes)

    def refined(self, more: TrainingRows, classes: Classes) -> FittedClassifier:
        """Return one of the same kind, fitted to these pixels and more; the later are right."""
        training = self.training.merge(more)
        template = clone(self.estimator)
        return fitted_classifier(
            template, self.stack, training, classes, self.sampling, name=self.name
        )

    def as_mapping(self) -> dict[str, Any]:
        """Return all but the estimator and the pixels as files can hold it."""
        return {
            "classifier": self.name,
            "features": self.features.as_mapping(),
            "axes": self.axes,
            "classes": asdict(self.classes),
            "sampling": asdict(self.sampling),
            "evaluation": asdict(self.evaluation),
        }


def fitted_classifier(
    template: Any,
    stack: FeatureStack,
    training: TrainingRows,
    classes: Classes,
    sampling: Sampling,
    *,
    name: str | None,
) -> FittedClassifier:
    """Return a classifier fitted to as many of these pixels as are drawn.

    The template, an estimator that is not fitted yet, becomes its own.
    """
    check_training(training, classes.numbers)
    drawn = sampling.taken(training)
    estimator = fit(template, drawn.rows, drawn.classes)
    evaluation = evaluate(estimator, drawn, sampling.seed)
    return FittedClassifier(
        stack.parameters, stack.axes, classes, sampling, drawn, estimator, evaluation, name
    )


def restored_classifier(
    values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], estimator: Any
) -> FittedClassifier:
    """Return the classifier of these parts, fitted anew where the estimator is None.

    Raises
    ------
    ValueError, TypeError, KeyError
        The parts do not belong together.
    """
    plain = {name: _tupled(value) for name, value in values.items()}
    classes, sampling = make_classes(**plain["classes"]), Sampling(**plain["sampling"])
    parameters, name = FeatureParameters.from_mapping(values["features"]), plain["classifier"]
    stack = FeatureStack(parameters, int(plain["axes"]))
    if stack.axes not in (2, 3):
        raise ValueError(f"it takes images of {stack.axes} axes")
    training = TrainingRows(
        np.asarray(arrays["points"], np.int64),
        np.asarray(arrays["classes"], np.int32),
        np.asarray(arrays["rows"], np.float32),
    )
    check_training(training, classes.numbers, len(stack.names))
    if estimator is None:
        if name not in CLASSIFIERS:
            raise ValueError("its estimator was given and has no name by which to make another")
        template = new_estimator(name, sampling.seed)
        return fitted_classifier(template, stack, training, classes, sampling, name=name)
    check_fitted(estimator, classes.numbers, len(stack.names))
    evaluation = Evaluation(**plain["evaluation"])
    return FittedClassifier(
        parameters, stack.axes, classes, sampling, training, estimator, evaluation, name
    )


def _tupled(value: Any) -> Any:
    """Return values as they were before a file made lists of tuples."""
    if isinstance(value, dict):
        return {name: _tupled(each) for name, each in value.items()}
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
