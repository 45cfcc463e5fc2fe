"""What a family of measures is: one for each kind of partial result that travels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pspy_dask.particles.form import Column, TableForm
from pspy_dask.particles.rows import Arrays, Columns, Groups, Rows


class View(NamedTuple):
    """What one chunk sees; all axes are z, y, x.

    Attributes
    ----------
    window
        The chunk and its halo: for each pixel the number of its label, 1 .. n, 0 for background.
    image
        The image there, or None.
    core
        Where the chunk lies in them.
    origin
        Image coordinates of the chunk's first pixel.
    numbers
        The numbers in the chunk itself.
    found
        The n labels in the window; those in the halo alone have an area of 0 here.
    shapes
        Their ``area``, ``sum``, ``low``, ``high`` and ``first``.
    """

    window: NDArray[np.int32]
    image: NDArray[Any] | None
    core: tuple[slice, ...]
    origin: tuple[int, int, int]
    numbers: NDArray[np.int32]
    found: NDArray[np.int64]
    shapes: Arrays

    @property
    def pixels(self) -> NDArray[Any]:
        """The image's pixels in the chunk itself."""
        assert self.image is not None
        return self.image[self.core]

    @property
    def bounds(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Bounds of what the chunk has of each object, about the chunk's first pixel."""
        start = np.array(self.origin, np.int64)
        return self.shapes["low"] - start, self.shapes["high"] - start


class Family(Protocol):
    """Partial results of one kind; its instances are frozen dataclasses."""

    @property
    def halo(self) -> int:
        """How many pixels of labels and image beyond a chunk it must see."""
        ...

    def measure(self, view: View) -> Columns:
        """Return the columns of what one chunk sees, a row for each label found."""
        ...

    def merge(self, groups: Groups) -> Columns:
        """Return the columns with the rows of each object made one; exact and associative."""
        ...

    def settle(self, rows: Rows) -> Rows:
        """Return whole rows with what the table needs in place of what had to travel."""
        ...

    def nothing(self) -> Columns:
        """Return the columns of no objects as `settle` leaves them, and run no kernel for it."""
        ...


@dataclass(frozen=True)
class Property:
    """A name that users ask for.

    Attributes
    ----------
    name
        The name.
    needs
        Names of the families that it is made of.
    columns
        Returns its columns, made of whole rows.
    axes
        For how many spatial axes it is defined.
    """

    name: str
    needs: tuple[str, ...]
    columns: Callable[[Rows, TableForm], list[Column]]
    axes: tuple[int, ...] = (2, 3)
    image: bool = False
