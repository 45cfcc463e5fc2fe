"""Annotated pixels: where an image was labelled by hand, and what with.

Annotations are sparse, whatever holds them: of an array of labels only the pixels that are not 0
leave the chunk that they lie in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.images import as_image, has_frames, make_image, source_image
from pspy_dask.blocks.reduce import PartialFunction, reduce_windows
from pspy_dask.blocks.sources import ArraySource
from pspy_dask.blocks.windows import Window, lead
from pspy_dask.pixels.shapes import MOST_CLASSES, Shape, draw

Annotations = Any


@dataclass(frozen=True, eq=False)
class Annotated:
    """Pixels and their classes, each pixel once, in raster order.

    Attributes
    ----------
    coordinates
        Positions along all axes of the image, also along a t or z of length 1: int64 ``(n, axes)``.
    classes
        The class of each pixel, above 0: int32 ``(n,)``.

    Examples
    --------
    >>> first = annotated(np.array([[0, 1], [0, 2]]), np.array([1, 1]))
    >>> second = annotated(np.array([[0, 2], [0, 0]]), np.array([2, 3]))
    >>> both = first.merge(second)
    >>> both.coordinates.tolist(), both.classes.tolist()
    ([[0, 0], [0, 1], [0, 2]], [3, 1, 2])
    """

    coordinates: NDArray[np.int64]
    classes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.classes)

    def merge(self, other: Annotated) -> Annotated:
        """Return the pixels of both; of a pixel in both, ``other`` is the later and wins.

        It is associative, and commutative where no pixel is in both.
        """
        if not len(self) or not len(other):
            return self if len(self) else other
        return annotated(
            np.concatenate([self.coordinates, other.coordinates]),
            np.concatenate([self.classes, other.classes]),
        )


def annotated(coordinates: NDArray[Any], classes: NDArray[Any]) -> Annotated:
    """Return pixels in any order, put in raster order; of one that stands twice the last wins."""
    coordinates = np.asarray(coordinates, np.int64)
    if not len(classes):
        return Annotated(coordinates, np.zeros(0, np.int32))
    extent = tuple(coordinates.max(axis=0) + 1)
    flat = np.ravel_multi_index(tuple(coordinates.T), extent)
    _, last = np.unique(flat[::-1], return_index=True)
    chosen = len(flat) - 1 - last
    return Annotated(coordinates[chosen], np.asarray(classes, np.int32)[chosen])


def annotated_pixels(annotations: Annotations, image: xr.DataArray) -> da.Array:
    """Return the annotated pixels of an image, whatever the chunks of either.

    Parameters
    ----------
    annotations
        Labels of the shape of the image, 0 where there is none: a NumPy, dask or Zarr array or a
        DataArray, of integers or, for a single class, booleans; or a list of
        `~pspy_dask.Points`, `~pspy_dask.Line` and `~pspy_dask.Polygon`, the later of which win.
        Leading axes of length 1 that the image has may be left out.
    image
        The image that they belong to; of shape ``([t,] [z,] y, x)``.

    Returns
    -------
    dask.array.Array
        Lazy, of one element: an `Annotated`. Shapes are drawn at once.

    Raises
    ------
    ValueError
        The shapes differ, or a shape covers no pixel of the image; when computed: a label is
        negative or above 65535.
    TypeError
        The labels are no integers.
    """
    if isinstance(annotations, Shape):
        annotations = [annotations]
    if isinstance(annotations, list | tuple):
        return _held(_drawn(annotations, image.shape))
    labels = _label_image(annotations, image)
    frames = has_frames(labels)
    return reduce_windows(
        labels.data,
        _Gather(labels.ndim),
        halo=(0,) * (labels.ndim - frames),
        length=1,
        dtype=object,
        frames=frames,
        per_frame=False,
    )


@dataclass(frozen=True)
class _Gather:
    """The annotated pixels of windows; no pixel is in two of them."""

    axes: int

    @property
    def partial(self) -> PartialFunction:
        return self._of_window

    def _of_window(self, pixels: NDArray[Any], window: Window) -> Annotated:
        labels = pixels[window.crop]
        flat = np.flatnonzero(labels != 0)  # of booleans it skips eight at a time
        found = np.unravel_index(flat, labels.shape)
        classes = labels[found]
        _check_classes(classes)
        coordinates = np.zeros((len(classes), self.axes), np.int64)
        coordinates[:, : len(lead(window.frame))] = lead(window.frame)
        coordinates[:, -labels.ndim :] = np.transpose(found) + window.core.start
        return Annotated(coordinates, classes.astype(np.int32))

    def merge(self, a: Annotated, b: Annotated) -> Annotated:
        return a.merge(b)

    def finish(self, partial: Annotated) -> NDArray[Any]:
        return _boxed(partial)


def check_labels(dtype: Any, what: str = "the annotations") -> None:
    """Raise TypeError where numbers of this type cannot be labels."""
    if np.dtype(dtype).kind not in "biu":
        raise TypeError(
            f"{what} are {np.dtype(dtype)}, not whole numbers: convert them, "
            "such as labels.astype('uint8'), with 0 where nothing is labelled"
        )


def check_shape(shape: Sequence[int], extent: Sequence[int], what: str = "the annotations") -> None:
    """Raise ValueError where labels of this shape are not those of an image of that extent."""
    missing = len(extent) - len(shape)
    if tuple(extent) == (1,) * missing + tuple(shape):
        return
    remedy = "label every image on an array of its own shape"
    if tuple(shape[:-1]) == tuple(extent) and shape[-1] in (3, 4):
        remedy = "turn colours into labels with toggle_channels"
    raise ValueError(f"{what} have shape {tuple(shape)} but the image {tuple(extent)}: {remedy}")


def _check_classes(classes: NDArray[Any]) -> None:
    if not classes.size or classes.dtype == np.bool_:
        return
    for wrong in (int(classes.min()), int(classes.max())):
        if not 0 < wrong <= MOST_CLASSES:
            raise ValueError(
                f"the annotations hold the label {wrong}: number classes 1 to {MOST_CLASSES}, "
                "0 where nothing is labelled"
            )


def _label_image(annotations: Annotations, image: xr.DataArray) -> xr.DataArray:
    """Return labels as an image on the axes of another."""
    array = annotations.data if isinstance(annotations, xr.DataArray) else annotations
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        raise TypeError(
            f"annotations is a {type(annotations).__name__}: give an array of labels or a list of "
            "Points, Line and Polygon; open files with open_annotations"
        )
    check_labels(array.dtype)
    dims = getattr(annotations, "dims", ())
    if {"y", "x"} <= {*dims} and dims[-2:] != ("y", "x"):
        raise ValueError(
            f"the annotations have axes {dims} but the image {image.dims}: transpose them"
        )
    check_shape(array.shape, image.shape)
    missing = image.ndim - len(array.shape)
    if not isinstance(array, da.Array):
        dims = image.dims[missing:]
        stored = getattr(array, "shards", None) or getattr(array, "chunks", None)
        source = ArraySource(array, (None,) * len(dims))
        array = source_image(source, [str(d) for d in dims], stored=stored).data
    full = array[(None,) * missing] if missing else array
    return as_image(make_image(full, [str(d) for d in image.dims]))


def _drawn(shapes: Sequence[Any], extent: tuple[int, ...]) -> Annotated:
    """Return the pixels that shapes cover; the later ones lie above the earlier."""
    parts = [draw(shape, extent) for shape in shapes]
    sizes = [len(part) for part in parts]
    classes = np.repeat(np.array([s.label for s in shapes], np.int32), sizes)
    return annotated(np.concatenate([np.zeros((0, len(extent)), np.int64), *parts]), classes)


def _held(value: Annotated) -> da.Array:
    array: da.Array = da.from_array(_boxed(value), chunks=1)
    return array


def _boxed(value: Annotated) -> NDArray[Any]:
    box = np.empty(1, object)
    box[0] = value
    return box
