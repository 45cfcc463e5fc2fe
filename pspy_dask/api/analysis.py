"""ParticleSpy's analysis of particles, over the engine's recipe and table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.api.one_particle import particle
from pspy_dask.api.particle_lists import particle_list, table_of
from pspy_dask.api.segment_parameters import parameters as Parameters  # noqa: N812
from pspy_dask.api.spectra import add_spectra
from pspy_dask.blocks.images import pixel_size
from pspy_dask.io.microscopy import is_signal
from pspy_dask.io.particlespy_files import PlacedMask, read_particles, user_file
from pspy_dask.io.signals import cut_signal, open_as_stated
from pspy_dask.particles.linking import link
from pspy_dask.particles.particle import Particle
from pspy_dask.particles.particle_list import Particles
from pspy_dask.particles.particlespy_names import MEASURED, particlespy_table
from pspy_dask.run.particles import find_particles
from pspy_dask.run.value_pieces import label_pieces


def particle_analysis(
    acquisition: Any,
    parameters: Parameters,
    particles: particle_list | None = None,
    mask: Any = None,
) -> particle_list:
    """Segment an image and return the list of its particles with ParticleSpy's properties.

    Parameters
    ----------
    acquisition
        A HyperSpy signal, lazy or not, a NumPy, dask or Zarr array or a DataArray; or a list of
        the image and of spectrum images of the same pixels, whose spectra particles are given.
    parameters
        The recipe, and what particles keep.
    particles
        A list that the particles are added to.
    mask
        Particles segmented before: booleans, or numbers, of which connected pixels of the same
        number are a particle; ``"UI"`` for what the Segmentation UI saved. None, or an array of
        one element, segments the image.

    Returns
    -------
    particle_list
        Computed. Masks and images of particles are read when they are asked for.

    Raises
    ------
    ValueError, TypeError, FileNotFoundError
        An image, mask or parameter that cannot be taken; no mask was saved.

    Examples
    --------
    >>> image = np.zeros((9, 9))
    >>> image[2:5, 2:6] = 1
    >>> params = Parameters()
    >>> params.generate()
    >>> found = particle_analysis(image, params)
    >>> found.list[0].properties["area"]
    {'value': 12.0, 'units': 'px^2'}
    """
    several = isinstance(acquisition, list | tuple)
    first = acquisition[0] if several else acquisition
    image = open_as_stated(first)
    _check_plane(image)
    labels = None if _is_none(mask) else label_pieces(_mask(mask), image)
    found = _found(image, parameters, labels)
    added = _particles(found, first, parameters)
    if several:
        add_spectra(added, found, acquisition[1:], parameters)
    return _joined(particles, added)


def particle_analysis_series(
    image_series: Any, parameters: Parameters, particles: particle_list | None = None
) -> particle_list:
    """Return the particles of all images of a series, each with its ``frame``.

    Parameters
    ----------
    image_series
        A HyperSpy signal, an array or a DataArray of shape ``(t, y, x)``, each frame of which has
        its own threshold; or a list of whatever `particle_analysis` takes.
    parameters, particles
        As in `particle_analysis`.
    """
    result = particle_list() if particles is None else particles
    if isinstance(image_series, list | tuple):
        for frame, acquisition in enumerate(image_series):
            for own in particle_analysis(acquisition, parameters):
                own.set_property("frame", frame, None)
                result.append(own)
        return result
    named = is_signal(image_series) or isinstance(image_series, xr.DataArray)
    image = open_as_stated(image_series, axes=None if named else "tyx")
    if image.dims != ("t", "y", "x"):
        raise ValueError(f"the series has axes {image.dims}: give (t, y, x), or a list of images")
    return _joined(result, _particles(_found(image, parameters, None), image_series, parameters))


def time_series_analysis(
    particles: particle_list,
    max_dist: float = 1,
    memory: int = 3,
    properties: str | Sequence[str] = ("area",),
) -> pd.DataFrame:
    """Return the trajectories of the particles of a series, as trackpy has them.

    Parameters
    ----------
    particles
        As `particle_analysis_series` returns them.
    max_dist
        The farthest a particle may move from one frame to the next, in the units of the image.
    memory
        For how many frames it may be missing.
    properties
        Name or names of properties to be told beside.

    Returns
    -------
    pandas.DataFrame
        A row a particle and frame: ``y``, ``x``, the properties, ``frame``, and ``particle``, the
        number of the trajectory, from 0.

    Raises
    ------
    ValueError
        A particle lacks a property, or has no frame.
    """
    asked = [properties] if isinstance(properties, str) else properties
    names = list(dict.fromkeys(["y", "x", *asked, "frame"]))
    table = table_of(particles.list, names)
    if table["frame"].isna().any():
        raise ValueError("particles have no frame: find them with particle_analysis_series")
    placed = table.assign(label=range(len(table)), centroid_y=table["y"], centroid_x=table["x"])
    placed = placed.astype({"frame": np.int64})
    placed.attrs = {}
    linked = link(placed, distance=max_dist, memory=memory)
    return table.assign(frame=placed["frame"], particle=np.asarray(linked["particle"]) - 1)


def load(filename: str | Path) -> particle_list:
    """Return the particles of a file that `particle_list.save`, or ParticleSpy, wrote."""
    result = particle_list()
    for stored in read_particles(filename):
        own = particle()
        for name, (value, units) in stored.properties.items():
            own.set_property(name, value, units)
        own.set_mask(stored.mask)
        if stored.background is not None:
            own.background = stored.background
        if stored.image is not None:
            own.store_im(xr.DataArray(stored.image, dims=("y", "x")))
        result.append(own)
    return result


def _found(image: xr.DataArray, asked: Parameters, labels: xr.DataArray | None) -> Particles:
    recipe = asked.recipe() if labels is None else None
    return find_particles(image, recipe, labels=labels, properties=MEASURED)


def _particles(found: Particles, acquisition: Any, asked: Parameters) -> list[particle]:
    """Return ParticleSpy's particles of those found."""
    image = found.pictures[0].require_image()
    table = particlespy_table(found.table, pixel_size(image))
    units = table.attrs["units"]
    rows = table.to_dict("records")
    made = [_particle(own, row, units) for own, row in zip(found, rows, strict=True)]
    if asked.store["store_im"]:
        store = asked.store
        for own, one in zip(found, made, strict=True):
            one.store_im(partial(_picture, own, acquisition, store["pad"], store["p_only"]))
    return made


def _particle(own: Particle, values: Mapping[Any, Any], units: dict[str, str | None]) -> particle:
    made = particle()
    for name, value in values.items():
        made.set_property(name, value, units[name])
    made.set_property("frame", own.frame, None)
    made.background = float(own.properties["local_background"])
    y0, y1, x0, x1 = _bounds(own)
    made.set_boundingbox((y0, x0, y1, x1))
    made.set_mask(partial(_placed, own))
    return made


def _bounds(own: Particle, pad: int = 0, shape: tuple[int, ...] = ()) -> tuple[int, int, int, int]:
    at = [int(own.properties[f"bbox_{axis}_px"]) for axis in ("y0", "y1", "x0", "x1")]
    y0, y1, x0, x1 = at
    if not shape:
        return y0, y1, x0, x1
    return max(y0 - pad, 0), min(y1 + pad, shape[-2]), max(x0 - pad, 0), min(x1 + pad, shape[-1])


def _placed(own: Particle) -> PlacedMask:
    y0, _, x0, _ = _bounds(own)
    height, width = own.pictures.require_labels().shape[-2:]
    inside: NDArray[np.bool_] = np.asarray(own.mask)
    return PlacedMask((height, width), (y0, x0), inside.reshape(inside.shape[-2:]))


def _picture(own: Particle, acquisition: Any, pad: int, p_only: bool) -> Any:
    """Return the image of a particle, as its acquisition is."""
    if not is_signal(acquisition):
        return own.crop(pad, p_only=p_only).load()
    y0, y1, x0, x1 = _bounds(own, pad, own.pictures.require_labels().shape)
    frame = acquisition if own.frame is None else acquisition.inav[own.frame]
    mask = np.asarray(own.crop_mask(pad)) if p_only else None
    return cut_signal(frame, (y0, y1), (x0, x1), mask)


def _joined(particles: particle_list | None, added: Sequence[particle]) -> particle_list:
    result = particle_list() if particles is None else particles
    for own in added:
        result.append(own)
    return result


def _is_none(mask: Any) -> bool:
    return mask is None or (not isinstance(mask, str) and getattr(mask, "size", 0) == 1)


def _mask(mask: Any) -> Any:
    """Return a mask, or the one that a person drew."""
    if not (isinstance(mask, str) and mask == "UI"):
        return mask
    path = user_file("manual_mask.npy")
    if not path.is_file():
        raise FileNotFoundError(
            f"no mask was drawn in the Segmentation UI (there is no {path}): save one there, or "
            "give an array as mask"
        )
    drawn = np.load(path)
    return (drawn[..., 0] if drawn.ndim == 3 else drawn) > 0


def _check_plane(image: xr.DataArray) -> None:
    if image.squeeze().ndim != 2:
        raise ValueError(
            f"the image has axes {image.dims} of {image.shape} pixels: give one plane, or a series "
            "to particle_analysis_series"
        )
