"""Annotations from files: labels, pictures painted in colours, lists of shapes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import xarray as xr
import zarr

from pspy_dask.blocks.images import looks_coloured
from pspy_dask.io.colour_pictures import open_colours
from pspy_dask.io.frames import PICTURES
from pspy_dask.io.grey_pictures import plain_labels
from pspy_dask.io.ome_metadata import listed_labels
from pspy_dask.io.outputs import check_file, growing_file
from pspy_dask.io.shape_files import read_shapes, shapes_of
from pspy_dask.io.sources import open_image
from pspy_dask.io.tiff import SUFFIXES
from pspy_dask.io.zarr_source import is_zarr
from pspy_dask.pixels.annotations import check_labels, check_shape
from pspy_dask.pixels.colors import DEFAULT_COLORS, is_picture, toggle_channels
from pspy_dask.pixels.shapes import Shape

_BLURRED = (".jpg", ".jpeg")


def open_annotations(
    source: Any, *, colors: Sequence[str] | None = None, shape: Sequence[int] | None = None
) -> Any:
    """Return annotations as `fit_classifier` takes them, whatever holds them.

    Parameters
    ----------
    source
        The path of a PNG or TIFF, in grey or painted in colours, of an OME-Zarr or Zarr folder, a
        .npy, or a .json of shapes; an open Zarr array or group; an array of labels, a picture of
        ``(y, x, 3)``, or a list of shapes, themselves or as in the file.
    colors
        Of a picture in colours: that of class 1, of class 2, ... as ``#rrggbb``, a list or one
        text with commas between; by default those of `class_colors`.
    shape
        That of the image which was annotated, to refuse labels of another at once.

    Returns
    -------
    xarray.DataArray, array or list of shapes
        Labels are lazy where they come from a file, 0 where there is none. A grey picture holds
        them as they are, unless all that it holds is 0 and 255: that is a mask, of class 1. One
        with a palette whose number 0 is black does so too, unless it holds a colour of a class. An
        OME-Zarr image stands for its only labels. A file of shapes is a list such as
        ``[{"label": 1, "polygon": [[y, x], ...]}, {"label": 2, "points": [...], "radius": 3},
        {"label": 2, "line": [...], "width": 3}]``.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        It holds no annotations, none in the colours, or those of an image of another shape; or a
        picture is a photograph: it has more than 20 grey levels, or some above 20 all over.
    TypeError
        Its labels are no integers.

    Warns
    -----
    UserWarning
        A picture has colours of no class, other than the greys of paper and of micrographs; or
        numbers of a palette are taken for classes.

    Examples
    --------
    >>> labels = np.array([[0, 1], [2, 0]], np.uint8)
    >>> path = getfixture("tmp_path") / "strokes.png"
    >>> write_class_picture(labels, path)
    >>> open_annotations(path).values.tolist()
    [[0, 1], [2, 0]]
    """
    what, found = _opened(source, colors)
    if hasattr(found, "dtype"):
        check_labels(found.dtype, what)
        if shape is not None:
            check_shape(found.shape, shape, what)
    return found


def write_class_picture(
    labels: Any,
    path: str | os.PathLike[str],
    colors: Sequence[str] = DEFAULT_COLORS,
    *,
    overwrite: bool = False,
) -> None:
    """Write classes as a PNG in their colours, black where there is none, complete or absent.

    It is a picture to paint on with any program, and `open_annotations` reads it back.

    Parameters
    ----------
    labels
        The class of each pixel: ``(y, x)``; computed as a whole.
    path
        What it is to be called; it ends in ``.png``.
    colors
        The colour of class 1, of class 2, ... as ``#rrggbb``.
    overwrite
        Whether an older file of this name may be replaced.

    Raises
    ------
    ValueError
        It is no single plane, a class has no colour, or the name does not end in ``.png``.
    FileExistsError, FileNotFoundError, PermissionError
        The file cannot be written there.
    """
    pixels = labels.data if isinstance(labels, xr.DataArray) else labels
    if len(pixels.shape) != 2:
        raise ValueError(
            f"classes of shape {tuple(pixels.shape)} are no picture: choose one plane (y, x)"
        )
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"{path} is no name of a PNG, which keeps colours as they are: end it so")
    target = check_file(path, overwrite=overwrite)
    picture = toggle_channels(np.asarray(pixels), colors)
    with growing_file(target) as partial:
        imageio.imwrite(partial, picture, extension=".png")


def _opened(source: Any, colors: Sequence[str] | None) -> tuple[str, Any]:
    """Return what annotations are called in a sentence, and the annotations."""
    if isinstance(source, Shape):
        return "the annotations", [source]
    if isinstance(source, list | tuple):
        if source and all(isinstance(each, str | Path) for each in source):
            return f"the labels in {source[0]}", open_image(source)
        return "the annotations", shapes_of(source, what="the annotations")
    if isinstance(source, str | os.PathLike):
        return f"the labels in {source}", _open_path(str(source), colors)
    if isinstance(source, zarr.Group):
        return f"the labels in {source.store_path}", open_image(_labels_in(source))
    return "the annotations", _passed(source, colors)


def _passed(source: Any, colors: Sequence[str] | None) -> Any:
    """Return an array of labels as it is, classes where it is a picture."""
    if not hasattr(source, "dtype") or not hasattr(source, "shape"):
        raise TypeError(
            f"{type(source).__name__} holds no annotations: give a file, an array of labels or a "
            "list of Points, Line and Polygon"
        )
    if isinstance(source, xr.DataArray):
        painted = is_picture(source)
    else:
        painted = source.dtype == np.uint8 and looks_coloured(source.shape)
    return toggle_channels(source, colors or DEFAULT_COLORS) if painted else source


def _open_path(text: str, colors: Sequence[str] | None) -> Any:
    path = Path(text)
    ending = path.suffix.lower()
    if path.is_file():
        if ending == ".json":
            return read_shapes(path)
        if ending in _BLURRED:
            raise ValueError(f"{path} is a JPEG, which blurs labels and colours: save it as PNG")
        if ending in (*SUFFIXES, *PICTURES):
            classes = open_colours(path.absolute(), colors)
            if classes is not None:
                return classes
            return plain_labels(open_image(path), f"the labels in {path}")
    if path.is_dir() and is_zarr(path):
        return open_image(_labels_in(zarr.open(text, mode="r")))
    return open_image(text)


def _labels_in(node: Any) -> Any:
    """Return the labels of an image, or the only ones of a group of labels; else what it is."""
    if not isinstance(node, zarr.Group):
        return node
    labels = node.get("labels", node)
    if not isinstance(labels, zarr.Group) or not (names := listed_labels(labels)):
        return node
    if len(names) > 1:
        raise ValueError(
            f"{node.store_path} has the labels {', '.join(names)}: open one of them, such as "
            f"{labels.store_path}/{names[0]}"
        )
    return labels[names[0]]
