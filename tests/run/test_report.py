"""The report: one page by itself, for whatever was segmented."""

from __future__ import annotations

import base64
import re
from collections import Counter
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
import xarray as xr
from PIL import Image

import pspy_dask as ps
from pspy_dask.blocks.images import as_image, make_image
from pspy_dask.datasets import mosaic
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.pixels.classes import Classes
from pspy_dask.run.classes import ClassStep, class_table
from pspy_dask.run.places import choose_places
from pspy_dask.run.report import ReportData, _closeups, parameter_rows, render, write_report
from pspy_dask.run.views import closeup, overview

RECIPE = SegmentationParameters(gaussian=2.0, min_size=20)


def data_of(image, recipe=RECIPE, **more):
    labels = ps.segment(image, recipe)
    table = ps.region_properties(labels, image).compute()
    return ReportData("Gold on carbon", "gold.tif", image, labels, table, recipe, **more)


def small(*shape):
    return np.asarray(mosaic((200, 180)).values[tuple(map(slice, shape))])


def without_axes(pixels):
    return as_image(xr.DataArray(pixels, dims=("t", "z", "y", "x")[-pixels.ndim :]))


@pytest.fixture(scope="module")
def page():
    timings = {"find threshold": 1.0, "label particles": 2.0}
    return render(data_of(mosaic((400, 300)), thresholds=[512.25], timings=timings))


class Tags(HTMLParser):
    """What a browser makes of a page: its elements, and what they load or run."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.links, self.handlers = Counter(), [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        self.links += [v for k, v in attrs if k in ("src", "href", "srcset", "data", "xlink:href")]
        self.handlers += [k for k, _ in attrs if k.startswith("on")]


def assert_self_contained(page):
    tags = Tags(page)
    assert all(link.startswith(("data:image/", "#")) for link in tags.links)
    assert not {"script", "link", "iframe", "object", "embed"} & set(tags.elements)
    assert not re.search(r"@import|url\s*\(", page) and not tags.handlers


def particles_on(page):
    """Return the figure at the head of the page, and that of the methods."""
    head = re.search(r"<dt>Particles</dt><dd[^>]*>([\d,]+)</dd>", page)
    prose = re.search(r"([\d,]+) particles? w(?:as|ere) found", page)
    return [int(found[1].replace(",", "")) for found in (head, prose)]


def test_nothing_is_loaded_from_elsewhere(page):
    assert_self_contained(page)
    tags = Tags(page)
    pictures = [link for link in tags.links if link.startswith("data:image/png;base64,")]
    charts = [link for link in tags.links if link.startswith("data:image/svg+xml;base64,")]
    assert len(pictures) >= 4 and len(charts) == 2
    assert tags.elements["html"] == tags.elements["title"] == 1


def test_says_what_was_done_and_found(page):
    count = int(ps.segment(mosaic((400, 300)), RECIPE).max())
    assert count > 20 and f"{count} particles" in page
    assert particles_on(page) == [count, count]
    for name, value, meaning in parameter_rows(RECIPE):
        row = rf"<code>{name}</code></td><td>{value}</td><td>{re.escape(meaning)}"
        assert meaning and re.search(row, page), name
    assert "512" in page and "nm" in page and "3.00 s" in page


def test_is_written_whole(tmp_path):
    write_report(data_of(without_axes(small(60, 60))), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.rstrip().endswith("</html>") and [p.name for p in tmp_path.iterdir()] == [
        "report.html"
    ]


def test_shapes_must_agree(tmp_path):
    data = data_of(without_axes(small(60, 60)))
    other = ReportData(**{**vars(data), "image": without_axes(small(50, 60))})
    with pytest.raises(ValueError, match="give the image that was segmented"):
        write_report(other, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def nan_pixels():
    pixels = small(120, 110).astype(np.float32)
    pixels[:30] = np.nan
    return pixels


CASES = {
    "no particles": (np.full((70, 80), 7, np.uint8), r"\b0\b.*particles|no particles"),
    "one particle": (np.pad(np.full((9, 9), 200, np.uint8), 30), "1 particle"),
    "not a number": (nan_pixels(), "not finite|NaN|no value|missing"),
    "nothing finite": (np.full((40, 50), np.nan), "particles"),
    "volume": (np.stack([small(80, 70)] * 5), "plane"),
    "series": (np.stack([small(80, 70)] * 4)[:, None], "frame"),
    "one pixel high": (np.tile(np.array([[0, 9, 0, 0, 0, 9, 0, 0]], np.uint8), 5), "particles"),
    "uncalibrated": (small(90, 90), "px|pixel"),
}


@pytest.mark.parametrize("case", CASES)
def test_whatever_was_segmented(case):
    pixels, says = CASES[case]
    image = without_axes(pixels).isel(z=0) if case == "series" else without_axes(pixels)
    data = data_of(image, SegmentationParameters(clear_border=False))
    page = render(data)
    assert re.search(says, page, re.I | re.S)
    assert particles_on(page) == [len(data.table)] * 2
    assert_self_contained(page)
    assert not re.search(r"\b(nan|inf|None|\de\+\d+)\b", re.sub(r"data:image[^\"]+", "", page))


def test_methods_say_how_large_frames_are():
    for case, says in (
        ("series", "the series (4 frames of 80 × 70 pixels)"),
        ("volume", "the volume (5 × 80 × 70 pixels)"),
        ("uncalibrated", "the image (90 × 90 pixels)"),
    ):
        pixels = CASES[case][0]
        image = without_axes(pixels).isel(z=0) if case == "series" else without_axes(pixels)
        assert f"{says} was smoothed" in render(data_of(image))


def greys_of(view):
    picture = base64.b64decode(view.pixels.split(",")[1])
    return np.asarray(Image.open(BytesIO(picture)))


def test_every_frame_of_a_drifting_series_can_be_seen():
    """The largest particle is in the first frame, whose pixels are darker than all others'."""
    pixels = np.stack([small(200, 180) // 64 + 2000 * k for k in range(3)]).astype(np.uint16)
    pixels[0, 40:90, 40:90] = pixels[0].max()
    data = data_of(as_image(xr.DataArray(pixels, dims=("t", "y", "x"))))
    whole = overview(data.image, data.labels)
    views = _closeups(data, choose_places(dict(data.image.sizes), data.table), whole)
    others = [view for view in views if "t = 0" in view.note]
    assert others and all(greys_of(view).std() > 30 for view in others)


def test_the_largest_particle_is_where_its_caption_says():
    pixels = np.zeros((900, 800), np.uint8)
    pixels[600:641, 500:541] = 200  # its centre at 620, 520
    pixels[100:105, 100:105] = 200
    data = data_of(as_image(pixels), SegmentationParameters())
    page = render(data)
    assert re.search(
        r"<b>Largest particle</b>[^<]*centre of the ringed one at y = 620, x = 520 px", page
    )
    largest = next(p for p in choose_places(dict(data.image.sizes), data.table) if p.radius > 20)
    x, y, radius = closeup(data.image, data.labels, largest, (0, 255)).ring
    start = largest.start
    assert (start[0] + y, start[1] + x) == (620.5, 520.5) and 29 > radius > 20
    assert page.count("<circle") == 1  # the smallest is seen with the densest


def test_a_pixel_size_without_a_unit():
    data = data_of(with_unit("px"))
    page = render(data)
    assert data.table.attrs["units"]["area"] == ""
    assert "has a pixel size without a unit" in page and "has no pixel size" not in page
    assert re.search(r"<dt>Pixel size</dt><dd[^>]*>0\.5 \(no unit\)<", page)
    assert re.search(r"<dt>Mean diameter</dt><dd[^>]*>[\d.]+<", page)
    assert ">Area<" in page and ">Equivalent diameter<" in page
    assert re.search(r'font-weight="600"[^>]*>[\d.]+</text>', page)  # beside the bar


@pytest.mark.parametrize(("unit", "area"), [("nm", "nm^2"), ("px", "")])
def test_areas_of_classes_are_in_units_that_are_known(unit, area):
    step = ClassStep(lambda image: image, "classes", "classified", Classes((1,), ("gold",)))
    table, units = class_table(step, np.array([3, 4]), with_unit(unit))
    assert table["area"].tolist() == [1.0] and units == {"area": area}


HOSTILE = """<script>alert('&')</script>"><img src=http://a.b onerror=alert(1)>{{ 7*7 }}"""


def with_unit(unit):
    axes = (dict.fromkeys("yx", 0.5), dict.fromkeys("yx", unit))
    return make_image(as_image(small(200, 180)).data, ("y", "x"), steps=axes[0], units=axes[1])


def test_names_are_shown_not_run():
    plain, data = (data_of(with_unit(unit)) for unit in ("furlong", HOSTILE))
    recipe = SegmentationParameters(gaussian=2.0, min_size=20)
    object.__setattr__(recipe, "threshold", HOSTILE)  # a file cannot: it would be refused
    words = dict.fromkeys(("title", "source", "machine", "version"), HOSTILE)
    words |= {"timings": {HOSTILE: 1.0}, "outputs": {HOSTILE: HOSTILE}, "parameters": recipe}
    page = render(ReportData(**{**vars(data), **words}))
    usual = dict.fromkeys(words, "x") | {"timings": {"x": 1.0}, "outputs": {"x": "x"}}
    expected = render(ReportData(**{**vars(plain), **usual, "parameters": RECIPE}))
    assert len(data.table) > 3 and Tags(page).elements == Tags(expected).elements
    assert_self_contained(page)
    assert page.count("&lt;script&gt;alert") > 10 and "{{ 7*7 }}" in page


@pytest.mark.parametrize("unit", ["$", r"$\nothing$", "$_$", "%", "{x}", "\\", "µm²", "纳米"])
def test_any_unit_is_shown(unit):
    assert unit in render(data_of(with_unit(unit)))
