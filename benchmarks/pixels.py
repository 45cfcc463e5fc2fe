"""Features, classes and clusters of pixels beside those of scikit-image and scikit-learn.

Rows are comparisons as in `benchmarks.comparisons`, held by the tests on a small image and timed by
``python -m benchmarks pixels`` on a large one. Ours are lazy arrays of one chunk a task, computed
by one thread, and theirs what a user writes on an image in memory. The truth that forests are
fitted on is where the mosaic has particles, known without a threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import dask.array as da
import numpy as np
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import StandardScaler

from benchmarks import kernels, planes
from benchmarks.comparisons import Comparison
from benchmarks.contest import Candidate, take_turns
from benchmarks.features_in_memory import features_in_memory
from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import as_image
from pspy_dask.blocks.windows import map_windows
from pspy_dask.datasets import MosaicSource
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.kernels.trees import forest_of_estimator
from pspy_dask.pixels.clustering import cluster
from pspy_dask.pixels.features import features
from pspy_dask.pixels.inference import Numbers, inference_halo
from pspy_dask.pixels.models import ForestModel
from pspy_dask.pixels.stack import FeatureStack

Plane = planes.Plane

DEFAULT, _ALL = FeatureParameters(), FeatureParameters.preset("all")
_TRAINED = 1024  # side of the image that forests are fitted on
_PIXELS = 4000  # of them, as many of either class as there are
_OFF = {name: () for name, value in vars(DEFAULT).items() if isinstance(value, tuple)}
_SLOW = {"median": 256, "minimum": 512, "maximum": 512, "membrane": 512}  # parts that theirs do
_CHUNK = 1024  # of the images whose peak of memory is taken


# Features ----------------------------------------------------------------------------------------


def _feature(name: str, given: Callable[[Plane], tuple[Plane]], kind: str) -> Comparison:
    chosen = FeatureParameters(**{**_OFF, name: getattr(DEFAULT, name)})
    (label,) = FeatureStack(chosen, axes=2).names
    return _stack(label, chosen, given, kind, 0, _SLOW.get(name, 1024))


def _stack(
    name: str,
    parameters: FeatureParameters,
    given: Callable[[Plane], tuple[Plane]],
    kind: str,
    least: float,
    part: int,
    side: int = 4096,
) -> Comparison:
    return Comparison(
        f"{name}, {kind}",
        "scikit-image and SciPy",
        given,
        partial(planes.computed, lambda image: features(image, parameters)),
        lambda image: features_in_memory(image, parameters),
        least,
        part=part,
        side=side,
    )


# Classifiers -------------------------------------------------------------------------------------


@cache
def fitted(mistaken: float = 0.0) -> tuple[ForestModel, RandomForestClassifier]:
    """Return a forest of 200 trees that knows particles, of pixels some of which are mistaken."""
    source, random = MosaicSource((_TRAINED, _TRAINED), seed=7), np.random.default_rng(0)
    drawn = random.choice(_TRAINED**2, _PIXELS, replace=False)
    stack = planes.computed(features, planes.micrograph(_TRAINED))
    truth = source.particles(Box((0, 0), source.shape)).reshape(-1)[drawn] > 0
    painted = 1 + (truth ^ (random.random(_PIXELS) < mistaken))
    rows = np.ascontiguousarray(stack.reshape(len(stack), -1)[:, drawn].T)
    estimator = RandomForestClassifier(200, random_state=0, n_jobs=1).fit(rows, painted)
    return ForestModel(forest_of_estimator(estimator)), estimator


def predicted(image: Any, mistaken: float = 0.0) -> da.Array:
    """Return the class of every pixel, features and forest in one task a chunk."""
    pixels, stack = as_image(image), FeatureStack(DEFAULT, axes=2)
    numbers = Numbers(stack, fitted(mistaken)[0], np.dtype(np.uint8))
    halo = inference_halo(stack, numbers.model)
    return map_windows(pixels.data, numbers, halo=halo, dtype=numbers.dtype)


def _classified(name: str, mistaken: float) -> Comparison:
    def ours(image: Plane) -> Plane:
        classes: Plane = predicted(image, mistaken).compute(scheduler="synchronous")
        return classes

    def theirs(image: Plane) -> Plane:
        stack = features_in_memory(image, DEFAULT)
        rows = stack.reshape(len(stack), -1).T
        found: Plane = fitted(mistaken)[1].predict(rows).reshape(image.shape)
        return found.astype(np.uint8)

    against = "scikit-image and scikit-learn"
    return Comparison(name, against, planes.pixels, ours, theirs, 15, part=256, side=2048)


# Clusters ----------------------------------------------------------------------------------------


def clusters_in_memory(image: Plane) -> Plane:
    """Return two clusters of all pixels, the darker being 1."""
    stack = features_in_memory(image, DEFAULT)
    rows = StandardScaler().fit_transform(stack.reshape(len(stack), -1).T.astype(np.float64))
    labels = KMeans(2, random_state=0).fit(rows).predict(rows).reshape(image.shape)
    dark = image[labels == 0].mean() < image[labels == 1].mean()
    return (1 + (labels if dark else 1 - labels)).astype(np.uint8)


# All ---------------------------------------------------------------------------------------------

FEATURES: tuple[Comparison, ...] = (
    *(_feature(name, planes.pixels, "uint16") for name in _OFF if getattr(DEFAULT, name)),
    _stack("the 7 default features", DEFAULT, planes.pixels, "uint16", 40, 256),
    _stack("the 7 default features", DEFAULT, planes.floats, "float32", 40, 256),
    _stack("all 14 features", _ALL, planes.pixels, "uint16", 0, 256, side=2048),
)
CLASSIFIERS: tuple[Comparison, ...] = (
    _classified("default features and 200 trees, true labels", 0.0),
    _classified("default features and 200 trees, 10 % of labels mistaken", 0.1),
)


CLUSTERS = Comparison(
    "default features and two clusters",
    "scikit-image and scikit-learn",
    planes.pixels,
    # Of the part on which both are compared all pixels are drawn.
    partial(planes.computed, partial(cluster, n_samples=256**2)),
    clusters_in_memory,
    part=256,
    side=2048,
)


def measured(side: int, *, runs: int) -> dict[str, Any]:
    """Return rows of features and classifiers, and of the memory that a lazy prediction takes."""
    rows = [
        kernels.measured(each, side, runs).row() for each in (*FEATURES, *CLASSIFIERS, CLUSTERS)
    ]
    sizes = [side // 2, side, 2 * side]
    module = "benchmarks.candidates.predicted"
    who = [Candidate(str(n), module, {"side": n, "chunks": min(n, _CHUNK)}) for n in sizes]
    found = take_turns(who, "", runs=1)
    memory = [{"side": n, "peak": found[str(n)][0].peak} for n in sizes]
    return {"side": side, "rows": rows, "memory": memory}
