"""Microscopes' own formats through RosettaSciIO, and HyperSpy signals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import rsciio
import xarray as xr

from pspy_dask.io.axes import Axis, Wanted, image_of
from pspy_dask.io.units import readable, short_unit

_SPATIAL = ("z", "y", "x")


def known_suffixes() -> tuple[str, ...]:
    """Return the endings of the files that RosettaSciIO reads, in lower case."""
    endings = {e.lower() for plugin in rsciio.IO_PLUGINS for e in plugin["file_extensions"]}
    return tuple(sorted(f".{e}" for e in endings))


def is_signal(source: Any) -> bool:
    """Whether this is a HyperSpy signal, lazy or not."""
    return hasattr(source, "axes_manager") and hasattr(source, "data")


def open_signal(signal: Any, wanted: Wanted) -> xr.DataArray:
    """Return the image in a HyperSpy signal."""
    axes = [axis.get_axis_dictionary() for axis in signal.axes_manager._axes]
    for axis, own in zip(axes, signal.axes_manager._axes, strict=True):
        axis["size"], axis["navigate"] = own.size, own.navigate
    title = str(signal.metadata.get_item("General.title", "") or "signal")
    return _image({"data": signal.data, "axes": axes}, wanted, f"signal {title!r}", title, None)


def open_microscopy(path: Path, wanted: Wanted) -> xr.DataArray:
    """Return the image in a file that RosettaSciIO reads.

    Of a file with several signals it is the only one with an image, or the one that ``channel``
    names, by number among the images or by title.
    """
    signals = [s for s in read_signals(path) if _is_image(s)]
    if not signals:
        raise ValueError(f"{path} holds no image: it may hold spectra or metadata only")
    titles = [str(s.get("metadata", {}).get("General", {}).get("title", "")) for s in signals]
    chosen, rest = _choose(signals, titles, wanted, path)
    return _image(chosen, rest, str(path), path.stem, str(path))


def read_signals(path: Path) -> list[dict[str, Any]]:
    """Return the signals of a file; several formats may share an ending."""
    ending = path.suffix.lower().removeprefix(".")
    plugins = [p for p in rsciio.IO_PLUGINS if ending in [e.lower() for e in p["file_extensions"]]]
    reasons = []
    for plugin in plugins:
        try:
            signals: list[dict[str, Any]] = import_module(plugin["api"]).file_reader(
                str(path), lazy=True
            )
        except Exception as error:  # whatever a foreign reader makes of a foreign file
            reasons.append(f"{plugin['name']}: {error}")
        else:
            return signals
    raise ValueError(f"{path} cannot be read ({'; '.join(reasons)}): is it damaged?")


def _choose(
    signals: Sequence[dict[str, Any]], titles: Sequence[str], wanted: Wanted, path: Path
) -> tuple[dict[str, Any], Wanted]:
    if len(signals) == 1:
        return signals[0], wanted
    listed = ", ".join(f"{k} ({title})" for k, title in enumerate(titles))
    if wanted.channel is None:
        raise ValueError(
            f"{path} holds {len(signals)} images: choose one with channel= (--channel) of {listed}"
        )
    at = titles.index(wanted.channel) if wanted.channel in titles else wanted.channel
    if isinstance(at, str) or not 0 <= at < len(signals):
        raise ValueError(f"{path} holds no image {wanted.channel!r}: choose one of {listed}")
    return signals[at], wanted._replace(channel=None)


def _is_image(signal: Mapping[str, Any]) -> bool:
    shown = [a for a in signal["axes"] if not a.get("navigate", False)]
    return len(shown) >= 2 or (not shown and len(signal["axes"]) >= 2)


def _image(
    signal: Mapping[str, Any], wanted: Wanted, what: str, name: str, source: str | None
) -> xr.DataArray:
    data = signal["data"]
    axes = _axes(signal["axes"], what, strict=wanted.axes is None)
    if data.dtype.names:  # HyperSpy keeps RGB as a structured type
        names = list(data.dtype.names)
        index = wanted.channel
        if index is None:
            raise ValueError(
                f"{what} has {len(names)} channels (RGB): choose one, for example channel=0 "
                f"(--channel 0), of {', '.join(names)}"
            )
        data = data[names[index] if isinstance(index, int) else index]
        wanted = wanted._replace(channel=None)
    if not hasattr(data, "dask"):
        data = np.asarray(data)
    return image_of(data, axes, wanted, what=what, name=name, source=source)


def _axes(described: Sequence[Mapping[str, Any]], what: str, *, strict: bool) -> list[Axis]:
    """Return the axes by name: the last two shown are y and x, one before them is z or t."""
    shown = [k for k, a in enumerate(described) if not a.get("navigate", False)]
    last = shown[-2:] if len(shown) >= 2 else [len(described) - 2, len(described) - 1]
    axes: list[Axis] = []
    for k, axis in enumerate(described):
        own = str(axis.get("name") or "").lower()
        name = "yx"[last.index(k)] if k in last else ("z" if own in ("z", "height") else "t")
        if strict and k not in last and axis["size"] > 1 and name in [a.name for a in axes]:
            raise ValueError(
                f"{what} has {len(described)} axes, more than an image: select along "
                f"{own or 'the first'} first"
            )
        if k not in last and axis["size"] == 1:
            name = f"_{k}"
        step, unit = float(axis.get("scale") or 1.0), short_unit(axis.get("units"))
        offset = float(axis.get("offset") or 0.0)
        if name in _SPATIAL and step > 0:
            tidy, unit = readable(step, unit)
            offset, step = offset * (tidy / step), tidy
        axes.append(Axis(name, int(axis["size"]), step, unit, offset))
    return axes
