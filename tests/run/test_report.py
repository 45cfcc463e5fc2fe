"""The report: one page by itself, for whatever was segmented."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr

import pspy_dask as ps
from pspy_dask.blocks.images import as_image
from pspy_dask.datasets import mosaic
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.run.report import ReportData, render, write_report

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


def test_nothing_is_loaded_from_elsewhere(page):
    links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", page)
    assert links and all(link.startswith(("data:", "#")) for link in links)
    assert "<script src" not in page and "@import" not in page


def test_says_what_was_done_and_found(page):
    count = int(ps.segment(mosaic((400, 300)), RECIPE).max())
    assert count > 20 and f"{count} particles" in page
    for name in ("threshold", "gaussian", "min_size", "clear_border"):
        assert name in page
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
    recipe = SegmentationParameters(clear_border=False)
    assert re.search(says, render(data_of(image, recipe)), re.I | re.S)


def test_names_are_shown_not_run():
    data = data_of(without_axes(small(60, 60)))
    hostile = "<script>alert('&')</script>"
    page = render(ReportData(**{**vars(data), "title": hostile, "source": hostile + ".tif"}))
    assert hostile not in page and "&lt;script&gt;alert" in page
