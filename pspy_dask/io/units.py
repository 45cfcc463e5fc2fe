"""Units of length and time, written the short way."""

from __future__ import annotations

_SHORT = {
    "angstrom": "Å", "ångström": "Å", "a": "Å", "å": "Å",
    "picometer": "pm", "picometre": "pm",
    "nanometer": "nm", "nanometre": "nm", "nanometers": "nm",
    "micrometer": "µm", "micrometre": "µm", "micron": "µm", "microns": "µm",
    "um": "µm", "μm": "µm", "\\u00b5m": "µm",
    "millimeter": "mm", "millimetre": "mm", "centimeter": "cm", "meter": "m", "metre": "m",
    "nanosecond": "ns", "microsecond": "µs", "us": "µs", "μs": "µs", "millisecond": "ms",
    "second": "s", "sec": "s", "seconds": "s", "minute": "min", "hour": "h",
    "pixel": "px", "pixels": "px", "": "px", "none": "px", "<undefined>": "px", "null": "px",
}  # fmt: skip

_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "nm": 1e-9, "pm": 1e-12}
_LADDER = ("mm", "µm", "nm", "pm")


def short_unit(unit: object) -> str:
    """Return the usual short form of a unit, ``px`` where there is none; unknown ones stay.

    >>> short_unit("nanometer"), short_unit("um"), short_unit(None), short_unit("eV")
    ('nm', 'µm', 'px', 'eV')
    """
    text = str(unit if unit is not None else "").strip()
    return _SHORT.get(text.lower(), text) if text not in _METRES else text


def readable(step: float, unit: str) -> tuple[float, str]:
    """Return a pixel size in the largest unit of which it is at least 0.1.

    >>> step, unit = readable(0.0012, "µm")
    >>> f"{step:.3g} {unit}"
    '1.2 nm'
    >>> readable(0.25, "µm"), readable(3.0, "px")
    ((0.25, 'µm'), (3.0, 'px'))
    """
    if unit not in _METRES or not step > 0:
        return step, unit
    candidates = _LADDER[_LADDER.index(unit) :] if unit in _LADDER else _LADDER
    for smaller in candidates:
        scaled = step if smaller == unit else step * (_METRES[unit] / _METRES[smaller])
        if scaled >= 0.1:
            return scaled, smaller
    return step, unit
