"""The report: one page that says what was done to an image and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import xarray as xr

from pspy_dask.blocks.images import axis_units, has_frames
from pspy_dask.io.outputs import growing_file
from pspy_dask.parameters import OBJECT_PARAMETERS, SegmentationParameters
from pspy_dask.run.charts import all_charts
from pspy_dask.run.classes import ClassStep
from pspy_dask.run.places import Place, choose_places
from pspy_dask.run.summary import Flooding, Geometry, diameter_unit, headline, notes, statistics
from pspy_dask.run.views import Overview, View, closeup, overview, plane_contrast, with_classes
from pspy_dask.run.wording import MEANINGS, methods, number, percent, say_thresholds, with_unit

#: Columns of the table that a report looks at, where there are such.
COLUMNS: tuple[str, ...] = (
    *("frame", "area", "area_px", "equivalent_diameter", "intensity_mean"),
    *(f"centroid_{d}_px" for d in "zyx"),
    *(f"bbox_{d}{end}_px" for d in "yx" for end in (0, 1)),
)


@dataclass(frozen=True)
class Classified:
    """What is told of an image whose pixels a model told apart.

    Attributes
    ----------
    step
        How that was done, and which class particles were made of.
    numbers
        The class of each pixel, lazy, best read from storage.
    table
        Number, name, colour, pixels and share of each class.
    """

    step: ClassStep
    numbers: xr.DataArray
    table: pd.DataFrame

    @property
    def particles(self) -> str:
        """The class of the particles in words."""
        number = self.step.particles or 0
        name = self.step.name_of(number)
        return name if name.endswith(f" {number}") else f"the class “{name}”"

    def rows(self) -> list[tuple[int, str, str, str, str]]:
        """Return number, name, colour, pixels and share of each class."""
        columns = ("class", "name", "color", "pixels", "share")
        return [
            (number, name, color, f"{count:,}", percent(share))
            for number, name, color, count, share in zip(
                *(self.table[column].tolist() for column in columns), strict=True
            )
        ]


@dataclass(frozen=True)
class ReportData:
    """What a report is made of.

    Attributes
    ----------
    title
        Heading of the page.
    source
        Where the image came from.
    image, labels
        Lazy pixels and their particles, of one shape; labels are best read from storage.
    table
        The particles, one row each, as :func:`pspy_dask.region_properties` gives them, of its
        columns at least ``COLUMNS``; its ``attrs["units"]`` names the units of the columns.
    parameters
        The recipe.
    classified
        What is told of the classes where a model told pixels apart; the recipe then says what
        became of the class of the particles alone.
    thresholds
        The level, or one a frame; empty for local methods.
    flooding
        What is in doubt after a watershed.
    timings
        Seconds that each stage took.
    machine
        What it ran on, in words.
    outputs
        What was written, and where.
    version
        Of pspy_dask.
    """

    title: str
    source: str
    image: xr.DataArray
    labels: xr.DataArray
    table: pd.DataFrame
    parameters: SegmentationParameters
    classified: Classified | None = None
    thresholds: list[float] = field(default_factory=list)
    flooding: Flooding | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    machine: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


def write_report(data: ReportData, path: str | PathLike[str]) -> None:
    """Write the report as one self-contained HTML file, complete or absent.

    Of the planes that are shown every n-th pixel is read, in chunks, and a few windows.

    Raises
    ------
    ValueError
        Image and labels differ in shape.
    """
    if data.image.shape != data.labels.shape:
        raise ValueError(
            f"the image has shape {data.image.shape} and the labels {data.labels.shape}: "
            "give the image that was segmented"
        )
    page = render(data)
    with growing_file(Path(path)) as partial:
        partial.write_text(page, encoding="utf-8")


def render(data: ReportData) -> str:
    """Return the page."""
    geometry = Geometry.of(data.image)
    whole = overview(data.image, data.labels)
    sizes = {str(d): int(n) for d, n in data.image.sizes.items()}
    places = choose_places(sizes, data.table)
    warnings = notes(
        data.table,
        geometry,
        data.parameters,
        missing=whole.missing,
        flat=whole.flat,
        classified=data.classified is not None,
    )
    warnings += [] if data.flooding is None else data.flooding.notes()
    seen = data.classified
    view = (
        whole.view
        if seen is None
        else with_classes(whole.view, seen.numbers, seen.step.colors(255))
    )
    return _template().render(
        data=data,
        date=datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
        figures=headline(data.table, geometry),
        notes=warnings,
        overview=view,
        closeups=_closeups(data, places, whole),
        charts=_charts(data, geometry),
        statistics=statistics(data.table, geometry),
        parameters=parameter_rows(data.parameters, classified=data.classified is not None),
        threshold=None if data.classified else say_thresholds(data.thresholds),
        timings=timing_rows(data.timings, data.image.size),
        methods=_methods(data, geometry),
        classified=data.classified,
    )


def parameter_rows(
    parameters: SegmentationParameters, *, classified: bool = False
) -> list[tuple[str, str, str]]:
    """Return the name, value and meaning of every parameter that played a part."""
    rows = []
    for entry in fields(parameters):
        if classified and entry.name not in OBJECT_PARAMETERS:
            continue
        value: Any = getattr(parameters, entry.name)
        shown = ("yes" if value else "no") if isinstance(value, bool) else f"{value}"
        shown = "automatic" if value is None else shown
        rows.append((entry.name, shown, MEANINGS.get(entry.name, "")))
    return rows


def timing_rows(timings: Mapping[str, float], pixels: int) -> list[tuple[str, str, str]]:
    """Return each stage, its seconds and its millions of pixels a second; the last is the sum.

    >>> timing_rows({"label": 2.0}, 10_000_000)
    [('label', '2.00 s', '5'), ('total', '2.00 s', '5')]
    """
    if not timings:
        return []
    rows = {**timings, "total": sum(timings.values())}
    return [
        (stage, f"{t:,.2f} s", number(pixels / 1e6 / t) if t > 0 else "–")
        for stage, t in rows.items()
    ]


def _closeups(data: ReportData, places: list[Place], whole: Overview) -> list[View]:
    """Return the pictures of places; those of one plane share its contrast."""
    limits = {tuple(whole.at.items()): whole.limits}
    views = []
    for place in places:
        plane = tuple((d, place.at[d]) for d in whole.at)
        if plane not in limits:
            limits[plane] = plane_contrast(data.image, place.at)
        views.append(closeup(data.image, data.labels, place, limits[plane]))
    return views


def _charts(data: ReportData, geometry: Geometry) -> list[Any]:
    times, unit = None, ""
    if has_frames(data.image) and data.image.sizes["t"] > 1:
        count = data.image.sizes["t"]
        known = data.image.coords["t"].values if "t" in data.image.coords else np.arange(count)
        times, unit = [float(v) for v in known], axis_units(data.image)["t"]
    return all_charts(data.table, diameter_unit(data.table, geometry), times, unit)


def _methods(data: ReportData, geometry: Geometry) -> str:
    count, unit = len(data.table), diameter_unit(data.table, geometry)
    result = f"{count:,} particle{'' if count == 1 else 's'} were found"
    result = result.replace("particle were", "particle was")
    if count > 1:
        values = data.table["equivalent_diameter"]
        shape = "ball of equal volume" if geometry.volume else "disk of equal area"
        result += (
            f", with a mean equivalent diameter (that of the {shape}) of "
            f"{number(float(values.mean()))} ± {with_unit(number(float(values.std())), unit)} "
            f"(mean ± standard deviation; median {with_unit(number(float(values.median())), unit)})"
        )
    return methods(
        data.parameters,
        data.thresholds,
        classified=None if data.classified is None else data.classified.step.description,
        particles=None if data.classified is None else data.classified.particles,
        version=data.version,
        image=_image_in_words(geometry),
        volume=geometry.volume,
        result=result + ".",
    )


def _image_in_words(geometry: Geometry) -> str:
    what = "series" if geometry.frames > 1 else "volume" if geometry.volume else "image"
    frames = f"{geometry.frames:,} frames of " if geometry.frames > 1 else ""
    shape = " × ".join(f"{n:,}" for n in geometry.sizes.values())
    size = f", pixel size {geometry.pitch}" if geometry.calibrated else ""
    return f"the {what} ({frames}{shape} pixels{size})"


def _template() -> jinja2.Template:
    text = files("pspy_dask.run").joinpath("report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
