"""The local background: what the image is just outside an object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pspy_dask.kernels.surroundings import RING_HALO, ring_pixels
from pspy_dask.particles.form import Column, TableForm
from pspy_dask.particles.measures.family import Property, View
from pspy_dask.particles.measures.intensity import mean, measure_intensities, unit_of
from pspy_dask.particles.rows import Columns, Groups, Rows


@dataclass(frozen=True)
class Surroundings:
    """Number and exact sum of the finite pixels of the ring about an object."""

    halo: int = RING_HALO

    def measure(self, view: View) -> Columns:
        """Return the sums of those pixels of rings that the chunk owns."""
        assert view.image is not None
        regions, places = ring_pixels(view.window, view.core)
        count = np.bincount(regions, minlength=len(view.found) + 1)[1:].astype(np.int64)
        pixels = view.image.reshape(-1)[places]
        sums = measure_intensities(regions, count, pixels)
        return {"ring": sums["finite"], "ring_total": sums["total"]}

    def merge(self, groups: Groups) -> Columns:
        """Return merged sums."""
        return groups.fold({"ring": np.add, "ring_total": np.add})

    def settle(self, rows: Rows) -> Rows:
        """Return the rows as they are."""
        return rows

    def nothing(self) -> Columns:
        """Return the columns of no objects, settled."""
        return dict.fromkeys(("ring", "ring_total"), np.zeros(0, np.int64))


def _background(rows: Rows, form: TableForm) -> list[Column]:
    assert form.intensity is not None
    values = mean(rows["ring_total"], rows["ring"], unit_of(form.intensity))
    return [Column("local_background", "", values)]


PROPERTIES: tuple[Property, ...] = (
    Property("local_background", ("surroundings",), _background, image=True),
)
