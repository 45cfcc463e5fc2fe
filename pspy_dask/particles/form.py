"""What a table is calibrated by, and what its columns are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_SUPERSCRIPTS = {1: "", 2: "^2", 3: "^3"}


class Column(NamedTuple):
    """A column of a table: its name, its units (empty where there are none), a value an object."""

    name: str
    units: str
    values: NDArray[Any]


@dataclass(frozen=True)
class TableForm:
    """What the rows of a table are calibrated by.

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
    def first(self) -> int:
        """Place of the first spatial axis among z, y, x."""
        return 3 - self.axes

    @property
    def pixel_type(self) -> np.dtype[Any]:
        """Type of the image's pixels, where there is an image."""
        assert self.intensity is not None
        return self.intensity

    @property
    def same_units(self) -> bool:
        """Whether all axes have the same units."""
        return len(set(self.units)) == 1

    @property
    def is_isotropic(self) -> bool:
        """Whether a pixel is a square, or a cube."""
        return self.same_units and len(set(self.steps)) == 1

    @property
    def pixel(self) -> float:
        """Area or volume of a pixel."""
        return float(np.prod(self.steps))

    @property
    def size_units(self) -> str:
        """Units of areas, or of volumes; empty where those of an axis are not known."""
        if self.same_units:
            return self.power_units(self.axes)
        return "·".join(self.units) if all(self.units) else ""

    @property
    def length_units(self) -> str:
        """Units of lengths that lie along no axis."""
        if self.same_units:
            return self.units[0]
        return self.size_units and f"({self.size_units})^(1/{self.axes})"

    def power_units(self, power: int) -> str:
        """Return the units of a power of a length."""
        if power == 0:
            return ""
        return _powered(self.length_units, power)

    def size(self, name: str, pixels: NDArray[Any]) -> list[Column]:
        """Return the columns of an area or a volume."""
        return [
            Column(name, self.size_units, pixels * self.pixel),
            Column(f"{name}_px", _powered("px", self.axes), pixels),
        ]

    def length(
        self, name: str, physical: NDArray[np.float64], pixels: NDArray[np.float64]
    ) -> list[Column]:
        """Return the columns of a length that lies along no axis."""
        return [Column(name, self.length_units, physical), Column(f"{name}_px", "px", pixels)]

    def isotropic_length(self, name: str, pixels: NDArray[np.float64]) -> list[Column]:
        """Return the columns of a length that is defined where pixels are square, else nan."""
        step = self.steps[0] if self.is_isotropic else np.nan
        return self.length(name, pixels * step, pixels)

    def along_axes(
        self,
        name: str,
        pixels: NDArray[Any],
        *,
        suffix: str = "",
        shift: float = 0.0,
        absolute: bool = True,
    ) -> tuple[list[Column], list[Column]]:
        """Return the columns, physical and in pixels, of positions (n, 3) along z, y, x."""
        physical, plain = [], []
        for k, (dim, step, start) in enumerate(
            zip(self.dims, self.steps, self.origin, strict=True), self.first
        ):
            at, title = pixels[:, k], f"{name}_{dim}{suffix}"
            values = (start if absolute else 0.0) + step * (at + shift)
            physical.append(Column(title, self.units[k - self.first], values))
            plain.append(Column(f"{title}_px", "px", at))
        return physical, plain


def units_of(columns: Sequence[Column]) -> dict[str, str]:
    """Return the units of columns, by name and in their order."""
    return {column.name: column.units for column in columns}


def power_of_pixels(power: int) -> str:
    """Return the units of a power of a length in pixels.

    >>> power_of_pixels(1), power_of_pixels(4), power_of_pixels(0)
    ('px', 'px^4', '')
    """
    return _powered("px", power) if power else ""


def _powered(unit: str, power: int) -> str:
    return unit and f"{unit}{_SUPERSCRIPTS.get(power, f'^{power}')}"
