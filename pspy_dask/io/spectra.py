"""Open spectrum images, lazily: HyperSpy signals and the files that RosettaSciIO reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from pspy_dask.blocks.spectra import lazy_cube
from pspy_dask.io.microscopy import is_signal, read_signals
from pspy_dask.io.units import readable, short_unit

_SPACE = ("z", "y", "x")


def open_spectra(source: Any, *, channel: int | str | None = None) -> xr.DataArray:
    """Return a lazy array with named axes of a signal that has more axes than space.

    Parameters
    ----------
    source
        A HyperSpy signal, lazy or not; or the path of a file that RosettaSciIO reads.
    channel
        Number or title of the signal of a file that has several of this kind.

    Returns
    -------
    xarray.DataArray
        Axes of space are z, y, x, the others have their own names in small letters; each has a
        coordinate with ``units`` and ``step``. The axes of space are those of navigation where
        there are two or more, as for EDS, EELS and 4D-STEM, else those of the signal, as for a
        stack of energy-filtered images. Pixels are read chunk by chunk where the source is lazy.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        No signal of this kind, or several and none chosen.
    TypeError
        Neither a signal nor a path.

    Examples
    --------
    >>> from types import SimpleNamespace as Like
    >>> def axis(name, size, scale, units):
    ...     described = {"name": name, "scale": scale, "units": units}
    ...     moves = name in "yx"
    ...     return Like(size=size, navigate=moves, get_axis_dictionary=lambda: described)
    >>> axes = [axis("y", 4, 2.0, "nm"), axis("x", 5, 2.0, "nm"), axis("Energy", 9, 10.0, "eV")]
    >>> signal = Like(data=np.zeros((4, 5, 9)), axes_manager=Like(_axes=axes))
    >>> spectra = open_spectra(signal)
    >>> spectra.dims, spectra.energy.values[:3].tolist(), spectra.energy.units
    (('y', 'x', 'energy'), [0.0, 10.0, 20.0], 'eV')
    """
    if is_signal(source):
        return _spectra(_described(source), str(source))
    if not isinstance(source, str | Path):
        raise TypeError(
            f"{type(source).__name__} is no signal: give a HyperSpy signal or the path of a file"
        )
    path = Path(source).absolute()
    if not path.exists():
        raise FileNotFoundError(f"no such file {source}: check the path")
    return _spectra(_choose(path, channel), str(source))


def _described(signal: Any) -> dict[str, Any]:
    """Return a signal as RosettaSciIO describes those of files."""
    axes = []
    for axis in signal.axes_manager._axes:
        own = dict(axis.get_axis_dictionary())
        axes.append({**own, "size": axis.size, "navigate": axis.navigate})
    return {"data": signal.data, "axes": axes}


def _choose(path: Path, channel: int | str | None) -> dict[str, Any]:
    found = [signal for signal in read_signals(path) if len(signal["axes"]) > 2]
    titles = [str(s.get("metadata", {}).get("General", {}).get("title", "")) for s in found]
    if not found:
        raise ValueError(f"{path} holds no spectrum image: its signals have two axes or fewer")
    listed = ", ".join(f"{k} ({title})" for k, title in enumerate(titles))
    at = titles.index(channel) if channel in titles else channel
    if at is None and len(found) > 1:
        raise ValueError(f"{path} holds several signals: choose one with channel= of {listed}")
    if isinstance(at, str) or not 0 <= (at or 0) < len(found):
        raise ValueError(f"{path} holds no signal {channel!r}: choose one of {listed}")
    return found[at or 0]


def _spectra(signal: Mapping[str, Any], what: str) -> xr.DataArray:
    axes = signal["axes"]
    moving = [k for k, axis in enumerate(axes) if axis.get("navigate", False)]
    shown = [k for k in range(len(axes)) if k not in moving]
    space = moving if len(moving) >= 2 else shown
    if not 2 <= len(space) <= 3 or len(space) == len(axes):
        raise ValueError(
            f"{what} has {len(moving)} axes of navigation and {len(shown)} of the signal: give a "
            "spectrum image, with two or three axes of space and others"
        )
    at = dict(zip(space, _SPACE[-len(space) :], strict=True))
    dims: list[str] = []
    coords = {}
    for k, axis in enumerate(axes):
        name = at.get(k) or _own_name(axis, k, dims)
        dims.append(name)
        coords[name] = _coordinate(axis, name, in_space=k in at)
    return xr.DataArray(lazy_cube(signal["data"]), coords, dims, name="spectra")


def _own_name(axis: Mapping[str, Any], k: int, taken: list[str]) -> str:
    name = str(axis.get("name") or "").lower().replace(" ", "_")
    plain = name.isidentifier() and name not in (*_SPACE, *taken, "label")
    return name if plain else f"signal_{k}"


def _coordinate(axis: Mapping[str, Any], name: str, *, in_space: bool) -> xr.Variable:
    if axis.get("axis") is not None:  # not spaced evenly
        uneven = np.asarray(axis["axis"], np.float64)
        return xr.Variable(name, uneven, {"units": short_unit(axis.get("units"))})
    step, unit = float(axis.get("scale") or 1.0), short_unit(axis.get("units"))
    offset = float(axis.get("offset") or 0.0)
    if in_space and step > 0:
        tidy, unit = readable(step, unit)
        offset, step = offset * (tidy / step), tidy
    even = offset + step * np.arange(int(axis["size"]))
    return xr.Variable(name, even, {"units": unit, "step": step})
