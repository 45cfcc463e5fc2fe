"""HyperSpy signals beside images: their own pixel size, crops, spectra and what exSpy adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.images import make_image
from pspy_dask.io.microscopy import is_signal
from pspy_dask.io.sources import open_image

Range = tuple[int, int]


def open_as_stated(source: Any, *, axes: str | None = None) -> xr.DataArray:
    """Return a lazy image in the units that a signal itself states, not in handier ones.

    >>> import numpy as np
    >>> open_as_stated(np.zeros((3, 4))).dims
    ('y', 'x')
    """
    image = open_image(source, axes=axes)
    if not is_signal(source):
        return image
    own = dict(zip(("x", "y"), source.axes_manager.signal_axes, strict=False))
    steps = {d: float(axis.scale) for d, axis in own.items()}
    units = {d: axis_unit(axis) for d, axis in own.items()}
    dims = [str(d) for d in image.dims]
    return make_image(
        image.data, dims, steps=steps, units=units, name=str(image.name), attrs=image.attrs
    )


def is_lazy(source: Any) -> bool:
    """Whether the pixels of this are read only when they are asked for."""
    if is_signal(source):
        return bool(source._lazy)
    return not isinstance(source, np.ndarray)


def plain_pixels(source: Any) -> Any:
    """Return the array that a signal holds, or what is no signal as it is."""
    return source.data if is_signal(source) else source


def cut_signal(signal: Any, y: Range, x: Range, mask: NDArray[np.bool_] | None = None) -> Any:
    """Return a part of a signal whose signal axes are those of space, in memory.

    Pixels outside the mask, where there is one, are 0.
    """
    part = signal.isig[x[0] : x[1], y[0] : y[1]].deepcopy()
    return _masked(part, mask)


def cut_map(signal: Any, y: Range, x: Range) -> Any:
    """Return a part of a map, whose axes of navigation are those of space, in memory."""
    return _masked(signal.inav[x[0] : x[1], y[0] : y[1]].deepcopy(), None)


def spectrum_of(signal: Any, values: NDArray[Any], signal_type: str) -> Any:
    """Return a signal of one spectrum with the axes and metadata of a spectrum image."""
    spectrum = _masked(signal.inav[0, 0].deepcopy(), None)
    spectrum.data = values
    spectrum.set_signal_type(signal_type)
    return spectrum


def kind_of(signal: Any) -> str:
    """Return what a signal is of: its type, and of EELS which loss its title names."""
    kind = str(signal.metadata.get_item("Signal.signal_type", "") or "")
    title = str(signal.metadata.get_item("General.title", "") or "")
    if kind == "EELS":
        ends = {"high-loss": "EELS-HL", "low-loss": "EELS-LL"}
        return next((name for words, name in ends.items() if words in title), kind)
    return kind


def line_maps(signal: Any, elements: Sequence[str] | bool) -> dict[str, Any]:
    """Return the map of each element, as exSpy integrates its X-ray lines."""
    _name_elements(signal, elements)
    return {m.metadata.Sample.elements[0]: m for m in signal.get_lines_intensity()}


def composition_of(
    spectrum: Any, method: str, factors: Sequence[float], elements: Sequence[str] | bool
) -> dict[str, Any]:
    """Return the atomic percentage of each element, as exSpy quantifies a spectrum."""
    _name_elements(spectrum, elements)
    windows = spectrum.estimate_background_windows(line_width=[5.0, 2.0])
    intensities = spectrum.get_lines_intensity(background_windows=windows)
    found = spectrum.quantification(intensities, method=method, factors=factors)
    return {each.metadata.Sample.elements[0]: each.data for each in found}


def _name_elements(signal: Any, elements: Sequence[str] | bool) -> None:
    """Tell an EDS signal which elements there are, where they are given."""
    if not hasattr(signal, "get_lines_intensity"):
        raise ImportError(
            f"a {type(signal).__name__} knows no X-ray lines: install exspy, and set the signal "
            "type to EDS_TEM"
        )
    if not isinstance(elements, bool):
        signal.set_elements(elements)
        signal.add_lines()


def boxed(image: Any, side: int) -> Any:
    """Return an image of this side with all pixels of another in the middle of their minimum.

    A signal gives a signal, an array an array. Where the middle lies between two pixels they are
    half a pixel before it.

    >>> boxed(np.array([[5, 7]]), 3).tolist()
    [[5, 5, 5], [5, 7, 5], [5, 5, 5]]
    """
    pixels = np.asarray(plain_pixels(image))
    before = [(side - n) // 2 for n in pixels.shape]
    sides = [(a, side - n - a) for a, n in zip(before, pixels.shape, strict=True)]
    padded = np.pad(pixels, sides, constant_values=pixels.min())
    if not is_signal(image):
        return padded
    same = image.deepcopy()
    same.data = padded
    for axis in same.axes_manager.signal_axes:
        axis.size = side
    return same


def _masked(signal: Any, mask: NDArray[np.bool_] | None) -> Any:
    if signal._lazy:
        signal.compute(show_progressbar=False)
    if mask is not None:
        signal.data = np.where(mask, signal.data, np.zeros((), signal.data.dtype))
    return signal


def axis_unit(axis: Any) -> str:
    """Return the unit of an axis of a signal, ``px`` where it states neither it nor a scale."""
    stated = isinstance(axis.units, str) and axis.units
    return str(stated or ("px" if axis.scale == 1 else ""))
