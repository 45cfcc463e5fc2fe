"""Crops of all particles in boxes of one size, as one lazy stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import xarray as xr

from pspy_dask.blocks.coordinates import SAME_STEP
from pspy_dask.blocks.crops import stack_boxes
from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.images import axis_units, pixel_size, spatial_axes
from pspy_dask.particles.crops import Pictures, box_of, require_bounds


class Boxed(NamedTuple):
    """Particles of one image, one after the other in a list: boxes and labels."""

    pictures: Pictures
    boxes: Sequence[Box]
    labels: Sequence[int]


def boxed(pictures: Pictures, rows: Sequence[Mapping[str, Any]]) -> Boxed:
    """Return particles of one image by their rows of the table, which must tell their bounds."""
    some = _some_picture(pictures)
    for row in rows:
        require_bounds(row, some)
    return Boxed(pictures, [box_of(row, some) for row in rows], [int(r["label"]) for r in rows])


def stack_crops(groups: Sequence[Boxed], *, even: bool) -> xr.Dataset:
    """Return image and mask of all particles, each in the middle of zeros in one square box.

    Parameters
    ----------
    groups
        Particles in the order of the stack; all have labels, or none, and so for images.
    even
        Make the side of the box even.

    Returns
    -------
    xarray.Dataset
        Lazy ``image`` and ``mask`` of axes ``particle``, [z,] y, x.
    """
    first = _some_picture(groups[0].pictures)
    space = spatial_axes(first)
    for group in groups:
        if spatial_axes(_some_picture(group.pictures)) != space:
            raise ValueError("some particles are flat and some are not: stack them apart")
    boxes = [box for group in groups for box in group.boxes]
    size = common_size(boxes, len(space), even=even)
    dims = ("particle", *space)
    variables: dict[str, Any] = {}
    if all(group.pictures.image is not None for group in groups):
        parts = [stack_boxes(g.pictures.require_image().data, g.boxes, size) for g in groups]
        variables["image"] = (dims, da.concatenate(parts))
    if all(group.pictures.labels is not None for group in groups):
        variables["mask"] = (dims, da.concatenate([_masks(group, size) for group in groups]))
    coords: dict[str, Any] = {"label": ("particle", [k for g in groups for k in g.labels])}
    steps, units = pixel_size(first), axis_units(first)
    if all(_same_pixels(first, _some_picture(group.pictures)) for group in groups):
        for dim, length in zip(space, size, strict=True):
            attrs = {"units": units[dim], "step": steps[dim]}
            coords[dim] = xr.Variable(dim, steps[dim] * np.arange(length), attrs)
    return xr.Dataset(variables, coords)


def common_size(boxes: Sequence[Box], axes: int, *, even: bool) -> Index:
    """Return the lengths of the smallest square or cube that holds any of the boxes.

    >>> common_size([Box((0, 0), (3, 4)), Box((5, 5), (10, 6))], 2, even=True)
    (6, 6)
    """
    side = max(max(box.shape[-axes:]) for box in boxes)
    return (side + side % 2 if even else side,) * axes


def _masks(group: Boxed, size: Index) -> da.Array:
    labels = group.pictures.require_labels().data
    stack = stack_boxes(labels, group.boxes, size)
    own = np.asarray(group.labels, labels.dtype).reshape(-1, *(1,) * len(size))
    masks: da.Array = stack == da.from_array(own, chunks=(stack.chunks[0], *(1,) * len(size)))
    return masks


def _some_picture(pictures: Pictures) -> xr.DataArray:
    return pictures.require_labels() if pictures.image is None else pictures.image


def _same_pixels(a: xr.DataArray, b: xr.DataArray) -> bool:
    names = spatial_axes(a)
    one, two = pixel_size(a), pixel_size(b)
    return all(np.isclose(one[d], two[d], rtol=SAME_STEP, atol=0) for d in names) and all(
        axis_units(a)[d] == axis_units(b)[d] for d in names
    )
