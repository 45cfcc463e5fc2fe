"""Jobs that tell pixels apart: a classifier is trained, classes or clusters are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import xarray as xr
from distributed import Client

from pspy_dask.feature_parameters import PRESETS, FeatureParameters
from pspy_dask.io.annotations import open_annotations
from pspy_dask.io.outputs import check_file, growing_file
from pspy_dask.io.sources import open_image
from pspy_dask.pixels.clustering import cluster
from pspy_dask.run.bench import Bench
from pspy_dask.run.classes import Classes, repeated_colors
from pspy_dask.run.classifier import PixelClassifier
from pspy_dask.run.fitting import fit_classifier
from pspy_dask.run.progress import Watcher, count_tasks

#: Estimators that find out themselves how many clusters there are.
_UNCOUNTED = ("dbscan", "hdbscan")


@dataclass(frozen=True)
class Training:
    """What a classifier is to learn, and from what.

    Attributes
    ----------
    target
        File of the classifier.
    images, annotations
        As many of one as of the other; anything that :func:`pspy_dask.open_image` and
        :func:`pspy_dask.open_annotations` open.
    classifier, features, class_names, colors, balanced, max_pixels, seed
        As in :func:`pspy_dask.fit_classifier`.
    start
        File of a classifier that knows older annotations, or None; what it was made of then
        counts, and not ``classifier`` and ``features``.
    plot
        Picture of how well it does, or None.
    channel, level, axes
        As in :func:`pspy_dask.open_image`.
    overwrite
        Replace the file, and the picture.
    """

    target: Path
    images: Sequence[Any]
    annotations: Sequence[Any]
    classifier: str = "random_forest"
    features: FeatureParameters = field(default_factory=FeatureParameters)
    class_names: Sequence[str] | None = None
    colors: Sequence[str] | None = None
    balanced: bool = False
    max_pixels: int = 100_000
    seed: int = 0
    start: Path | None = None
    plot: Path | None = None
    channel: int | str | None = None
    level: int = 0
    axes: str | None = None
    overwrite: bool = False


def check_training(training: Training) -> tuple[list[xr.DataArray], list[Any]]:
    """Return images and annotations; raise what can be known to be wrong before any work."""
    check_file(training.target, overwrite=training.overwrite)
    if training.plot is not None:
        check_file(training.plot, overwrite=training.overwrite)
    if training.start is not None:
        PixelClassifier.load(training.start)
    channel, level, axes = training.channel, training.level, training.axes
    images = [
        open_image(source, channel=channel, level=level, axes=axes) for source in training.images
    ]
    colors = training.colors
    return images, [open_annotations(source, colors=colors) for source in training.annotations]


def run_training(training: Training, client: Client, watcher: Watcher) -> PixelClassifier:
    """Train the classifier and save it, complete or absent."""
    images, annotations = check_training(training)
    count_tasks(client)
    bench = Bench(client, watcher)

    def fit() -> PixelClassifier:
        if training.start is not None:
            older = PixelClassifier.load(training.start)
            return older.refine(images, annotations)
        return fit_classifier(
            images,
            annotations,
            training.classifier,
            features=training.features,
            class_names=training.class_names,
            colors=training.colors,
            balanced=training.balanced,
            max_pixels=training.max_pixels,
            seed=training.seed,
        )

    fitted: PixelClassifier = bench.stage("train", images[0], "", fit)
    fitted.save(training.target, overwrite=training.overwrite)
    if training.plot is not None:
        with growing_file(training.plot) as partial:
            fitted.plot().savefig(partial, dpi=120, format=training.plot.suffix[1:] or "png")
    return fitted


def classes_by(classifier: PixelClassifier, *, name: str, particles: str | None) -> Classes:
    """Return how a classifier tells pixels apart.

    ``particles`` is the name or the number of the class that particles are made of.
    """
    numbers = [int(n) for n in classifier.class_numbers]
    names = dict(zip(numbers, classifier.class_names, strict=True))
    kind = classifier.fitted.name or type(classifier.estimator).__name__
    rows = len(classifier.fitted.training)
    return Classes(
        classifier.predict,
        name,
        f"classified pixel by pixel ({kind.replace('_', ' ')}, "
        f"{len(classifier.importances)} features, {rows:,} annotated pixels)",
        names,
        dict(zip(numbers, classifier.colors, strict=True)),
        None if particles is None else class_number(names, particles),
    )


def clusters_by(
    estimator: str,
    *,
    n_clusters: int | None,
    features: FeatureParameters,
    n_samples: int,
    seed: int,
    fit: Literal["series", "image"],
    name: str,
    particles: str | None,
) -> Classes:
    """Return how clusters tell pixels apart, the darkest being number 1."""

    def assign(image: xr.DataArray) -> xr.DataArray:
        clusters: xr.DataArray = cluster(
            image,
            estimator,
            n_clusters=n_clusters,
            features=features,
            n_samples=n_samples,
            fit=fit,
            seed=seed,
        )
        return clusters

    known = 0 if estimator in _UNCOUNTED else n_clusters or 2
    names = {number: f"cluster {number}" for number in range(1, known + 1)}
    wanted = {str(number): number for number in range(1, 256)} if not known else {}
    return Classes(
        assign,
        name,
        f"clustered pixel by pixel ({estimator.replace('_', ' ')})",
        names,
        repeated_colors(known),
        None if particles is None else wanted.get(particles) or class_number(names, particles),
    )


def class_number(names: dict[int, str], wanted: str) -> int:
    """Return the number of a class that is given by name or number.

    >>> class_number({1: "background", 2: "particle"}, "particle")
    2
    """
    for number, name in names.items():
        if wanted in (name, str(number)):
            return number
    known = ", ".join(f"{number} ({name})" for number, name in names.items())
    raise ValueError(f"there is no class {wanted!r}: choose one of {known}")


def features_of(text: str) -> FeatureParameters:
    """Return the features of a preset, or of a file."""
    if text in PRESETS:
        return FeatureParameters.preset(text)
    if not Path(text).is_file():
        raise ValueError(
            f"features {text!r} are no file and no preset: choose one of {', '.join(PRESETS)}"
        )
    return FeatureParameters.load(text)
