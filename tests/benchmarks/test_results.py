"""The page of results, its picture and the README's table say what the numbers say."""

import json
from pathlib import Path

import pytest

from benchmarks import agreement, charts, components, kernels, objects, plan, readme, report
from benchmarks import scaling as growth
from benchmarks.sections import SECTIONS

ROOT = Path(__file__).parents[2]
KEPT = json.loads((ROOT / "benchmarks/results/results.json").read_text())


def test_the_page_is_made_from_the_numbers():
    assert (ROOT / "benchmarks/results/README.md").read_text() == report.page(KEPT)


def test_the_table_of_the_readme_is_made_from_the_numbers():
    assert readme.headline_of(ROOT / "README.md") == report.headline(KEPT)


def test_all_sections_were_measured():
    assert set(SECTIONS) <= set(KEPT)
    assert (ROOT / "benchmarks/results/results.png").stat().st_size > 10_000


def test_figures_of_small_images():
    """Each section runs and can be printed; the figures themselves mean nothing here."""
    found = {
        "kernels": [f.row() for f in kernels.figures("Niblack", side=128, runs=1)],
        "agreement": agreement.measured(256),
        "objects": objects.measured((100,), runs=1, side=128),
        "components": {"side": 128, "rows": components.measured(128, runs=1)},
        "plan": plan.measured([4, 16_384]),
    }
    assert found["kernels"][0]["difference"] == 0
    assert found["agreement"]["rand"] > 0.999
    assert found["objects"][0]["objects"] == 100
    assert len({row["components"] for row in found["components"]["rows"]}) == 1
    assert found["plan"][1]["simulated"] and found["plan"][1]["tasks"] < 3
    for name, figures in found.items():
        assert SECTIONS[name](figures).startswith("## ")


def test_growth_is_fitted():
    rows = [{"side": s, "who": "a", "seconds": [3.0 * s**2]} for s in (2, 4, 8)]
    assert growth.exponent(rows, "a") == pytest.approx(1)
    assert growth.exponent(rows[:1], "a") is None


def test_the_picture_shows_what_there_is(tmp_path):
    charts.draw({}, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
    charts.draw(KEPT, tmp_path / "all.png")
    assert (tmp_path / "all.png").stat().st_size > 10_000


def test_the_readme_must_have_a_place(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("<!-- figures -->\n\nold\n\n<!-- end of figures -->\n")
    readme.put_headline(page, "new\n")
    assert readme.headline_of(page) == "new\n"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no place"):
        readme.put_headline(page, "new")
