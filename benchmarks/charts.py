"""The results as a picture: ratios as bars, and how seconds grow with the image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_OURS, _GRID = "#1b6ca8", "#d9d9d9"
_LINES = ("#1b6ca8", "#d1495b", "#66a182")


def draw(results: dict[str, Any], path: Path) -> None:
    """Write a PNG of what there is."""
    compared = [*results.get("kernels", []), *results.get("pixels", {"rows": []})["rows"]]
    bars = [(f"{r['name']}", r["ratio"]) for r in compared]
    for r in results.get("recipes", {"rows": []})["rows"]:
        if r["who"] == "scikit-image":
            bars.append((f"recipe: {r['recipe']}, {r['side']}", r["ratio"]))
    scaled = results.get("scaling", [])
    panels = bool(bars) + bool(scaled)
    if not panels:
        return
    height = max(4.0, 0.24 * len(bars) + 1.2)
    figure = Figure(figsize=(7.0 * panels, height), layout="constrained")
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    if bars:
        _ratios(axes.pop(0), bars)
    if scaled:
        _scaling(axes.pop(0), scaled)
    figure.savefig(path, dpi=130)


def _ratios(axes: Axes, bars: list[tuple[str, float]]) -> None:
    names, values = zip(*reversed(bars), strict=True)
    axes.barh(names, values, color=_OURS, height=0.7)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.margins(x=0.15, y=0.01)
    for place, value in enumerate(values):
        axes.text(value * 1.06, place, f"{value:.3g}", va="center", fontsize=7)
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set_xlabel("times as fast as the reference, one core")
    axes.spines[["top", "right"]].set_visible(False)


def _scaling(axes: Axes, rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(r["who"] for r in rows))
    for name, colour in zip(names, _LINES, strict=False):
        mine = [r for r in rows if r["who"] == name]
        pixels = [r["side"] ** 2 / 1e6 for r in mine]
        axes.loglog(pixels, [r["seconds"][0] for r in mine], "o-", color=colour, label=name)
    axes.set_xlabel("megapixels")
    axes.set_ylabel("seconds, recipe with watershed, Zarr to Zarr")
    axes.grid(color=_GRID, linewidth=0.6)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
