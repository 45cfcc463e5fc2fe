"""The job that trains a classifier on annotated images and saves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import dask.base
import numpy as np
import xarray as xr
from distributed import Client

from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.io.annotations import open_annotations
from pspy_dask.io.outputs import check_file, growing_file
from pspy_dask.io.sources import open_image
from pspy_dask.pixels.annotations import annotated_pixels
from pspy_dask.pixels.class_samples import ClassSamples
from pspy_dask.pixels.classes import Classes, check_some, make_classes
from pspy_dask.pixels.palettes import check_colors
from pspy_dask.pixels.training import Sampling
from pspy_dask.run.bench import Bench
from pspy_dask.run.classifier import PixelClassifier
from pspy_dask.run.fitting import fit_classifier
from pspy_dask.run.progress import Watcher, count_tasks

PLOTS = (".png", ".svg", ".pdf")
_READ_AT_ONCE = 2**28  # pixels of annotations that are looked at before a cluster starts


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
        counts, and of the above ``class_names`` alone.
    plot
        Picture of how well it does, ending in one of `PLOTS`, or None.
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


@dataclass(frozen=True)
class Materials:
    """What a classifier is trained with, opened and checked.

    Attributes
    ----------
    images, annotations
        As many of one as of the other; annotations as `fit_classifier` takes them.
    older
        The classifier to start from, or None.
    found
        The annotated pixels of each image; None where there is too much to read before the work.
    """

    images: list[xr.DataArray]
    annotations: list[Any]
    older: PixelClassifier | None
    found: ClassSamples | None


@dataclass(frozen=True)
class Trained:
    """A classifier that was trained, and saved.

    Attributes
    ----------
    classifier
        The classifier.
    annotated
        How many pixels of each class are annotated in what it was trained with now.
    seconds
        Time it took.
    notes
        What a user should know before trusting it.
    """

    classifier: PixelClassifier
    annotated: Mapping[int, int]
    seconds: float
    notes: Sequence[str] = ()


def materials_of(training: Training) -> Materials:
    """Return what is needed; raise what can be known to be wrong before any work."""
    check_file(training.target, overwrite=training.overwrite)
    if training.plot is not None:
        if training.plot.suffix.lower() not in PLOTS:
            raise ValueError(f"{training.plot} is no picture: end it in one of {', '.join(PLOTS)}")
        check_file(training.plot, overwrite=training.overwrite)
    older = None if training.start is None else PixelClassifier.load(training.start)
    colors = training.colors if older is None else older.fitted.classes.palette
    channel, level, axes = training.channel, training.level, training.axes
    images = [
        open_image(source, channel=channel, level=level, axes=axes) for source in training.images
    ]
    annotations = [
        open_annotations(source, colors=colors, shape=image.shape)
        for source, image in zip(training.annotations, images, strict=True)
    ]
    size = sum(prod(a.shape) for a in annotations if hasattr(a, "shape"))
    found = _found(annotations, images, training) if size <= _READ_AT_ONCE else None
    if found is not None:
        _check_classes(training, older, found)
    return Materials(images, annotations, older, found)


def run_training(
    training: Training, materials: Materials, client: Client, watcher: Watcher
) -> Trained:
    """Train the classifier and save it, complete or absent."""
    images, annotations, older = materials.images, materials.annotations, materials.older
    count_tasks(client)
    bench = Bench(client, watcher)

    def fit() -> tuple[PixelClassifier, ClassSamples, list[str]]:
        if older is not None:
            fitted = older.refine(images, annotations, class_names=training.class_names)
        else:
            fitted = fit_classifier(
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
        found = materials.found or _found(annotations, images, training)
        return fitted, found, [] if older is not None else _without_value(fitted, found)

    fitted, found, notes = bench.stage("train", images[0], "", fit)
    fitted.save(training.target, overwrite=training.overwrite)
    if training.plot is not None:
        with growing_file(training.plot) as partial:
            fitted.plot().savefig(partial, dpi=120, format=training.plot.suffix[1:].lower())
    return Trained(fitted, found.counts, sum(bench.seconds.values()), notes)


def _found(
    annotations: Sequence[Any], images: Sequence[xr.DataArray], training: Training
) -> ClassSamples:
    """Return the annotated pixels of all images."""
    law = Sampling(most=training.max_pixels, balanced=training.balanced, seed=training.seed).law
    found: ClassSamples = dask.base.compute(annotated_pixels(annotations, images, law))[0][0]
    return found


def _check_classes(
    training: Training, older: PixelClassifier | None, found: ClassSamples
) -> Classes:
    """Return the classes to be told apart, or raise where they will not do."""
    numbers = list(found.counts)
    if older is None:
        palette = None if training.colors is None else check_colors(training.colors)
        return make_classes(numbers, training.class_names, palette)
    check_some(numbers)
    both = sorted({*older.class_numbers, *numbers})
    return make_classes(both, training.class_names, before=older.fitted.classes)


def _without_value(fitted: PixelClassifier, found: ClassSamples) -> list[str]:
    """Say how many of the pixels that were drawn have no value, if any has none."""
    drawn = fitted.fitted.sampling.drawn(found).classes
    taken = fitted.fitted.training.classes
    if len(taken) == len(drawn):
        return []
    names = zip(fitted.class_numbers, fitted.class_names, strict=True)
    counts = {name: (np.sum(drawn == k), np.sum(taken == k)) for k, name in names}
    listed = [f"{n - m:,} of {n:,} of {name}" for name, (n, m) in counts.items() if n > m]
    return [
        f"{len(drawn) - len(taken):,} of {len(drawn):,} annotated pixels have no value (NaN or "
        f"infinite) and were left out: {', '.join(listed)}."
    ]
