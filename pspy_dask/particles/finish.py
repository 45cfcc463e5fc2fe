"""From whole sums to a table of calibrated properties."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pspy_dask.particles.rows import Rows

_FLOAT_UNIT = 1074  # exact sums of floats count units of 2**-1074


@dataclass(frozen=True)
class TableForm:
    """What a table of particles holds.

    Attributes
    ----------
    dims
        Names of the spatial axes.
    steps, origin, units
        Pixel size, coordinate of the first pixel and units of each of them.
    intensity
        Type of the image's pixels, or None where there is no image.
    frames
        Whether a column tells the frame.
    """

    dims: tuple[str, ...]
    steps: tuple[float, ...]
    origin: tuple[float, ...]
    units: tuple[str, ...]
    intensity: np.dtype[Any] | None
    frames: bool

    @property
    def axes(self) -> int:
        """Number of spatial axes."""
        return len(self.dims)

    @property
    def _dims_and_units(self) -> list[tuple[str, str]]:
        return list(zip(self.dims, self.units, strict=True))

    @property
    def column_units(self) -> dict[str, str]:
        """Units of the columns of the table, in its order; empty where there is none."""
        same = len(set(self.units)) == 1
        power = {2: "^2", 3: "^3"}[self.axes]
        area = f"{self.units[0]}{power}" if same else "·".join(self.units)
        length = self.units[0] if same else f"({area})^(1/{self.axes})"
        result = {"frame": ""} if self.frames else {}
        result |= {"label": "", "area": area, "area_px": f"px{power}"}
        result |= {"equivalent_diameter": length, "equivalent_diameter_px": "px"}
        result |= {f"centroid_{d}": u for d, u in self._dims_and_units}
        result |= {f"centroid_{d}_px": "px" for d in self.dims}
        bounds = [(f"bbox_{d}{k}", u) for k in (0, 1) for d, u in self._dims_and_units]
        result |= dict(bounds) | {f"{name}_px": "px" for name, _ in bounds}
        if self.intensity is not None:
            result |= {f"intensity_{name}": "" for name in ("sum", "mean", "min", "max", "std")}
        return result


def finish_table(rows: Rows, form: TableForm, frame: int | None) -> pd.DataFrame:
    """Return the table of these rows; its attribute ``units`` holds the units of the columns."""
    area = rows["area"]
    pixel = float(np.prod(form.steps))
    columns: dict[str, NDArray[Any]] = {}
    if frame is not None:
        columns["frame"] = np.full(len(rows), frame, np.int64)
    columns |= {"label": rows["label"], "area": area * pixel, "area_px": area}
    columns["equivalent_diameter"] = equivalent_diameter(area * pixel, form.axes)
    columns["equivalent_diameter_px"] = equivalent_diameter(area.astype(float), form.axes)
    at = [k + 3 - form.axes for k in range(form.axes)]
    centroids = {d: rows["sum"][:, k] / area for d, k in zip(form.dims, at, strict=True)}
    for dim, step, origin in zip(form.dims, form.steps, form.origin, strict=True):
        columns[f"centroid_{dim}"] = origin + step * centroids[dim]
    columns |= {f"centroid_{dim}_px": values for dim, values in centroids.items()}
    bounds = {
        f"bbox_{dim}{end}": (rows[name][:, k], step, origin)
        for end, name in enumerate(("low", "high"))
        for dim, k, step, origin in zip(form.dims, at, form.steps, form.origin, strict=True)
    }
    # Coordinates are those of the middles of pixels, bounds those of their outer edges.
    columns |= {name: origin + step * (edge - 0.5) for name, (edge, step, origin) in bounds.items()}
    columns |= {f"{name}_px": edge for name, (edge, *_) in bounds.items()}
    if form.intensity is not None:
        columns |= _intensities(rows, form.intensity)
    table = pd.DataFrame(columns)
    table.attrs["units"] = form.column_units
    return table


def equivalent_diameter(size: NDArray[np.float64], axes: int) -> NDArray[np.float64]:
    """Diameter of the disk (2 axes) or ball (3) of this area or volume.

    >>> equivalent_diameter(np.array([np.pi]), 2).tolist()
    [2.0]
    """
    result: NDArray[np.float64] = np.sqrt(4 * size / pi) if axes == 2 else np.cbrt(6 * size / pi)
    return result


def _intensities(rows: Rows, dtype: np.dtype[Any]) -> dict[str, NDArray[Any]]:
    """Return the statistics of the finite pixels; an object without any has sum 0, else NaN."""
    small = dtype.kind in "biu" and dtype.itemsize <= 2
    unit = 0 if small else _FLOAT_UNIT
    total = rows["total"].astype(object)
    squares = rows["squares"].astype(object)
    n = rows["finite"].astype(object)
    empty = rows["finite"] == 0
    with np.errstate(invalid="ignore"):
        least = np.where(empty, np.nan, rows["least"].astype(float))
        most = np.where(empty, np.nan, rows["most"].astype(float))
    return {
        "intensity_sum": _floats([t / (1 << unit) for t in total]),
        "intensity_mean": _floats([_mean(t, k, unit) for t, k in zip(total, n, strict=True)]),
        "intensity_min": least,
        "intensity_max": most,
        "intensity_std": _floats(
            [_deviation(t, s, k, unit) for t, s, k in zip(total, squares, n, strict=True)]
        ),
    }


def _floats(values: list[float]) -> NDArray[np.float64]:
    return np.array(values, np.float64)


def _mean(total: int, count: int, unit: int) -> float:
    """Return the correctly rounded mean: division of Python integers rounds once."""
    return total / (count << unit) if count else float("nan")


def _deviation(total: int, squares: int, count: int, unit: int) -> float:
    """Return the standard deviation from exact sums; the difference cancels without loss."""
    if not count:
        return float("nan")
    return sqrt((count * squares - total * total) / ((count * count) << (2 * unit)))
