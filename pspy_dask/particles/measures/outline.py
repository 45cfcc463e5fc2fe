"""Outlines: perimeters, Euler number, circularity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pspy_dask.kernels.outlines import (
    HALO_PLANE,
    HALO_VOLUME,
    euler_number,
    measure_outlines,
    no_counts,
    perimeter,
    perimeter_crofton,
)
from pspy_dask.particles.form import Column, TableForm
from pspy_dask.particles.measures.family import Property, View
from pspy_dask.particles.rows import Columns, Groups, Rows


@dataclass(frozen=True)
class Outline:
    """What the pixels of an outline count, by how their neighbours lie."""

    axes: int

    @property
    def halo(self) -> int:
        """Pixels beyond a chunk that decide what its own count."""
        return HALO_PLANE if self.axes == 2 else HALO_VOLUME

    def measure(self, view: View) -> Columns:
        """Return the counts of the chunk's pixels."""
        window, core = view.window, view.core
        if self.axes == 2:
            window, core = window[0], core[1:]
        return {"outline": measure_outlines(window, len(view.found), core)}

    def merge(self, groups: Groups) -> Columns:
        """Return merged counts."""
        return groups.fold({"outline": np.add})

    def settle(self, rows: Rows) -> Rows:
        """Return the rows as they are."""
        return rows

    def nothing(self) -> Columns:
        """Return the columns of no objects, settled."""
        return {"outline": no_counts(0, self.axes)}


def _perimeter(rows: Rows, form: TableForm) -> list[Column]:
    return form.isotropic_length("perimeter", perimeter(rows["outline"]))


def _perimeter_8(rows: Rows, form: TableForm) -> list[Column]:
    return form.isotropic_length("perimeter_8", perimeter(rows["outline"], 8))


def _crofton(rows: Rows, form: TableForm) -> list[Column]:
    return form.isotropic_length("perimeter_crofton", perimeter_crofton(rows["outline"]))


def _circularity(rows: Rows, form: TableForm) -> list[Column]:
    length = perimeter(rows["outline"])
    values = 4 * np.pi * rows["area"] / (length * length)
    return [Column("circularity", "", values if form.is_isotropic else values * np.nan)]


def _euler(rows: Rows, _form: TableForm) -> list[Column]:
    return [Column("euler_number", "", np.ascontiguousarray(euler_number(rows["outline"])))]


PROPERTIES: tuple[Property, ...] = (
    Property("perimeter", ("outline",), _perimeter, axes=(2,)),
    Property("perimeter_8", ("outline",), _perimeter_8, axes=(2,)),
    Property("perimeter_crofton", ("outline",), _crofton, axes=(2,)),
    Property("circularity", ("outline",), _circularity, axes=(2,)),
    Property("euler_number", ("outline",), _euler),
)
