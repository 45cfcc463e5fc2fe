"""How pixels are told apart in a job: by a classifier, or by clusters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import sklearn
import xarray as xr

from pspy_dask.feature_parameters import PRESETS, FeatureParameters
from pspy_dask.pixel_parameters import DENSITY_CLUSTERERS, FLATTERS
from pspy_dask.pixels.classes import Classes
from pspy_dask.pixels.clustering import cluster
from pspy_dask.run.classes import ClassStep
from pspy_dask.run.classifier import PixelClassifier


def classes_by(
    classifier: PixelClassifier, *, name: str, particles: str | None, path: Path | None = None
) -> ClassStep:
    """Return how a classifier tells pixels apart.

    ``particles`` is the name or the number of the class that particles are made of, ``path`` where
    the classifier came from.
    """
    fitted = classifier.fitted
    known = fitted.classes
    names = dict(zip(known.numbers, known.names, strict=True))
    kind = (fitted.name or type(fitted.estimator).__name__).replace("_", " ")
    rows = len(fitted.training)
    counts = dict(zip(*np.unique(fitted.training.classes, return_counts=True), strict=True))
    annotated = ", ".join(f"{name} {counts.get(k, 0):,}" for k, name in names.items())
    facts = (
        *([("classifier", str(Path(path).absolute()))] if path is not None else []),
        ("estimator", f"{' '.join(str(fitted.estimator).split())} of scikit-learn"),
        ("features", ", ".join(fitted.stack.names)),
        ("annotated pixels", annotated),
        ("seed", str(fitted.sampling.seed)),
        ("accuracy", f"{str(fitted.evaluation).removeprefix('accuracy ')}; {FLATTERS}"),
    )
    return ClassStep(
        classifier.predict,
        name,
        f"classified pixel by pixel ({kind}, scikit-learn {sklearn.__version__}, seed "
        f"{fitted.sampling.seed}; {len(fitted.stack.names)} features: "
        f"{', '.join(fitted.stack.names)}; trained on {rows:,} annotated pixels: {annotated}; "
        f"{fitted.evaluation})",
        known,
        None if particles is None else class_number(names, particles),
        facts,
    )


def clusters_by(
    estimator: str,
    *,
    n_clusters: int | None,
    features: FeatureParameters,
    n_samples: int,
    seed: int,
    fit: Literal["series", "image"],
    noise: Literal["nearest", "zero"],
    name: str,
    particles: str | None,
) -> ClassStep:
    """Return how clusters tell pixels apart, the darkest being number 1."""

    def assign(image: xr.DataArray) -> xr.DataArray:
        clusters: xr.DataArray = cluster(
            image,
            estimator,
            n_clusters=n_clusters,
            features=features,
            n_samples=n_samples,
            fit=fit,
            noise=noise,
            seed=seed,
        )
        return clusters

    count = 0 if estimator in DENSITY_CLUSTERERS else n_clusters or 2
    numbers = tuple(range(1, count + 1))
    known = Classes(numbers, tuple(f"cluster {number}" for number in numbers))
    names = dict(zip(known.numbers, known.names, strict=True))
    kind = estimator.replace("_", " ")
    described = features_in_words(features)
    fitted = f"to {n_samples:,} pixels" if fit == "series" else f"to {n_samples:,} pixels a frame"
    facts = (
        ("clusters", f"{kind}, {count or 'as many as it finds'}"),
        ("features", described),
        ("fitted", fitted),
        ("seed", str(seed)),
    )
    return ClassStep(
        assign,
        name,
        f"clustered pixel by pixel ({kind}, scikit-learn {sklearn.__version__}, seed {seed}; "
        f"features: {described}; fitted {fitted}, numbered from dark to bright)",
        known,
        None if particles is None else _chosen(names, particles, counted=bool(count)),
        facts,
    )


def _chosen(names: Mapping[int, str], wanted: str, *, counted: bool) -> int:
    if not counted and wanted.isascii() and wanted.isdigit() and int(wanted):
        return int(wanted)
    return class_number(names, wanted)


def class_number(names: Mapping[int, str], wanted: str) -> int:
    """Return the number of a class that is given by name or number.

    >>> class_number({1: "background", 2: "particle"}, "particle")
    2
    """
    for number, name in names.items():
        if wanted in (name, str(number)):
            return number
    known = ", ".join(f"{number} ({name})" for number, name in names.items()) or "a number from 1"
    raise ValueError(f"there is no class {wanted!r}: choose one of {known}")


def features_in_words(features: FeatureParameters) -> str:
    """Return the filters that are on with their scales.

    >>> features_in_words(FeatureParameters.preset("edges"))
    'sobel 1.0, 2.0, 4.0; laplacian 1.0, 2.0, 4.0'
    """
    words = []
    for name, value in features.as_mapping().items():
        if value:
            scales = value if isinstance(value, list) else [value]
            listed = [" and ".join(map(str, s)) if isinstance(s, list) else str(s) for s in scales]
            words.append(f"{name.replace('_', ' ')} {', '.join(listed)}")
    return "; ".join(words)


def features_of(text: str) -> FeatureParameters:
    """Return the features of a preset, or of a file."""
    if text in PRESETS:
        return FeatureParameters.preset(text)
    if not Path(text).is_file():
        raise ValueError(
            f"features {text!r} are no file and no preset: choose one of {', '.join(PRESETS)}"
        )
    return FeatureParameters.load(text)
