"""What second moments say of a shape: inertia, axes, eccentricity, orientation."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.moments import powers_of
from pspy_dask.particles.form import Column, TableForm, power_of_pixels
from pspy_dask.particles.measures.family import Property
from pspy_dask.particles.rows import Rows

Floats = NDArray[np.float64]


def inertia(rows: Rows, steps: tuple[float, ...]) -> Floats:
    """Return the tensor of inertia of each object, (n, axes, axes), for pixels of these sides."""
    axes = len(steps)
    central = rows["central"]
    powers = powers_of(axes, 2 if central.shape[1] == len(powers_of(axes, 2)) else 3)
    place = {power[3 - axes :]: k for k, power in enumerate(powers)}
    area = central[:, place[(0,) * axes]]
    second = np.empty((len(rows), axes, axes))
    for i, j in combinations_with_replacement(range(axes), 2):
        power = tuple((a == i) + (a == j) for a in range(axes))
        second[:, i, j] = second[:, j, i] = central[:, place[power]] * (steps[i] * steps[j]) / area
    tensor = -second
    for i in range(axes):
        tensor[:, i, i] = sum(second[:, j, j] for j in range(axes) if j != i)
    return tensor


def eigenvalues(tensor: Floats) -> Floats:
    """Return the eigenvalues of symmetric tensors in descending order, not below 0."""
    if tensor.shape[1] == 2:
        mean = (tensor[:, 0, 0] + tensor[:, 1, 1]) / 2
        half = (tensor[:, 0, 0] - tensor[:, 1, 1]) / 2
        spread = np.sqrt(half * half + tensor[:, 0, 1] * tensor[:, 0, 1])
        values = np.stack([mean + spread, mean - spread], axis=1)
    else:
        values = np.asarray(np.linalg.eigvalsh(tensor)[:, ::-1], np.float64)
    return np.maximum(values, 0.0)


def axis_lengths(values: Floats) -> tuple[Floats, Floats]:
    """Return the longest and shortest axis of the ellipses (ellipsoids) of these eigenvalues."""
    if values.shape[1] == 2:
        lengths = 4 * np.sqrt(values)
        return lengths[:, 0], lengths[:, 1]
    long = 10 * (values[:, 0] + values[:, 1] - values[:, 2])
    short = 10 * (-values[:, 0] + values[:, 1] + values[:, 2])
    return np.sqrt(np.maximum(long, 0)), np.sqrt(np.maximum(short, 0))


def _both(rows: Rows, form: TableForm) -> tuple[Floats, Floats]:
    """Return eigenvalues in physical units and in pixels."""
    plain = eigenvalues(inertia(rows, (1.0,) * form.axes))
    return eigenvalues(inertia(rows, form.steps)), plain


def _major(rows: Rows, form: TableForm) -> list[Column]:
    physical, plain = (axis_lengths(values)[0] for values in _both(rows, form))
    return form.length("axis_major_length", physical, plain)


def _minor(rows: Rows, form: TableForm) -> list[Column]:
    physical, plain = (axis_lengths(values)[1] for values in _both(rows, form))
    return form.length("axis_minor_length", physical, plain)


def _aspect_ratio(rows: Rows, form: TableForm) -> list[Column]:
    long, short = axis_lengths(eigenvalues(inertia(rows, form.steps)))
    return [Column("aspect_ratio", "", long / short)]


def _eccentricity(rows: Rows, form: TableForm) -> list[Column]:
    values = eigenvalues(inertia(rows, form.steps))
    long, short = values[:, 0], values[:, 1]
    ratio = np.divide(short, long, out=np.ones(len(values)), where=long > 0)
    return [Column("eccentricity", "", np.sqrt(1 - ratio))]


def _orientation(rows: Rows, form: TableForm) -> list[Column]:
    tensor = inertia(rows, form.steps)
    a, b, c = (np.ascontiguousarray(tensor[:, i, j]) for i, j in ((0, 0), (0, 1), (1, 1)))
    ties = np.where(b < 0, np.pi / 4, -np.pi / 4)
    return [Column("orientation", "rad", np.where(a == c, ties, np.arctan2(-2 * b, c - a) / 2))]


def _tensor(rows: Rows, form: TableForm) -> list[Column]:
    physical, plain = inertia(rows, form.steps), inertia(rows, (1.0,) * form.axes)
    names = [(i, j) for i in range(form.axes) for j in range(i, form.axes)]
    titles = [f"inertia_tensor_{form.dims[i]}{form.dims[j]}" for i, j in names]
    of_pixels = power_of_pixels(2)
    return [
        *(
            Column(t, form.power_units(2), physical[:, i, j])
            for t, (i, j) in zip(titles, names, strict=True)
        ),
        *(
            Column(f"{t}_px", of_pixels, plain[:, i, j])
            for t, (i, j) in zip(titles, names, strict=True)
        ),
    ]


def _eigenvalues(rows: Rows, form: TableForm) -> list[Column]:
    physical, plain = _both(rows, form)
    title, of_pixels = "inertia_tensor_eigvals", power_of_pixels(2)
    return [
        *(Column(f"{title}_{k}", form.power_units(2), physical[:, k]) for k in range(form.axes)),
        *(Column(f"{title}_{k}_px", of_pixels, plain[:, k]) for k in range(form.axes)),
    ]


PROPERTIES: tuple[Property, ...] = (
    Property("axis_major_length", ("second",), _major),
    Property("axis_minor_length", ("second",), _minor),
    Property("aspect_ratio", ("second",), _aspect_ratio),
    Property("eccentricity", ("second",), _eccentricity, axes=(2,)),
    Property("orientation", ("second",), _orientation, axes=(2,)),
    Property("inertia_tensor", ("second",), _tensor),
    Property("inertia_tensor_eigvals", ("second",), _eigenvalues),
)
