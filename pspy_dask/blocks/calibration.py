"""One calibration for labels and their image, whichever of the two states it."""

from __future__ import annotations

from math import isclose

import xarray as xr

from pspy_dask.blocks.coordinates import SAME_STEP, is_named
from pspy_dask.blocks.images import axis_units, pixel_size, spatial_axes


def share_calibration(
    labels: xr.DataArray, image: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return labels and image with the coordinates of the one that states a pixel size.

    Where neither or both do, they stay as they are. An image whose axes were only guessed from
    its shape takes the names of those of the labels.

    Raises
    ------
    ValueError
        The shapes differ, both state pixels of different sizes or units, or the image is a series
        and the labels are a volume.

    Examples
    --------
    >>> import numpy as np
    >>> from pspy_dask.blocks.images import as_image
    >>> nm = xr.Variable("x", [0.0, 0.5, 1.0], {"units": "nm", "step": 0.5})
    >>> image = as_image(xr.DataArray(np.zeros((2, 3)), {"x": nm}, ("y", "x")))
    >>> labels, _ = share_calibration(as_image(np.ones((2, 3), int)), image)
    >>> axis_units(labels)
    {'y': 'px', 'x': 'nm'}
    """
    if labels.shape != image.shape:
        raise ValueError(
            f"the image has shape {image.shape} and the labels {labels.shape}: "
            "give the image that was segmented"
        )
    if labels.dims != image.dims:
        image = _renamed(image, labels)
    ours, theirs = _is_calibrated(labels), _is_calibrated(image)
    if ours and theirs:
        return _agreed(labels, image)
    if theirs:
        return _placed(labels, image), image
    return labels, _placed(image, labels) if ours else image


def _renamed(image: xr.DataArray, labels: xr.DataArray) -> xr.DataArray:
    if image.dims[0] == "t":
        raise ValueError(
            f"the image has axes {', '.join(map(str, image.dims))} and the labels "
            f"{', '.join(map(str, labels.dims))}: give labels of the same axes, such as "
            "label_mask(labels, image)"
        )
    return image.drop_vars(image.dims, errors="ignore").rename(
        dict(zip(image.dims, labels.dims, strict=True))
    )


def _is_calibrated(image: xr.DataArray) -> bool:
    units, steps = axis_units(image), pixel_size(image)
    return any(is_named(units[d]) or steps[d] != 1 for d in spatial_axes(image))


def _agreed(labels: xr.DataArray, image: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return both, of which one may lack the units that the other has, or raise ValueError."""
    sizes = pixel_size(labels), pixel_size(image)
    units = axis_units(labels), axis_units(image)
    for dim in spatial_axes(labels):
        one, two = (each[dim] for each in sizes)
        ours, theirs = (each[dim] for each in units)
        if not isclose(one, two, rel_tol=SAME_STEP) or (
            ours != theirs and is_named(ours) and is_named(theirs)
        ):
            raise ValueError(
                f"the pixels of the labels are {one:g} {ours} along {dim} and those of the image "
                f"{two:g} {theirs}: drop the coordinates of the one that is wrong, as in "
                "labels.drop_vars(labels.dims, errors='ignore')"
            )
    if any(is_named(units[1][d]) and not is_named(units[0][d]) for d in spatial_axes(labels)):
        return _placed(labels, image), image
    return labels, image


def _placed(bare: xr.DataArray, calibrated: xr.DataArray) -> xr.DataArray:
    """Return an array on the coordinates of the axes of another one."""
    own = {d: calibrated.coords[d] for d in calibrated.dims if d in calibrated.coords}
    return bare.drop_vars(bare.dims, errors="ignore").assign_coords(own)
