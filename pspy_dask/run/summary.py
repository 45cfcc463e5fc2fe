"""What a report says in figures and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, prod

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from pspy_dask.blocks.images import axis_units, pixel_size, spatial_axes
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.run.wording import (
    in_micrometres,
    is_calibrated,
    number,
    percent,
    say_length,
    short_unit,
    titled,
    with_unit,
)
from pspy_dask.segmentation.watershed import beyond_the_budget

#: What stands where a length has no unit.
NO_UNIT = "(no unit)"

_QUANTILES = {"min": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95}


@dataclass(frozen=True)
class Figure:
    """A number that a reader looks for first: what it is, its value, and a remark."""

    name: str
    value: str
    remark: str = ""


@dataclass(frozen=True)
class Geometry:
    """Sizes and calibration of an image without its time axis."""

    sizes: dict[str, int]
    steps: dict[str, float]
    units: dict[str, str]
    frames: int

    @classmethod
    def of(cls, image: xr.DataArray) -> Geometry:
        """Return the geometry of an image."""
        dims = spatial_axes(image)
        steps, units = pixel_size(image), axis_units(image)
        return cls(
            {d: int(image.sizes[d]) for d in dims},
            {d: abs(steps[d]) for d in dims},
            {d: units[d] for d in dims},
            int(image.sizes.get("t", 1)),
        )

    @property
    def volume(self) -> bool:
        """Whether particles are bodies rather than areas."""
        return len(self.sizes) == 3

    @property
    def calibrated(self) -> bool:
        """Whether every axis has a pixel size, be it without a unit."""
        return all(is_calibrated(self.units[d]) or self.steps[d] != 1 for d in self.sizes)

    @property
    def unitless(self) -> bool:
        """Whether an axis has a pixel size of which nothing says in what unit."""
        return not all(self.units.values())

    @property
    def pixels(self) -> str:
        """The shape in words, frames first where there are several."""
        shape = " × ".join(f"{n:,}" for n in self.sizes.values())
        return shape + (f", {self.frames:,} frames" if self.frames > 1 else "")

    @property
    def extent(self) -> str:
        """The physical size in words."""
        lengths = [_length(self.sizes[d] * self.steps[d], self.units[d]) for d in self.sizes]
        return " × ".join(lengths) if self.calibrated else "not calibrated"

    @property
    def pitch(self) -> str:
        """The pixel size in words."""
        if not self.calibrated:
            return "not calibrated"
        lengths = [f"{s:.4g} {short_unit(self.units[d]) or NO_UNIT}" for d, s in self.steps.items()]
        return lengths[0] if len(set(lengths)) == 1 else " × ".join(lengths)

    def field(self) -> tuple[float, str] | None:
        """Return the area or volume of all frames in µm² or µm³, None where it has no meaning."""
        scales = [in_micrometres(unit) for unit in self.units.values()]
        if any(s is None for s in scales):
            return None
        sides = [n * p for n, p in zip(self.sizes.values(), self.steps.values(), strict=True)]
        size = prod(sides) * prod(s or 0.0 for s in scales) * self.frames
        return size, "µm³" if self.volume else "µm²"


@dataclass(frozen=True)
class Flooding:
    """Components that a watershed flooded window by window, in all frames together.

    Attributes
    ----------
    watershed_budget
        Pixels of the largest bounding box that is flooded in one piece.
    giant_components
        Number of larger components.
    seam_disagreement
        Share of the pixels beside seams of their windows about which two windows disagree; of a
        series the share of the worst frame.
    """

    watershed_budget: int
    giant_components: int
    seam_disagreement: float

    @classmethod
    def of(cls, budget: int, giants: ArrayLike, disagreement: ArrayLike) -> Flooding:
        """Return the flooding of an image or of the frames of a series."""
        return cls(int(budget), int(np.sum(giants)), float(np.max(disagreement)))

    def notes(self) -> list[str]:
        """Say what is in doubt, if anything is."""
        if not self.giant_components:
            return []
        share = percent(self.seam_disagreement)
        return [
            f"{beyond_the_budget(self.giant_components, self.watershed_budget)}. Two windows "
            f"disagree about {share} of the pixels beside their seams."
        ]


def diameter_unit(table: pd.DataFrame, geometry: Geometry) -> str:
    """Return the unit of the table's equivalent diameters."""
    stated = table.attrs.get("units", {}).get("equivalent_diameter")
    return short_unit(geometry.units["x"] if stated is None else str(stated))


def headline(table: pd.DataFrame, geometry: Geometry) -> list[Figure]:
    """Return the figures at the head of the page."""
    unit, diameters = diameter_unit(table, geometry), table["equivalent_diameter"]
    per_frame = f"{len(table) / geometry.frames:,.1f} a frame" if geometry.frames > 1 else ""
    spread = f"± {with_unit(number(float(diameters.std())), unit)} (standard deviation)"
    quartiles = [number(float(diameters.quantile(q))) for q in (0.25, 0.75)] if len(table) else []
    figures = [Figure("Particles", f"{len(table):,}", per_frame)]
    if len(table):
        mean, median = (number(float(v)) for v in (diameters.mean(), diameters.median()))
        remark = spread if len(table) > 1 else ""
        figures += [
            Figure("Mean diameter", with_unit(mean, unit), remark),
            Figure(
                "Median diameter",
                with_unit(median, unit),
                f"quartiles {with_unit(' to '.join(quartiles), unit)}",
            ),
        ]
    what = "Volume filled" if geometry.volume else "Area covered"
    figures.append(Figure(what, percent(covered(table, geometry)), _of_what(geometry)))
    figures += _density(table, geometry)
    figures.append(Figure("Image", geometry.pixels, geometry.extent))
    figures.append(Figure("Pixel size", geometry.pitch, ""))
    return figures


def covered(table: pd.DataFrame, geometry: Geometry) -> float:
    """Return the share of all pixels that belongs to particles."""
    return float(table["area_px"].sum()) / (prod(geometry.sizes.values()) * geometry.frames)


def statistics(table: pd.DataFrame, geometry: Geometry) -> list[tuple[str, list[str]]]:
    """Return rows of a property and its quantiles, extremes and mean; the first is the head."""
    unit = diameter_unit(table, geometry)
    area_unit = str(table.attrs.get("units", {}).get("area", ""))
    names = {
        "equivalent_diameter": titled("Equivalent diameter", unit),
        "area": _area_name(geometry, area_unit),
        "area_px": f"{'Volume' if geometry.volume else 'Area'} (pixels)",
        "intensity_mean": "Mean intensity (counts)",
    }
    if not geometry.calibrated:
        del names["area"]
    rows = [("", [*_QUANTILES, "max", "mean", "SD"])]
    for column, name in names.items():
        if column in table and len(table):
            values = table[column].astype(float)
            spread = float(values.std()) if len(table) > 1 else nan
            known = [*(float(values.quantile(q)) for q in _QUANTILES.values())]
            rows.append((name, [number(v) for v in (*known, values.max(), values.mean(), spread)]))
    return rows


def notes(
    table: pd.DataFrame,
    geometry: Geometry,
    parameters: SegmentationParameters,
    *,
    missing: float,
    flat: bool,
    classified: bool = False,
) -> list[str]:
    """Return what a reader should know before trusting the figures."""
    found = []
    share = covered(table, geometry)
    if table.empty:
        found.append(_nothing_found(parameters, classified=classified))
    elif share > 0.5 and classified:
        found.append(
            f"Particles cover {percent(share)} of the image: check that the class is the right one."
        )
    elif share > 0.5:
        found.append(
            f"Particles cover {percent(share)} of the image. If the background was taken for "
            f"particles, segment again with invert={not parameters.invert}."
        )
    elif len(table) > 20 and float((table["area_px"] < 10).mean()) > 0.3:
        found.append(
            f"{100 * float((table['area_px'] < 10).mean()):.0f} % of the particles have fewer than "
            "10 pixels and may be noise: smooth more (gaussian=2) or set min_size."
        )
    if missing:
        found.append(
            f"{percent(missing)} of the pixels of the overview have no finite value; such "
            "pixels are background and do not count in intensities."
        )
    if flat:
        found.append(
            "The pixels of the overview are all alike: check that the right image was opened."
        )
    if not geometry.calibrated:
        found.append("The image has no pixel size: lengths and areas are in pixels.")
    elif geometry.unitless:
        found.append(
            "The image has a pixel size without a unit: lengths and areas are in multiples of "
            "that unit, which only you know."
        )
    return found


def _nothing_found(parameters: SegmentationParameters, *, classified: bool) -> str:
    other = "li" if parameters.threshold != "li" else "otsu"
    ways = ["another class"] if classified else [f"another threshold (threshold={other!r})"]
    if not classified:
        ways.append(f"invert={not parameters.invert} if particles are {_shade(parameters)}")
    ways += [f"a smaller min_size (now {parameters.min_size})"] if parameters.min_size else []
    ways += ["clear_border=False to keep particles at the edge"] if parameters.clear_border else []
    first = f"{', '.join(ways[:-1])} or " if ways[1:] else ""
    return f"No particles were found. Try {first}{ways[-1]}."


def _shade(parameters: SegmentationParameters) -> str:
    return "brighter than the background" if parameters.invert else "darker than the background"


def _of_what(geometry: Geometry) -> str:
    return "of all frames" if geometry.frames > 1 else "of the image"


def _density(table: pd.DataFrame, geometry: Geometry) -> list[Figure]:
    field = geometry.field()
    if field is None:
        return []
    return [Figure("Number density", f"{number(len(table) / field[0])} / {field[1]}", "")]


def _area_name(geometry: Geometry, unit: str) -> str:
    for name in sorted(filter(None, set(geometry.units.values())), key=len, reverse=True):
        unit = unit.replace(name, short_unit(name))
    shown = unit.replace("^2", "²").replace("^3", "³")
    return titled("Volume" if geometry.volume else "Area", shown)


def _length(length: float, unit: str) -> str:
    return say_length(length, unit) if unit else f"{number(length)} {NO_UNIT}"
