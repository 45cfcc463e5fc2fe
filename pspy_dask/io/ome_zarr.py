"""Images and labels written as OME-Zarr 0.4 and 0.5, each complete or absent.

A write is planned and its metadata made at once; its pixels are lazy steps that the caller
computes one after another; then it is finished, which gives it its name:

>>> import dask.array as da
>>> from pspy_dask.blocks.images import as_image
>>> folder = getfixture("tmp_path")
>>> write = write_image(as_image(da.ones((4, 6), chunks=3)), folder / "image.zarr")
>>> for step in write.steps():
...     _ = step.compute()
>>> write.finish()
>>> sorted(path.name for path in folder.iterdir())
['image.zarr']
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.storage import LocalStore

from pspy_dask.blocks.images import as_image
from pspy_dask.io import ome_metadata
from pspy_dask.io.layout import choose_layout, fit
from pspy_dask.io.ome_metadata import VERSIONS, Calibration, Version
from pspy_dask.io.outputs import (
    check_output,
    check_space,
    partial_name,
    remove,
)
from pspy_dask.io.pyramid import Level, Method, half
from pspy_dask.io.pyramid_write import PyramidWrite
from pspy_dask.io.zarr_groups import (
    StoreLike,
    create_array,
    holds,
    labels_group,
    list_labels,
    local_folder,
    open_group,
)

#: A pyramid ends at the first level whose longer side is at most so many pixels.
SMALLEST = 1024


def write_image(
    image: xr.DataArray,
    path: str | os.PathLike[str],
    *,
    version: Version = "0.5",
    overwrite: bool = False,
    method: Method = "mean",
) -> PyramidWrite:
    """Begin to write an image as an OME-Zarr of its own, with levels down to ``SMALLEST``.

    Raises
    ------
    FileExistsError
        Something is there and ``overwrite`` is False, or what is there is no Zarr group.
    """
    if version not in VERSIONS:
        raise ValueError(f"unknown OME-Zarr version {version!r}: choose {' or '.join(VERSIONS)}")
    image = as_image(image)
    target = check_output(path, overwrite=overwrite).resolve()
    if target.exists() and not any((target / n).exists() for n in ("zarr.json", ".zgroup")):
        raise FileExistsError(f"{target} is not an OME-Zarr image: choose another output")
    check_space(target.parent, image.nbytes)
    levels = _plan(image, method, _levels_down_to(image.shape, SMALLEST))
    folder = partial_name(target)
    remove(folder)
    group = zarr.create_group(LocalStore(folder), zarr_format=3 if version == "0.5" else 2)
    for level in levels:
        create_array(group, level, image.dtype)
    name = str(image.name or target.stem)
    attributes = ome_metadata.image_attributes(
        version, _calibrations(levels), name=name, method=method
    )
    group.attrs.update(attributes)
    return PyramidWrite(image.data, group, levels, method, version, folder, target)


def write_labels(
    labels: xr.DataArray,
    group_path: StoreLike,
    *,
    name: str = "particles",
    overwrite: bool = False,
    method: Method = "nearest",
    properties: Mapping[int, Mapping[str, Any]] | None = None,
    colors: Mapping[int, str] | None = None,
    resume: bool = False,
) -> PyramidWrite:
    """Begin to write labels into an OME-Zarr image, in its version and with as many levels.

    On local disks they grow in a hidden folder beside their final place and get name and listing
    at the end. Other stores cannot rename: labels grow in place and are listed at the end.

    Parameters
    ----------
    labels
        Whole numbers, 0 for background.
    group_path
        The image: a folder, a URL, or a Zarr store.
    name
        Name of the labels, a plain word.
    overwrite
        Replace labels of that name, at the end of the write.
    method
        ``"nearest"`` or ``"mode"``, see :func:`pspy_dask.io.pyramid.downsample`.
    properties
        Values to be kept with each label in its metadata; for few labels, a table for many.
    colors
        Colours (``#rrggbb``) that viewers show few labels in.
    resume
        Keep the chunks that an interrupted write of the same labels has stored, where shape,
        type, layout and metadata are the same; it is for the caller to know which to skip.

    Raises
    ------
    FileExistsError
        The image has labels of that name and ``overwrite`` is False.
    PermissionError
        The image cannot be written to.
    """
    labels = as_image(labels)
    _check_labels(labels, name, method)
    image = open_group(group_path)
    version, count = ome_metadata.version_and_levels(image)
    listing = labels_group(image, version)
    root = local_folder(listing)
    _check_free(listing, name, overwrite=overwrite)
    levels = _plan(labels, method, count)
    attributes = ome_metadata.image_attributes(
        version,
        _calibrations(levels),
        name=name,
        method=method,
        label=properties or {},
        colors=colors,
    )
    if root is None:
        list_labels(listing, name, listed=False)
        group = _begin(listing, name, levels, attributes, labels.dtype, resume=resume)
        return PyramidWrite(labels.data, group, levels, method, version, image=image, name=name)
    check_space(root, labels.nbytes)
    target = root / name
    folder = partial_name(target)
    group = _begin(listing, folder.name, levels, attributes, labels.dtype, resume=resume)
    return PyramidWrite(labels.data, group, levels, method, version, folder, target, image, name)


def check_labels_free(group_path: StoreLike, *, name: str, overwrite: bool = False) -> None:
    """Raise what :func:`write_labels` would before any work; write nothing."""
    check_label_name(name)
    image = open_group(group_path)
    ome_metadata.version_and_levels(image)
    listing = image.get("labels")
    if isinstance(listing, zarr.Group):
        _check_free(listing, name, overwrite=overwrite)


def _plan(image: xr.DataArray, method: Method, count: int) -> tuple[Level, ...]:
    """Return this many levels of an image."""
    dims = tuple(map(str, image.dims))
    layout = choose_layout(dims, image.chunks or ())
    levels = [Level("0", image.shape, layout, ome_metadata.calibration(image))]
    for k in range(1, count):
        shape = half(levels[-1].shape)
        halved = levels[-1].calibration.halved(("y", "x"), centred=method != "nearest")
        levels.append(Level(str(k), shape, fit(layout, shape), halved))
    return tuple(levels)


def _levels_down_to(shape: tuple[int, ...], side: int) -> int:
    count = 1
    while max(shape[-2:]) > side:
        shape, count = half(shape), count + 1
    return count


def _calibrations(levels: tuple[Level, ...]) -> dict[str, Calibration]:
    return {level.path: level.calibration for level in levels}


def _begin(
    parent: zarr.Group,
    name: str,
    levels: tuple[Level, ...],
    attributes: dict[str, Any],
    dtype: np.dtype[Any],
    *,
    resume: bool,
) -> zarr.Group:
    """Return the group in which labels grow: that of an interrupted write, or a new one."""
    found = parent.get(name) if resume else None
    if isinstance(found, zarr.Group) and holds(found, levels, attributes, dtype):
        return found
    group = parent.create_group(name, overwrite=True)
    for level in levels:
        create_array(group, level, dtype, labels=True)
    group.attrs.update(attributes)
    return group


def _check_free(listing: zarr.Group, name: str, *, overwrite: bool) -> None:
    """Raise FileExistsError where labels of this name are complete and not to be replaced."""
    # In a store that cannot rename, labels that are not listed are those of a broken write.
    there = local_folder(listing) is not None and name in listing
    if not overwrite and (there or name in ome_metadata.listed_labels(listing)):
        raise FileExistsError(
            f"{listing.store_path} already holds labels {name!r}: pass overwrite=True "
            "(--overwrite) or another name"
        )


def _check_labels(labels: xr.DataArray, name: str, method: str) -> None:
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels are whole numbers, not {labels.dtype}: convert them to int32")
    check_label_name(name)
    if method not in ("nearest", "mode"):
        raise ValueError(f"labels have no {method!r}: choose 'nearest' or 'mode'")


def check_label_name(name: str) -> None:
    """Raise ValueError where labels cannot have this name in a folder."""
    # zarr.json is where the group of the labels keeps the list of them; 200 bytes leave room for
    # the ending of the hidden folder in which labels grow.
    bad = name.startswith(".") or name == "zarr.json" or len(name.encode()) > 200
    if not name or bad or any(sign in name for sign in "/\\\0"):
        raise ValueError(f"labels cannot be named {name!r}: choose a plain word")
