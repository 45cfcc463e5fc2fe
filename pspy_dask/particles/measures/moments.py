"""Moments of the shape: raw, central, normalized, and Hu's invariants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.moments import Powers, measure_moments, powers_of
from pspy_dask.particles.form import Column, TableForm, power_of_pixels
from pspy_dask.particles.measures.family import Property, View
from pspy_dask.particles.measures.integers import merge_moments, settle_moments
from pspy_dask.particles.rows import Columns, Groups, Rows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ShapeMoments:
    """Moments of the pixels of an object, each of weight 1.

    Attributes
    ----------
    axes
        Number of spatial axes.
    order
        2: up to second order; 3: up to the third power of each coordinate.
    """

    axes: int
    order: int
    halo: int = 0

    @property
    def _powers(self) -> Powers:
        return powers_of(self.axes, self.order)

    def measure(self, view: View) -> Columns:
        """Return moments about the lower corner of what the chunk has of each object."""
        moments, wide = measure_moments(view.numbers, *view.bounds, self._powers)
        return {"moments": moments, "moments_wide": wide}

    def merge(self, groups: Groups) -> Columns:
        """Return moments about the lower corners of merged boxes."""
        return merge_moments(groups, "moments", self._powers, 0)

    def settle(self, rows: Rows) -> Rows:
        """Return raw and central moments as floats."""
        moments = settle_moments(rows, "moments", self._powers)
        columns = {"raw": moments.raw, "central": moments.central}
        return rows.replacing(columns, dropped=("moments", "moments_wide"))

    def nothing(self) -> Columns:
        """Return the columns of no objects, settled."""
        none = np.zeros((0, len(self._powers)))
        return {"raw": none, "central": none}


def moment_columns(
    title: str, name: str, rows: Rows, form: TableForm, powers: Powers
) -> list[Column]:
    """Return a column for each moment, physical ones first; pixels count 1 whatever their size."""
    physical, plain = [], []
    for k, power in enumerate(powers):
        full = f"{title}_{'_'.join(map(str, power[form.first :]))}"
        values, order = np.ascontiguousarray(rows[name][:, k]), sum(power)
        physical.append(Column(full, form.power_units(order), values * _scale(power, form)))
        plain.append(Column(f"{full}_px", power_of_pixels(order), values))
    return physical + plain


def normalized_columns(
    title: str, name: str, rows: Rows, form: TableForm, powers: Powers
) -> list[Column]:
    """Return a column for each normalized moment of second order or higher."""
    normalized = _normalized(rows[name], form, powers)
    return [
        Column(f"{title}_{'_'.join(map(str, power[form.first :]))}", "", values)
        for power, values in normalized.items()
    ]


def hu_columns(title: str, name: str, rows: Rows, form: TableForm, powers: Powers) -> list[Column]:
    """Return the seven invariants of Hu; nan where pixels are not square."""
    n = {p[1:]: values for p, values in _normalized(rows[name], form, powers).items()}
    a, b = n[3, 0] + n[1, 2], n[2, 1] + n[0, 3]
    c, d = n[3, 0] - 3 * n[1, 2], 3 * n[2, 1] - n[0, 3]
    e = n[2, 0] - n[0, 2]
    p, q = a * (a * a - 3 * b * b), b * (3 * a * a - b * b)
    values = [
        n[2, 0] + n[0, 2],
        e * e + 4 * n[1, 1] * n[1, 1],
        c * c + d * d,
        a * a + b * b,
        c * p + d * q,
        e * (a * a - b * b) + 4 * n[1, 1] * a * b,
        d * p - c * q,
    ]
    if not form.is_isotropic:
        values = [np.full(len(rows), np.nan)] * len(values)
    return [Column(f"{title}_{k}", "", value) for k, value in enumerate(values)]


def _normalized(central: Floats, form: TableForm, powers: Powers) -> dict[Any, Floats]:
    least = min(form.steps)
    total = np.ascontiguousarray(central[:, powers.index((0, 0, 0))])
    root = np.sqrt(total) if form.axes == 2 else np.cbrt(total)
    result = {}
    for k, power in enumerate(powers):
        order, divisor = sum(power), total
        for _ in range(order):
            divisor = divisor * root
        if order >= 2:
            result[power] = central[:, k] * (_scale(power, form) / least**order) / divisor
    return result


def _scale(power: tuple[int, int, int], form: TableForm) -> float:
    result = 1.0
    for step, exponent in zip(form.steps, power[form.first :], strict=True):
        result *= step**exponent
    return result


def _raw(rows: Rows, form: TableForm) -> list[Column]:
    return moment_columns("moments", "raw", rows, form, powers_of(form.axes, 3))


def _central(rows: Rows, form: TableForm) -> list[Column]:
    return moment_columns("moments_central", "central", rows, form, powers_of(form.axes, 3))


def _normal(rows: Rows, form: TableForm) -> list[Column]:
    return normalized_columns("moments_normalized", "central", rows, form, powers_of(form.axes, 3))


def _hu(rows: Rows, form: TableForm) -> list[Column]:
    return hu_columns("moments_hu", "central", rows, form, powers_of(form.axes, 3))


PROPERTIES: tuple[Property, ...] = (
    Property("moments", ("third",), _raw),
    Property("moments_central", ("third",), _central),
    Property("moments_normalized", ("third",), _normal),
    Property("moments_hu", ("third",), _hu, axes=(2,)),
)
