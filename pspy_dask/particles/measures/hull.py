"""Convex hulls: convex area, solidity, Feret diameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pspy_dask.kernels.hull_shapes import convex_areas, feret_diameters, least_feret_diameters
from pspy_dask.kernels.hull_volumes import convex_volumes
from pspy_dask.kernels.hulls import Hulls, find_hulls, join_rows
from pspy_dask.particles.form import Column, TableForm
from pspy_dask.particles.measures.family import Property, View
from pspy_dask.particles.rows import Arrays, Columns, Groups, Rows


@dataclass(frozen=True)
class Hull:
    """The extreme pixels of an object.

    Attributes
    ----------
    steps
        Pixel size along the axes.
    """

    steps: tuple[float, ...]
    halo: int = 0

    def measure(self, view: View) -> Columns:
        """Return the extreme pixels that the chunk has."""
        return {"hull": find_hulls(view.numbers, len(view.found), view.origin)}

    def merge(self, groups: Groups) -> Columns:
        """Return the extreme pixels of merged objects."""
        return {"hull": join_rows(_hulls(groups.rows), groups.group, len(groups.starts))}

    def settle(self, rows: Rows) -> Rows:
        """Return the measures of whole hulls, in pixels and of the pixel size, in place of them."""
        measured = _in_plane if len(self.steps) == 2 else _in_volume
        return rows.replacing(measured(_hulls(rows), self.steps), dropped=("hull",))

    def nothing(self) -> Columns:
        """Return the columns of no objects, settled."""
        names = ("feret", "feret_scaled", "least_feret", "least_feret_scaled")
        return {"convex": np.zeros(0, np.int64), **dict.fromkeys(names, np.zeros(0))}


def _in_plane(hulls: Hulls, steps: tuple[float, ...]) -> Arrays:
    size = (steps[0], steps[1])
    plain = feret_diameters(hulls), least_feret_diameters(hulls)
    scaled = plain
    if size != (1, 1):
        scaled = feret_diameters(hulls, size), least_feret_diameters(hulls, size)
    return {
        "convex": convex_areas(hulls),
        "feret": plain[0],
        "least_feret": plain[1],
        "feret_scaled": scaled[0],
        "least_feret_scaled": scaled[1],
    }


def _in_volume(hulls: Hulls, steps: tuple[float, ...]) -> Arrays:
    size = (steps[0], steps[1], steps[2])
    convex, feret = convex_volumes(hulls)
    scaled = feret if size == (1, 1, 1) else convex_volumes(hulls, size)[1]
    return {"convex": convex, "feret": feret, "feret_scaled": scaled}


def _hulls(rows: Rows) -> Hulls:
    hulls = rows.columns["hull"]
    assert isinstance(hulls, Hulls)
    return hulls


def _convex(rows: Rows, form: TableForm) -> list[Column]:
    return form.size("area_convex", rows["convex"])


def _solidity(rows: Rows, _form: TableForm) -> list[Column]:
    return [Column("solidity", "", rows["area"] / rows["convex"])]


def _feret(rows: Rows, form: TableForm) -> list[Column]:
    return form.length("feret_diameter_max", rows["feret_scaled"], rows["feret"])


def _least(rows: Rows, form: TableForm) -> list[Column]:
    return form.length("feret_diameter_min", rows["least_feret_scaled"], rows["least_feret"])


PROPERTIES: tuple[Property, ...] = (
    Property("area_convex", ("hull",), _convex),
    Property("solidity", ("hull",), _solidity),
    Property("feret_diameter_max", ("hull",), _feret),
    Property("feret_diameter_min", ("hull",), _least, axes=(2,)),
)
