"""Where to look at full resolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

_SIDE, _WIDEST, _MOST = 320, 1024, 6


@dataclass(frozen=True)
class Place:
    """A window of a plane.

    Attributes
    ----------
    title
        Why it was chosen.
    start, size
        First pixel and lengths along ``(y, x)``.
    at
        Position along the axes ``t`` and ``z`` that the image has.
    centre, radius
        Of the particle that it was chosen for, in pixels of the plane; None where there is none.
    """

    title: str
    start: tuple[int, int]
    size: tuple[int, int]
    at: Mapping[str, int] = field(default_factory=dict)
    centre: tuple[float, float] | None = None
    radius: float = 0.0

    def covers(self, other: Place) -> bool:
        """Whether more than a third of the other window is seen here too."""
        if self.at != other.at:
            return False
        pairs = zip(self.start, self.size, other.start, other.size, strict=True)
        common = [max(0, min(a + n, b + m) - max(a, b)) for a, n, b, m in pairs]
        return 3 * common[0] * common[1] > other.size[0] * other.size[1]


def choose_places(sizes: Mapping[str, int], table: pd.DataFrame) -> list[Place]:
    """Return up to six windows: where particles are dense, large, typical, small, and elsewhere.

    The same image and table give the same windows; none shows much of what another shows.
    """
    chosen: list[Place] = []
    for place in (*_telling(sizes, table), *_spread(sizes)):
        if len(chosen) < _MOST and not any(c.covers(place) for c in chosen):
            chosen.append(place)
    return chosen


def _telling(sizes: Mapping[str, int], table: pd.DataFrame) -> Iterator[Place]:
    if table.empty:
        return
    area = table["area_px"]
    middle = (area - area.median()).abs()
    yield _densest(sizes, table)
    yield _around(sizes, table, int(area.argmax()), "Largest particle")
    yield _around(sizes, table, int(middle.argmin()), "Typical particle (median size)")
    yield _around(sizes, table, int(area.argmin()), "Smallest particle")


def _densest(sizes: Mapping[str, int], table: pd.DataFrame) -> Place:
    """Return the window, of those that tile the planes, with most centroids."""
    cells = {d: (table[f"centroid_{d}_px"] // _SIDE).astype(int) for d in "yx"}
    cells |= {d: values for d, values in _planes(sizes, table).items() if d in sizes}
    keys = pd.DataFrame(cells)
    counts = keys.groupby(list(keys.columns), sort=True).size()
    best = dict(zip(keys.columns, np.atleast_1d(np.array(counts.idxmax())), strict=True))
    centre = tuple((int(best[d]) + 0.5) * _SIDE for d in "yx")
    at: dict[str, int] = {d: int(best[d]) for d in ("t", "z") if d in best}
    return _window("Densest region", sizes, (centre[0], centre[1]), at)


def _around(sizes: Mapping[str, int], table: pd.DataFrame, row: int, title: str) -> Place:
    one = table.iloc[[row]]
    at = {d: int(values.iloc[0]) for d, values in _planes(sizes, one).items()}
    particle = one.iloc[0]
    centre = (float(particle["centroid_y_px"]), float(particle["centroid_x_px"]))
    extent = max(int(particle[f"bbox_{d}1_px"]) - int(particle[f"bbox_{d}0_px"]) for d in "yx")
    place = _window(title, sizes, centre, at, min(_WIDEST, max(_SIDE, int(1.5 * extent))))
    return replace(place, centre=centre, radius=extent / 2)


def _planes(sizes: Mapping[str, int], table: pd.DataFrame) -> dict[str, pd.Series[int]]:
    """Return the frame and the plane of each particle, as far as the image has such axes."""
    result: dict[str, pd.Series[int]] = {}
    if "t" in sizes:
        result["t"] = table["frame"].astype(int)
    if "z" in sizes:
        z = "centroid_z_px"  # which a volume of one plane has not
        result["z"] = table[z].round().astype(int) if z in table else 0 * table["area_px"]
    return result


def _spread(sizes: Mapping[str, int]) -> Iterator[Place]:
    """Yield windows over the middle plane, from its centre to its corners."""
    at = {d: n // 2 for d, n in sizes.items() if d not in ("y", "x")}
    spots = {
        "Centre": (0.5, 0.5),
        "Upper left": (0.15, 0.15),
        "Lower right": (0.85, 0.85),
        "Upper right": (0.15, 0.85),
        "Lower left": (0.85, 0.15),
    }
    for title, (y, x) in spots.items():
        yield _window(title, sizes, (y * sizes["y"], x * sizes["x"]), at)


def _window(
    title: str,
    sizes: Mapping[str, int],
    centre: tuple[float, float],
    at: Mapping[str, int],
    side: int = _SIDE,
) -> Place:
    """Return the window about a centre, pushed inside the image; squarer than the image is."""
    lengths = [min(side, sizes[d]) for d in "yx"]
    starts = [
        max(0, min(sizes[d] - n, int(c) - n // 2))
        for d, c, n in zip("yx", centre, lengths, strict=True)
    ]
    return Place(title, (starts[0], starts[1]), (lengths[0], lengths[1]), at)
