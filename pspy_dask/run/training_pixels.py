"""The pixels that a classifier is fitted to, out of images and their annotations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dask
import numpy as np
import xarray as xr

from pspy_dask.blocks.images import as_image
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.io.annotations import open_annotations
from pspy_dask.pixels.annotations import annotated_pixels, first_frames
from pspy_dask.pixels.classes import Classes
from pspy_dask.pixels.features import feature_stack
from pspy_dask.pixels.stack import FeatureStack
from pspy_dask.pixels.training import (
    Sampling,
    TrainingRows,
    joined_rows,
    point_features,
    training_rows,
)

ClassesOf = Callable[[list[int]], Classes]


def pair_up(image: Any, annotations: Any) -> tuple[list[xr.DataArray], list[Any]]:
    """Return images and the annotations of each, of one image or of a list."""
    if not isinstance(image, list | tuple):
        return [as_image(image)], [annotations]
    if not isinstance(annotations, list | tuple) or len(annotations) != len(image):
        found = len(annotations) if isinstance(annotations, list | tuple) else "no list of"
        raise ValueError(
            f"there are {len(image)} images and {found} annotations: give a list with one for each"
        )
    if not image:
        raise ValueError("the list of images is empty: give at least one")
    return [as_image(each) for each in image], list(annotations)


def common_stack(
    images: Sequence[xr.DataArray], parameters: FeatureParameters | None
) -> FeatureStack:
    """Return the features of some images, or raise where they are not of the same number."""
    stacks = [feature_stack(image, parameters) for image in images]
    for number, stack in enumerate(stacks):
        if stack.axes != stacks[0].axes:
            raise ValueError(
                f"image 0 has {stacks[0].axes} axes of space and image {number} {stack.axes}: fit "
                "a classifier for planes and another for volumes"
            )
    return stacks[0]


def training_pixels(
    images: Sequence[xr.DataArray],
    annotations: Sequence[Any],
    stack: FeatureStack,
    sampling: Sampling,
    palette: Sequence[str] | None,
    classes_of: ClassesOf,
) -> tuple[TrainingRows, Classes]:
    """Return the annotated pixels with their features, as many as are drawn, and their classes.

    Annotations are read, pixels are drawn and features are computed here and now, these in windows
    around the pixels alone. ``classes_of`` is told the numbers of the classes before they are, and
    raises where these will not do.
    """
    opened = [
        open_annotations(given, colors=palette, shape=image.shape)
        for given, image in zip(annotations, images, strict=True)
    ]
    (found,) = dask.base.compute(annotated_pixels(opened, images, sampling.law))[0]
    known = classes_of([*found.counts])
    drawn = sampling.drawn(found)
    firsts = first_frames(images)
    # The pixels of an image lie one after the other.
    cuts = np.searchsorted(drawn.places[:, 0], [*firsts[1:]])
    points = drawn.places.copy()
    points[:, 0] -= np.repeat(firsts, np.diff([0, *cuts, len(points)]))
    parts = list(zip(images, np.split(points, cuts), np.split(drawn.classes, cuts), strict=True))
    with_some = [part for part in parts if len(part[1])]
    rows = dask.base.compute(*[point_features(image, stack, at) for image, at, _ in with_some])
    joined = [joined_rows(each) for each in rows]
    kept = [
        (at[some.numbers], classes[some.numbers])
        for some, (_, at, classes) in zip(joined, with_some, strict=True)
    ]
    training = training_rows(
        np.concatenate([at for at, _ in kept]),
        np.concatenate([classes for _, classes in kept]),
        np.concatenate([some.rows for some in joined]),
    )
    return training, known
