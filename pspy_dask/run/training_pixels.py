"""The pixels that a classifier is fitted to, out of images and their annotations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr

from pspy_dask.blocks.images import as_image
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.io.annotations import open_annotations
from pspy_dask.pixels.annotations import annotated_pixels
from pspy_dask.pixels.classes import Classes
from pspy_dask.pixels.features import feature_stack
from pspy_dask.pixels.stack import FeatureStack
from pspy_dask.pixels.training import (
    Sampling,
    TrainingRows,
    joined_rows,
    point_features,
    points_of,
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

    Annotations are gathered and features are computed here and now, these in windows around the
    pixels alone. ``classes_of`` is told the numbers of the classes between the two, and raises
    where they will not do.
    """
    lazy = [_lazily(*pair, palette) for pair in zip(annotations, images, strict=True)]
    found = [box[0] for box in dask.base.compute(*lazy)]
    where = np.repeat(np.arange(len(images)), [len(each) for each in found])
    points = np.concatenate(
        [points_of(each.coordinates, image) for each, image in zip(found, images, strict=True)]
    )
    classes = np.concatenate([each.classes for each in found])
    known = classes_of(np.unique(classes).tolist())
    drawn = sampling.chosen(points, classes)
    numbers = [drawn[where[drawn] == k] for k in range(len(images))]
    rows = dask.base.compute(
        *[
            point_features(image, stack, points[some])
            for image, some in zip(images, numbers, strict=True)
            if len(some)
        ]
    )
    with_some = [some for some in numbers if len(some)]
    joined = [joined_rows(parts) for parts in rows]
    kept = np.concatenate([some[j.numbers] for some, j in zip(with_some, joined, strict=True)])
    training = training_rows(points[kept], classes[kept], np.concatenate([j.rows for j in joined]))
    return training, known


def _lazily(annotations: Any, image: xr.DataArray, palette: Sequence[str] | None) -> da.Array:
    opened = open_annotations(annotations, colors=palette, shape=image.shape)
    return annotated_pixels(opened, image)
