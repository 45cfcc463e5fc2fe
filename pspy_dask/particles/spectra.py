"""Spectra of particles: a spectrum image summed over each label, in one pass over its chunks."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.images import (
    ImageLike,
    as_labels,
    has_frames,
    named_array,
    own_name,
    spatial_axes,
)
from pspy_dask.blocks.spectra import lazy_cube, sum_over_space
from pspy_dask.particles.label_sums import SumLabels, sum_type

SignalAxes = int | str | Sequence[int] | Sequence[str]


def sum_spectra(
    labels: ImageLike,
    spectra: Any,
    *,
    numbers: Sequence[int] | None = None,
    signal_axes: SignalAxes | None = None,
) -> xr.DataArray:
    """Return the sum of a spectrum image over each label, the same whatever the chunks.

    Parameters
    ----------
    labels
        Integers, 0 for background, of shape ``([z,] y, x)``; they may have gaps.
    spectra
        Array with the axes of the labels and others before or after them: NumPy, Zarr, dask or
        DataArray. Of a HyperSpy signal or a file give ``open_spectra(signal)``.
    numbers
        The labels to sum over. By default all, which is known of labels in memory only;
        :meth:`pspy_dask.Particles.sum_spectra` takes those of a list of particles.
    signal_axes
        The other axes, by position or name. By default those of a DataArray that the labels have
        not, else those left before or after the shape of the labels.

    Returns
    -------
    xarray.DataArray
        Lazy, of axes ``label`` and those of the signal with their coordinates, in the units of
        the spectra. Integers add in int64 (uint64 in uint64), exactly; floats in float64.

    Raises
    ------
    TypeError
        The spectra are a signal or a path, or no real numbers.
    OverflowError
        On computing, where the sum of integers does not fit its type.
    ValueError
        Labels that are not integers, have frames, or do not fit the spectra; axes that are
        ambiguous; lazy labels without ``numbers``; numbers that are not positive or come twice.

    Notes
    -----
    Every chunk of the spectra is read once, whichever axes it is cut along, with the labels that
    belong to it; of spectra read at random, chunks without any of the labels are not read at all.
    A partial result holds the labels that its chunks have times a chunk of the signal axes, 8
    bytes each, for 64-bit integers 16; for floats some 40, more the wider they range, since
    their sums are kept exactly and rounded once at the end. The last ones hold all ``numbers`` at
    once: for very many labels cut the signal axes finely. Values that are not finite do not count.

    Examples
    --------
    >>> labels = np.array([[1, 1, 0], [0, 0, 3]])
    >>> counts = np.arange(12).reshape(2, 3, 2)
    >>> sums = sum_spectra(labels, counts)
    >>> sums.dims, sums.label.values.tolist(), sums.values.tolist()
    (('label', 'signal'), [1, 3], [[2, 4], [10, 11]])
    """
    image = _plane(as_labels(labels))
    cube = _as_cube(spectra)
    spatial = _spatial(image, cube, signal_axes, named=isinstance(spectra, xr.DataArray))
    which = _numbers(labels if numbers is None else numbers, given=numbers is not None)
    for dim, axis in zip(image.dims, spatial, strict=True):
        if image.sizes[dim] != cube.shape[axis]:
            raise ValueError(
                f"the labels have {image.sizes[dim]} pixels along {dim} and the spectra "
                f"{cube.shape[axis]}: give labels and spectra of the same pixels"
            )
    dtype = sum_type(cube.dtype)
    data = sum_over_space(
        image.data,
        cube.data,
        SumLabels(which, dtype),
        spatial=spatial,
        rows=len(which),
        dtype=dtype,
    )
    dims = [d for k, d in enumerate(cube.dims) if k not in spatial]
    coords = {name: c for name, c in cube.coords.items() if set(c.dims) <= set(dims)}
    coords["label"] = xr.DataArray(which, dims="label")
    result = named_array(data, coords, ("label", *dims), name=cube.name, attrs=cube.attrs)
    if isinstance(spectra, xr.DataArray):
        return result
    ends = [f"_{k}" for k in range(len(dims))] if len(dims) > 1 else [""]
    return result.rename({d: f"signal{end}" for d, end in zip(dims, ends, strict=False)})


def _plane(labels: xr.DataArray) -> xr.DataArray:
    if has_frames(labels):
        raise ValueError(
            "the labels are a series, whose numbers mean others in each frame: give one frame, "
            "such as labels.isel(t=0)"
        )
    return labels if "z" in spatial_axes(labels) or "z" not in labels.dims else labels.isel(z=0)


def _as_cube(spectra: Any) -> xr.DataArray:
    if not isinstance(spectra, xr.DataArray):
        if not hasattr(spectra, "shape") or not hasattr(spectra, "dtype"):
            raise TypeError(
                f"{type(spectra).__name__} is not an array: open files and signals of HyperSpy "
                "first, as in sum_spectra(labels, open_spectra(signal))"
            )
        dims = [f"axis_{k}" for k in range(len(spectra.shape))]
        cube = xr.DataArray(lazy_cube(spectra), dims=dims, name="spectra")
    else:
        cube = spectra.rename(own_name(spectra)).copy(data=lazy_cube(spectra.data))
    if cube.dtype.kind not in "biuf":
        raise TypeError(f"spectra of type {cube.dtype} are not real numbers: convert them")
    if any(np.isnan(n) for n in cube.shape):
        raise ValueError(
            "the spectra have chunks of unknown length: call compute_chunk_sizes() on the dask "
            "array"
        )
    return cube


def _spatial(
    labels: xr.DataArray, cube: xr.DataArray, signal_axes: SignalAxes | None, *, named: bool
) -> tuple[int, ...]:
    """Return for each axis of the labels which axis of the cube it is."""
    names = list(map(str, cube.dims))
    if signal_axes is not None:
        signal = _positions(names, signal_axes)
        spatial = tuple(k for k in range(cube.ndim) if k not in signal)
        if len(spatial) != labels.ndim:
            raise ValueError(
                f"signal axes {signal_axes!r} leave {len(spatial)} axes of the spectra for the "
                f"{labels.ndim} of the labels: name all others"
            )
        return spatial
    if named and set(labels.dims) <= set(cube.dims):
        return tuple(names.index(str(d)) for d in labels.dims)
    return _by_shape(labels.shape, cube.shape)


def _by_shape(space: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    n = len(space)
    leads, ends = shape[:n] == space, shape[-n:] == space
    if not (leads or ends):
        raise ValueError(
            f"spectra of shape {shape} neither begin nor end with the shape {space} of the "
            "labels: give those of the same pixels"
        )
    if leads and ends and len(shape) > n:
        raise ValueError(
            f"spectra of shape {shape} both begin and end with the shape {space} of the labels: "
            "name the others with signal_axes="
        )
    return tuple(range(n)) if leads else tuple(range(len(shape) - n, len(shape)))


def _positions(names: list[str], axes: SignalAxes) -> set[int]:
    several: Sequence[Hashable] = [axes] if isinstance(axes, int | str) else list(axes)
    result = set()
    for axis in several:
        if isinstance(axis, str) and axis in names:
            result.add(names.index(axis))
        elif isinstance(axis, int) and -len(names) <= axis < len(names):
            result.add(axis % len(names))
        else:
            raise ValueError(f"the spectra have no axis {axis!r}: they have {', '.join(names)}")
    return result


def _numbers(values: Any, *, given: bool) -> NDArray[np.int64]:
    """Return the labels asked for, or all of labels in memory."""
    if not given:
        values = values.data if isinstance(values, xr.DataArray) else values
        if not isinstance(values, np.ndarray):
            raise ValueError(
                "which labels there are is not known before they are computed: give "
                "numbers=range(1, n + 1), or use the method of a list of particles"
            )
        found: NDArray[Any] = np.unique(values)
        which = found[found != 0]
    else:
        which = np.asarray(list(values))
    if which.size and (which.dtype.kind not in "iu" or which.min() < 1):
        raise ValueError("numbers must be those of labels: give integers of at least 1")
    if np.unique(which).size != which.size:
        raise ValueError("some of the numbers come twice: give each label once")
    numbers: NDArray[np.int64] = which.astype(np.int64)
    return numbers
