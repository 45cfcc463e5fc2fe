"""Annotated pixels: where an image was labelled by hand, and what with.

Annotations are sparse, whatever holds them: of an array of labels only the pixels that are not 0
leave the chunk that they lie in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate, pairwise
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.images import as_image, has_frames, make_image, source_image
from pspy_dask.blocks.reduce import ImageToReduce, PartialFunction, reduce_images
from pspy_dask.blocks.sources import ArraySource
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.coordinate_hash import point_hashes
from pspy_dask.pixels.class_samples import ClassSamples, class_samples
from pspy_dask.pixels.shapes import MOST_CLASSES, Shape, draw

Annotations = Any

_PIECE = 2**20  # labels that are looked at in one go
_TILE = 256  # shapes are painted on planes of so many pixels a side


@dataclass(frozen=True)
class DrawLaw:
    """Which annotated pixels of a set of images are drawn.

    Of each class those of lowest hash of (seed, frame, z, y, x), where frames of all images are
    counted through.

    Attributes
    ----------
    seed
        Another seed, another draw.
    most
        Pixels of a class that are kept.
    """

    seed: int
    most: int

    def samples(self, places: NDArray[np.int64], classes: NDArray[Any]) -> ClassSamples:
        """Return the samples of some pixels, each there once."""
        return class_samples(point_hashes(self.seed, places), places, classes, self.most)


def annotated_pixels(
    annotations: Sequence[Annotations], images: Sequence[xr.DataArray], law: DrawLaw
) -> da.Array:
    """Return the annotated pixels of images, as many as are drawn, whatever the chunks of either.

    Pixels of different images are different pixels, also at the same place.

    Parameters
    ----------
    annotations
        For each image labels of its shape, 0 where there is none: a NumPy, dask or Zarr array or a
        DataArray, of integers or, for a single class, booleans; or a list of
        `~pspy_dask.Points`, `~pspy_dask.Line` and `~pspy_dask.Polygon`, the later of which win.
        Leading axes of length 1 that the image has may be left out.
    images
        The images that they belong to; of shape ``([t,] [z,] y, x)``.
    law
        How many are drawn, and by which hash.

    Returns
    -------
    dask.array.Array
        Lazy, of one element: a `ClassSamples`. Shapes are drawn at once, one image after the other.

    Raises
    ------
    ValueError
        The shapes differ, or a shape covers no pixel of the image; when computed: a label is
        negative or above 65535.
    TypeError
        The labels are no integers.
    """
    drawn, read = ClassSamples({}, {}), []
    for given, image, first in zip(annotations, images, first_frames(images), strict=True):
        if isinstance(given, list | tuple | Shape):
            shapes = [given] if isinstance(given, Shape) else given
            drawn = reduce(ClassSamples.merge, _drawn(shapes, image, _Gather(law, first)), drawn)
        else:
            read.append((_label_image(given, image), first))
    if not read:
        held: da.Array = da.from_array(_boxed(drawn), chunks=1)
        return held
    parts: list[ImageToReduce] = []
    for labels, first in read:
        # The reducer of the first image finishes those of all.
        gather = _Gather(law, first, None if parts else drawn)
        frames = has_frames(labels)
        parts.append(ImageToReduce(labels.data, gather, (0,) * (labels.ndim - frames), frames))
    return reduce_images(parts, length=1, dtype=object)


def first_frames(images: Sequence[xr.DataArray]) -> list[int]:
    """Return the number of the first frame of each image, where all are counted through."""
    counts = [image.sizes["t"] if has_frames(image) else 1 for image in images]
    return list(accumulate(counts[:-1], initial=0))


@dataclass(frozen=True)
class _Gather:
    """The annotated pixels of windows; no pixel is in two of them.

    Attributes
    ----------
    law
        Which are drawn.
    first
        Number of the first frame of the image among those of all images.
    drawn
        Pixels of images on which shapes were drawn, which are added in the end.
    """

    law: DrawLaw
    first: int
    drawn: ClassSamples | None = None

    @property
    def partial(self) -> PartialFunction:
        return self.of_window

    def of_window(self, pixels: NDArray[Any], window: Window) -> ClassSamples:
        labels = pixels[window.crop]
        flat = labels.reshape(-1)
        found = ClassSamples({}, {})
        for start in range(0, flat.size, _PIECE):
            piece = flat[start : start + _PIECE]
            at = np.flatnonzero(piece != 0)  # of booleans it skips eight at a time
            if at.size:
                _check_classes(piece[at])
                places = self._places(np.unravel_index(at + start, labels.shape), window)
                found = found.merge(self.law.samples(places, piece[at]))
        return found

    def _places(self, found: tuple[NDArray[np.intp], ...], window: Window) -> NDArray[np.int64]:
        places = np.zeros((len(found[0]), 4), np.int64)
        places[:, 0] = self.first + (window.frame or 0)
        places[:, -len(found) :] = np.transpose(found) + window.core.start
        return places

    def merge(self, a: ClassSamples, b: ClassSamples) -> ClassSamples:
        return a.merge(b)

    def finish(self, partial: ClassSamples) -> NDArray[Any]:
        return _boxed(partial if self.drawn is None else partial.merge(self.drawn))


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


def _drawn(shapes: Sequence[Any], image: xr.DataArray, gather: _Gather) -> Iterator[ClassSamples]:
    """Yield the pixels that shapes cover, tile by tile; the later ones lie above the earlier.

    Shapes are painted one after the other on tiles of planes, so that no more than one of them is
    ever held as a list of pixels.
    """
    tiles: dict[Index, NDArray[np.uint16]] = {}
    for shape in shapes:
        _paint(tiles, draw(shape, image.shape), shape.label)
    lengths = image.shape[int(has_frames(image)) :]
    for at, labels in tiles.items():
        frame = at[0] if has_frames(image) else None
        start = (*at[int(has_frames(image)) : -2], at[-2] * _TILE, at[-1] * _TILE)
        box = Box(start, (*(i + 1 for i in start[:-2]), start[-2] + _TILE, start[-1] + _TILE))
        plane = labels[(None,) * (len(start) - 2)]
        yield gather.of_window(plane, Window(box, box, lengths, frame))


def _paint(tiles: dict[Index, NDArray[np.uint16]], pixels: NDArray[np.int64], label: int) -> None:
    """Put a label at pixels, on the tiles that they lie in."""
    at = pixels.copy()
    at[:, -2:] //= _TILE
    order = np.lexsort(at.T[::-1])
    at, inside = at[order], pixels[order, -2:] % _TILE
    cuts = np.flatnonzero((at[1:] != at[:-1]).any(axis=1)) + 1
    for start, stop in pairwise((0, *cuts.tolist(), len(at))):
        tile = tiles.setdefault(tuple(at[start].tolist()), np.zeros((_TILE, _TILE), np.uint16))
        tile[tuple(inside[start:stop].T)] = label


def _boxed(value: ClassSamples) -> NDArray[Any]:
    box = np.empty(1, object)
    box[0] = value
    return box
