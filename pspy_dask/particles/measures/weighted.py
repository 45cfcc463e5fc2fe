"""Moments of the intensity: where an object's brightness lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.moments import Powers, measure_moments, powers_of
from pspy_dask.kernels.weighted_sums import measure_float_moments
from pspy_dask.particles.form import Column, TableForm
from pspy_dask.particles.measures.family import Property, View
from pspy_dask.particles.measures.integers import merge_moments, settle_moments
from pspy_dask.particles.measures.intensity import is_small, python_objects, unit_of
from pspy_dask.particles.measures.moments import hu_columns, moment_columns, normalized_columns
from pspy_dask.particles.rows import Columns, Groups, Rows

_ALWAYS_WIDE = 4096  # more bits than any sum has: floats travel as Python integers


@dataclass(frozen=True)
class WeightedMoments:
    """Moments of an object's finite pixels, each of its intensity as weight.

    Attributes
    ----------
    axes
        Number of spatial axes.
    order
        1: what the centroid takes; 3: up to the third power of each coordinate.
    intensity
        Type of the pixels.
    """

    axes: int
    order: int
    intensity: np.dtype[Any]
    halo: int = 0

    @property
    def _powers(self) -> Powers:
        return powers_of(self.axes, self.order)

    @property
    def _bits(self) -> int:
        return 16 if is_small(self.intensity) else _ALWAYS_WIDE

    def measure(self, view: View) -> Columns:
        """Return moments about the lower corner of what the chunk has of each object."""
        powers = self._powers
        if is_small(self.intensity):
            place = (view.numbers, *view.bounds, powers)
            moments, wide = measure_moments(*place, view.pixels, self._bits)
        else:
            exact = measure_float_moments(view.numbers, *view.bounds, powers, view.pixels)
            moments, wide = np.zeros((len(exact), len(powers)), np.int64), python_objects(exact)
        return {"weighted": moments, "weighted_wide": wide}

    def merge(self, groups: Groups) -> Columns:
        """Return moments about the lower corners of merged boxes."""
        return merge_moments(groups, "weighted", self._powers, self._bits)

    def settle(self, rows: Rows) -> Rows:
        """Return raw and central moments and the centroid as floats."""
        moments = settle_moments(rows, "weighted", self._powers, unit_of(self.intensity))
        columns: dict[str, NDArray[Any]] = {
            "weighted_raw": moments.raw,
            "weighted_central": moments.central,
            "weighted_centroid": moments.centroid,
        }
        return rows.replacing(columns, dropped=("weighted", "weighted_wide"))

    def nothing(self) -> Columns:
        """Return the columns of no objects, settled."""
        none, place = np.zeros((0, len(self._powers))), np.zeros((0, 3))
        return {"weighted_raw": none, "weighted_central": none, "weighted_centroid": place}


def _centroid(rows: Rows, form: TableForm) -> list[Column]:
    at = rows["low"] + rows["weighted_centroid"]
    physical, pixels = form.along_axes("centroid_weighted", at)
    return physical + pixels


def _centroid_local(rows: Rows, form: TableForm) -> list[Column]:
    at = rows["weighted_centroid"]
    physical, pixels = form.along_axes("centroid_weighted_local", at, absolute=False)
    return physical + pixels


def _raw(rows: Rows, form: TableForm) -> list[Column]:
    return moment_columns("moments_weighted", "weighted_raw", rows, form, _all(form))


def _central(rows: Rows, form: TableForm) -> list[Column]:
    return moment_columns("moments_weighted_central", "weighted_central", rows, form, _all(form))


def _normal(rows: Rows, form: TableForm) -> list[Column]:
    title = "moments_weighted_normalized"
    return normalized_columns(title, "weighted_central", rows, form, _all(form))


def _hu(rows: Rows, form: TableForm) -> list[Column]:
    return hu_columns("moments_weighted_hu", "weighted_central", rows, form, _all(form))


def _all(form: TableForm) -> Powers:
    return powers_of(form.axes, 3)


PROPERTIES: tuple[Property, ...] = (
    Property("centroid_weighted", ("weighted",), _centroid, image=True),
    Property("centroid_weighted_local", ("weighted",), _centroid_local, image=True),
    Property("moments_weighted", ("weighted_third",), _raw, image=True),
    Property("moments_weighted_central", ("weighted_third",), _central, image=True),
    Property("moments_weighted_normalized", ("weighted_third",), _normal, image=True),
    Property("moments_weighted_hu", ("weighted_third",), _hu, axes=(2,), image=True),
)
