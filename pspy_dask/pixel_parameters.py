"""What tells pixels apart, by name: light to import, for whoever only asks for names."""

from __future__ import annotations

from typing import Literal, get_args

ClassifierName = Literal[
    "random_forest",
    "nearest_neighbours",
    "naive_bayes",
    "qda",
    "logistic_regression",
    "gradient_boosting",
]
CLASSIFIERS: tuple[str, ...] = get_args(ClassifierName)

COUNTED_CLUSTERERS = ("kmeans", "minibatch_kmeans", "gaussian_mixture", "birch")
#: These find out themselves how many clusters there are.
DENSITY_CLUSTERERS = ("dbscan", "hdbscan")
CLUSTERERS = (*COUNTED_CLUSTERERS, *DENSITY_CLUSTERERS)

#: What must be said wherever the accuracy of a classifier is shown.
FLATTERS = "neighbouring pixels of a stroke are alike: other strokes fare worse"
