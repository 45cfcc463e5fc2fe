"""Plots show what the tables hold, with units on the axes, and touch no global state."""

from __future__ import annotations

from collections import Counter

import dask.dataframe as dd
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image

import pspy_dask as ps

UNITS = {"area": "nm^2", "area_px": "px^2", "centroid_x": "nm", "intensity_mean": ""}


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"frame": np.repeat(np.arange(6), 10)})
    table["area"] = rng.gamma(2, 30, 60)
    table["area_px"] = table["area"] * 4
    table["centroid_x"] = rng.uniform(0, 100, 60)
    table["intensity_mean"] = rng.normal(500, 50, 60)
    table.attrs["units"] = UNITS
    return table


BLUE, VERMILION = (0, 114, 178), (213, 94, 0)


def colours_of(picture):
    """Return how many pixels of a picture have each colour."""
    colours, counts = np.unique(
        np.asarray(picture)[..., :3].reshape(-1, 3), axis=0, return_counts=True
    )
    return Counter(dict(zip(map(tuple, colours.tolist()), counts.tolist(), strict=True)))


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return colours_of(canvas.buffer_rgba())


def legend(figure):
    box = figure.axes[0].get_legend()
    return [text.get_text() for text in box.get_texts()] if box else None


def test_one_property_is_a_histogram(table, tmp_path):
    figure = ps.plot_properties(table, "area", bins=[0, 50, 100, 1000])
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("area (nm²)", "particles")
    assert [bar.get_height() for bar in axes.patches] == [
        *np.histogram(table["area"], [0, 50, 100, 1000])[0]
    ]
    assert legend(figure) is None
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert (colours_of(picture)[BLUE] / np.prod(picture.size)) > 0.05  # the bars


def test_two_properties_are_a_scatter_plot(table):
    axes = ps.plot_properties(table, ["area_px", "intensity_mean"]).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("area (px²)", "intensity mean")
    points = axes.collections[0].get_offsets()
    np.testing.assert_array_equal(points, table[["area_px", "intensity_mean"]])


def test_three_properties_are_a_scatter_plot_in_space(table):
    names = ["area", "intensity_mean", "centroid_x"]
    axes = ps.plot_properties(table, names).axes[0]
    assert axes.name == "3d"
    labels = (axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel())
    assert labels == ("area (nm²)", "intensity mean", "centroid x (nm)")
    drawn = np.stack(axes.collections[0]._offsets3d, axis=1)
    np.testing.assert_array_equal(drawn, table[names])


def test_several_tables_share_bins_and_have_a_legend(table):
    other = table.iloc[:20].assign(area=lambda t: t["area"] + 200)
    figure = ps.plot_properties([table, other], "area", names=["old", "new"], bins=7)
    old, new = figure.axes[0].patches
    xs = [np.unique(patch.get_xy()[:, 0]) for patch in (old, new)]
    np.testing.assert_array_equal(*xs)
    assert (xs[0][0], xs[0][-1]) == (table["area"].min(), other["area"].max())
    assert old.get_edgecolor() != new.get_edgecolor()
    assert legend(figure) == ["old", "new"]
    figure = ps.plot_properties([table, other], ["area", "centroid_x"])
    assert legend(figure) == ["1", "2"]
    assert [len(c.get_offsets()) for c in figure.axes[0].collections] == [60, 20]


@pytest.mark.parametrize("names", [["area", "centroid_x"], ["area", "centroid_x", "area_px"]])
def test_the_last_list_has_the_colour_of_its_legend_where_lists_share_particles(table, names):
    figure = ps.plot_properties([table, table.iloc[:20]], names)
    last = figure.axes[0].collections[1]
    with_legend = drawn(figure)[VERMILION]
    figure.axes[0].get_legend().remove()
    points = drawn(figure)[VERMILION]
    assert with_legend > points > 20 * 5  # some pixels of each point
    last.set_visible(False)
    assert drawn(figure)[VERMILION] == 0


def test_far_particles_are_as_plain_as_near_ones(table):
    figure = ps.plot_properties(table, ["area", "intensity_mean", "centroid_x"])
    drawn(figure)
    assert len(np.unique(figure.axes[0].collections[0].get_facecolor()[:, 3])) == 1


def test_the_legend_over_time_lies_over_no_line(table):
    axes = (figure := ps.plot_over_time(table, "area")).axes[0]
    drawn(figure)
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1


def test_one_giant_does_not_make_a_million_bins(table):
    table.loc[0, "area"] = 1e9
    assert len(ps.plot_properties(table, "area").axes[0].patches) <= 100


def test_particles_without_a_property_are_left_out(table):
    table.loc[[2, 5], "area"] = [np.nan, np.inf]
    axes = ps.plot_properties(table, ["area", "centroid_x"]).axes[0]
    assert len(axes.collections[0].get_offsets()) == 58
    assert sum(bar.get_height() for bar in ps.plot_properties(table, "area").axes[0].patches) == 58


def test_mean_and_spread_of_each_frame(table):
    figure = ps.plot_over_time(table, "area", interval=0.5, unit="s")
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "area (nm²)")
    frames = table.groupby("frame")["area"]
    line = axes.lines[0]
    np.testing.assert_array_equal(line.get_xdata(), np.arange(6) * 0.5)
    np.testing.assert_allclose(line.get_ydata(), frames.mean())
    edges = axes.collections[0].get_paths()[0].vertices
    low, high = (frames.mean() + k * frames.std(ddof=0) for k in (-1, 1))
    for at, a, b in zip(line.get_xdata(), low, high, strict=True):
        ys = edges[edges[:, 0] == at, 1]
        assert (ys.min(), ys.max()) == pytest.approx((a, b))
    assert legend(figure) == ["standard deviation", "mean"]
    assert ps.plot_over_time(table, "area").axes[0].get_xlabel() == "frame"


def test_a_line_for_each_particle_that_is_linked(table):
    table["particle"] = np.tile([0, *range(1, 10)], 6)
    shuffled = table.sample(frac=1, random_state=0)
    figure = ps.plot_over_time(shuffled, "area")
    (lines,) = [c for c in figure.axes[0].collections if type(c) is LineCollection]
    segments = lines.get_segments()
    assert len(segments) == 9  # 0 is no particle
    for particle, segment in enumerate(segments, 1):
        own = table[table["particle"] == particle]
        np.testing.assert_array_equal(segment, own[["frame", "area"]])
    assert legend(figure) == ["particles", "standard deviation", "mean"]


def test_lazy_tables(table):
    lazy = dd.from_pandas(table, npartitions=3)
    axes = ps.plot_properties(lazy, ["area", "centroid_x"]).axes[0]
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), table[["area", "centroid_x"]])
    assert ps.plot_over_time(lazy, "area").axes[0].get_ylabel() == "area (nm²)"


def test_nothing_global_changes(table):
    before = dict(mpl.rcParams)
    ps.plot_properties(table, "area")
    ps.plot_over_time(table, "area")
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_units_are_text_not_formulas(table):
    table.attrs["units"] = {"area": "$x$"}
    ps.plot_properties(table, "area").canvas.draw()
    assert ps.plot_properties(table, "area").axes[0].get_xlabel() == r"area (\$x\$)"


def test_bad_input(table):
    with pytest.raises(ValueError, match="no column 'size': it has frame, area"):
        ps.plot_properties(table, "size")
    with pytest.raises(ValueError, match="4 properties do not make a plot"):
        ps.plot_properties(table, ["area"] * 4)
    with pytest.raises(ValueError, match="0 properties"):
        ps.plot_properties(table, [])
    with pytest.raises(ValueError, match="1 tables and 2 names"):
        ps.plot_properties(table, "area", names=["a", "b"])
    for none in (table.iloc[:0], table.assign(area=np.nan)):
        with pytest.raises(ValueError, match="no particle has a finite area"):
            ps.plot_properties(none, "area")
        with pytest.raises(ValueError, match="nothing to plot"):
            ps.plot_over_time(none, "area")
    with pytest.raises(ValueError, match="no column 'frame'"):
        ps.plot_over_time(table.drop(columns="frame"), "area")
    with pytest.raises(ValueError, match="holds no numbers"):
        ps.plot_properties(table.assign(area="a"), "area")
    other = table.copy()
    other.attrs["units"] = {"area": "um^2"}
    with pytest.raises(ValueError, match=r"area is in nm\^2 and in um\^2"):
        ps.plot_properties([table, other], "area")
    with pytest.raises(ValueError, match="no particle has"):
        ps.plot_properties([], "area")
