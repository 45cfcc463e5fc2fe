"""Lengths, parameters and methods in the words of a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, isfinite, log10

from pspy_dask.parameters import GLOBAL_METHODS, SegmentationParameters

# Every metric length that images are calibrated in, with its short name and its metres.
_METRIC: Mapping[str, tuple[str, float]] = {
    "pm": ("pm", 1e-12),
    "picometer": ("pm", 1e-12),
    "Å": ("Å", 1e-10),
    "A": ("Å", 1e-10),
    "angstrom": ("Å", 1e-10),
    "nm": ("nm", 1e-9),
    "nanometer": ("nm", 1e-9),
    "µm": ("µm", 1e-6),
    "μm": ("µm", 1e-6),
    "um": ("µm", 1e-6),
    "micron": ("µm", 1e-6),
    "micrometer": ("µm", 1e-6),
    "mm": ("mm", 1e-3),
    "millimeter": ("mm", 1e-3),
    "m": ("m", 1.0),
    "meter": ("m", 1.0),
}
_LADDER = ("mm", "µm", "nm", "pm")
_NO_UNIT = ("", "px", "pixel", "pixels")

MEANINGS: Mapping[str, str] = {
    "threshold": "how the grey level that separates particles from background is found",
    "rolling_ball": "side of the footprint that removes the background, pixels (0: not removed)",
    "gaussian": "standard deviation of the Gaussian smoothing, pixels (0: not smoothed)",
    "local_size": "side of the neighbourhood of a local threshold (of local Otsu the diameter of "
    "a disk), pixels",
    "invert": "particles are darker than the background",
    "min_size": "smallest number of pixels of a particle",
    "clear_border": "particles cut by the edge of the image are left out",
    "threshold_over": "a series has a threshold for each frame, or one for all",
    "watershed": "touching particles are separated by a watershed",
    "watershed_separation": "side of the footprint in which there is one marker, pixels "
    "(automatic: the diameter of a disk of min_size pixels, or 20)",
    "watershed_erosion": "erosion of the foreground before the watershed, pixels",
    "watershed_budget": "pixels of the bounding box above which a component is flooded window by "
    "window (automatic: by the memory of a worker)",
    "watershed_exact": "components beyond the budget are refused",
}

_METHOD_NAMES: Mapping[str, str] = {
    "otsu": "Otsu's global threshold",
    "mean": "the mean grey level as threshold",
    "minimum": "the minimum-between-modes threshold",
    "yen": "Yen's threshold",
    "isodata": "the ISODATA threshold",
    "li": "Li's minimum cross-entropy threshold",
    "triangle": "the triangle threshold",
    "local": "a local Gaussian-weighted mean threshold",
    "local_otsu": "local Otsu thresholds",
    "lg_otsu": "combined local and global Otsu thresholds",
    "niblack": "Niblack's local threshold",
    "sauvola": "Sauvola's local threshold",
}


def is_calibrated(unit: str) -> bool:
    """Whether lengths in this unit mean something outside the image."""
    return unit not in _NO_UNIT


def short_unit(unit: str) -> str:
    """Return the symbol of a unit, none where there is no unit.

    >>> short_unit("nanometer"), short_unit("pixel"), short_unit("1/nm"), short_unit("")
    ('nm', 'px', '1/nm', '')
    """
    if unit in _METRIC:
        return _METRIC[unit][0]
    return unit if is_calibrated(unit) or not unit else "px"


def with_unit(figure: str, unit: str) -> str:
    """Return a figure with its unit behind it, if it has one."""
    return f"{figure} {unit}" if unit else figure


def titled(name: str, unit: str) -> str:
    """Return the name of a quantity with its unit in brackets, if it has one."""
    return f"{name} ({unit})" if unit else name


def in_micrometres(unit: str) -> float | None:
    """Return how many micrometres the unit is, None where it is no metric length."""
    return _METRIC[unit][1] / 1e-6 if unit in _METRIC else None


def round_length(length: float) -> float:
    """Return the largest of 1, 2, 5, 10, ... that is not longer.

    >>> round_length(340.0), round_length(0.07)
    (200.0, 0.05)
    """
    power = 10.0 ** floor(log10(length))
    best = max((m for m in (1, 2, 5) if m * power <= length * (1 + 1e-9)), default=1)
    return float(f"{best * power:.6g}")


def say_length(length: float, unit: str) -> str:
    """Return a length with the unit that keeps its number short.

    >>> say_length(2048.0, "nm"), say_length(0.5, "nanometer"), say_length(4096, "px")
    ('2.05 µm', '0.5 nm', '4,096 px')
    """
    if unit not in _METRIC:
        return with_unit(number(length), short_unit(unit))
    symbol, metres = _METRIC[unit]
    if symbol in _LADDER and length and not 0.1 <= abs(length) < 1000:
        sized = [(s, length * metres / _METRIC[s][1]) for s in _LADDER]
        symbol, length = next(((s, v) for s, v in sized if abs(v) >= 1), sized[-1])
    return f"{number(length)} {symbol}"


def number(value: float) -> str:
    """Return a number of three or four digits, thousands apart, as a table shows it.

    >>> number(12345.6), number(3.14159), number(0.00012345), number(float("nan"))
    ('12,346', '3.14', '1.23e-04', '–')
    """
    if not isfinite(value):
        return "–"
    if value == 0 or abs(value) >= 1000 or (value == int(value) and abs(value) < 1e15):
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3e}"
    if abs(value) < 1e-3:
        return f"{value:.2e}"
    digits = max(0, 2 - floor(log10(abs(value))))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"


def percent(share: float) -> str:
    """Return a share as a percentage of three digits.

    >>> percent(1.0), percent(0.12345), percent(0.00012)
    ('100 %', '12.3 %', '0.012 %')
    """
    return f"{number(100 * share)} %"


def say_thresholds(thresholds: Sequence[float]) -> str:
    """Return the threshold, or the range of those of a series."""
    known = [t for t in thresholds if isfinite(t)]
    if not known:
        return "one for each pixel" if not thresholds else "none: no pixel has a finite value"
    if len(thresholds) == 1:
        return f"{known[0]:,.6g}"
    mean = sum(known) / len(known)
    return f"{min(known):,.6g} to {max(known):,.6g} (mean {mean:,.6g}, {len(thresholds)} frames)"


def methods(
    parameters: SegmentationParameters,
    thresholds: Sequence[float],
    *,
    classified: str | None = None,
    particles: str | None = None,
    version: str,
    image: str,
    volume: bool,
    result: str,
) -> str:
    """Return a paragraph for the methods section of a paper.

    ``classified`` says how pixels were told apart, ``particles`` which of them were taken.
    """
    p = parameters
    steps = _foreground(p, thresholds, volume) if classified is None else [classified]
    dropped = [f"smaller than {p.min_size} pixels"] if p.min_size else []
    dropped += ["that touch the edge of the image"] if p.clear_border else []
    corners = "26-connected in the volume" if volume else "8-connected"
    kept = f"; those {' or '.join(dropped)} were left out" if dropped else ""
    splits = getattr(p, "watershed", False)
    parts = ", touching ones being separated by a watershed of the distance map" if splits else ""
    taken = "foreground pixels" if particles is None else f"pixels of {particles}"
    return (
        f"Images were segmented with pspy_dask {version}: {image} was {_list(steps)}. "
        f"Connected {taken} ({corners}) were taken as particles{parts}{kept}. {result}"
    )


def _foreground(
    parameters: SegmentationParameters, thresholds: Sequence[float], volume: bool
) -> list[str]:
    """Return what was done to the image until it was binary."""
    p = parameters
    steps = ["inverted"] if p.invert else []
    if p.rolling_ball:
        side = f"{p.rolling_ball}-pixel {'cubic' if volume else 'square'}"
        steps.append(f"freed of background by a white top-hat with a {side} footprint")
    if p.gaussian:
        steps.append(f"smoothed with a Gaussian (σ = {p.gaussian:g} px)")
    steps.append(
        f"binarised with {_METHOD_NAMES.get(p.threshold, p.threshold)}{_level(p, thresholds)}"
    )
    return steps


def _level(parameters: SegmentationParameters, thresholds: Sequence[float]) -> str:
    if parameters.threshold not in GLOBAL_METHODS:
        return f" (neighbourhood {parameters.local_size} px)"
    return f" (level {say_thresholds(thresholds)})" if thresholds else ""


def _list(words: Sequence[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), words[-1]])
