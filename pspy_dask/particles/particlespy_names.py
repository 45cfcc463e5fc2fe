"""ParticleSpy's names for the properties of particles, and what it means by them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

#: What must be measured for ParticleSpy's properties.
MEASURED = (
    *("area", "equivalent_diameter", "axis_major_length", "axis_minor_length", "circularity"),
    *("eccentricity", "solidity", "centroid", "bbox", "area_bbox", "bbox_length"),
    *("intensity_sum", "intensity_max", "intensity_std", "local_background"),
)

_RENAMED = {
    "area": "area",
    "equivalent_diameter": "equivalent circular diameter",
    "x": "x",
    "y": "y",
    "axis_major_length": "major axis length",
    "axis_minor_length": "minor axis length",
    "circularity": "circularity",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
    "intensity": "intensity",
    "intensity_max": "intensity_max",
    "intensity_std": "intensity_std",
    "area_bbox": "bbox_area",
    "bbox_length": "bbox_length",
}


def particlespy_table(table: pd.DataFrame, steps: Mapping[str, float]) -> pd.DataFrame:
    """Return the properties of particles by ParticleSpy's names, one row a particle.

    Parameters
    ----------
    table
        With the properties of `MEASURED`.
    steps
        Pixel size along y and x.

    Returns
    -------
    pandas.DataFrame
        ``attrs["units"]`` holds the units; None where there are none. Positions count from the
        middle of the first pixel. Intensities count from the local background of a particle:
        ``intensity`` is the sum and ``intensity_max`` the greatest of its pixels,
        ``intensity_std`` their standard deviation by the greatest.

    Examples
    --------
    >>> from pspy_dask.particles.properties import region_properties
    >>> labels = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    >>> found = region_properties(labels, labels * 5.0 + 2, properties=MEASURED).compute()
    >>> particlespy_table(found, {"y": 1.0, "x": 1.0})[["x", "y", "intensity"]]
         x    y  intensity
    0  1.5  1.0       10.0
    """
    background = table["local_background"]
    highest = table["intensity_max"] - background
    made = {
        "x": table["centroid_x_px"] * steps["x"],
        "y": table["centroid_y_px"] * steps["y"],
        "intensity": table["intensity_sum"] - background * table["area_px"],
        "intensity_max": highest,
        "intensity_std": table["intensity_std"] / highest.where(highest != 0, np.nan),
    }
    own = {new: made.get(old, table.get(old)) for old, new in _RENAMED.items()}
    units = {**table.attrs["units"], "x": "", "y": ""}
    units |= {axis: table.attrs["units"][f"centroid_{axis}"] for axis in ("x", "y")}
    result = pd.DataFrame(own)
    result.attrs["units"] = {new: units.get(old) or None for old, new in _RENAMED.items()}
    return result
