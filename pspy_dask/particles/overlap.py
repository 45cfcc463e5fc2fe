"""Trajectories of objects that drift slowly: linked where they overlap from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pspy_dask.blocks.codec import Packed, pack, unpack
from pspy_dask.blocks.images import ImageLike, as_labels, has_frames
from pspy_dask.blocks.series import follow_series
from pspy_dask.kernels.overlaps import (
    Counts,
    LabelRuns,
    count_overlaps,
    count_pixels,
    find_label_runs,
    sum_counts,
)


def link_overlap(labels: ImageLike, *, min_overlap: float = 0.5, memory: int = 0) -> dd.DataFrame:
    """Return the trajectory of each object, found by overlap; the same whatever the chunks.

    Parameters
    ----------
    labels
        Integers, 0 for background, of axes ``(t, [z,] y, x)``; labels of one frame say nothing
        of those of the next.
    min_overlap
        Above 0, at most 1: the least overlap that links two objects. The overlap is the pixels
        that both have over the pixels that any of them has (intersection over union).
    memory
        For how many frames an object may be missing.

    Returns
    -------
    dask.dataframe.DataFrame
        Lazy, a partition a frame: ``frame``, ``label`` and ``particle``, the number of the
        trajectory, from 1 in the order of first appearance (frame, then label). It joins onto the
        table of :func:`pspy_dask.region_properties`:
        ``table.merge(links, on=["frame", "label"])``.

    Raises
    ------
    ValueError
        The labels have no axis t or are not integers, or an option is out of its range.

    Notes
    -----
    Pairs are linked one to one, those of the largest overlap first; of equal ones the pair with
    fewer frames between, then with the lower trajectory, then with the lower label. Above 0.5
    no object can have two partners in a frame. Only what one frame holds is carried to the next.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> frames = np.array([[[0, 1, 1, 1, 0, 0, 2]], [[1, 0, 2, 2, 2, 0, 0]]])
    >>> link_overlap(xr.DataArray(frames, dims=("t", "y", "x"))).compute()
       frame  label  particle
    0      0      1         1
    1      0      2         2
    0      1      1         3
    1      1      2         1
    """
    image = as_labels(labels)
    if not has_frames(image):
        raise ValueError(
            f"labels of axes {image.dims} are no series: name the axes, as in "
            'xarray.DataArray(labels, dims=("t", "y", "x"))'
        )
    if not 0 < min_overlap <= 1:
        raise ValueError(f"min_overlap is {min_overlap}: give a number above 0, at most 1")
    if memory < 0 or int(memory) != memory:
        raise ValueError(f"memory is {memory}: give a number of frames, 0 or more")
    return follow_series(image.data, LinkOverlaps(float(min_overlap), int(memory)))


@dataclass(frozen=True)
class Sightings:
    """Where trajectories were seen last, and how many there are so far.

    Attributes
    ----------
    rows
        (particle, frame, label, pixels) of each trajectory that may go on.
    total
        Number of trajectories so far.
    """

    rows: Counts
    total: int


@dataclass(frozen=True)
class LinkOverlaps:
    """The program of :func:`pspy_dask.blocks.series.follow_series` that links by overlap.

    Partial results are rows (frames back, label there, label here, pixels that have both) with
    the pixels of the labels themselves as rows (0, 0, label, pixels); they merge by adding.
    """

    min_overlap: float
    memory: int

    @property
    def before(self) -> int:
        """How many frames back a chunk looks."""
        return self.memory + 1

    def code(self, pixels: NDArray[Any]) -> tuple[Packed, int]:
        """Return the runs of one chunk."""
        starts, values, size = find_label_runs(pixels)
        return pack(starts, values), size

    def partial(self, codes: Sequence[tuple[Packed, int]]) -> Counts:
        """Return the counts of one chunk."""
        here, *earlier = (_runs(packed, size) for packed, size in codes)
        parts = [_prefixed((0, 0), count_pixels(here))]
        for back, there in enumerate(earlier, 1):
            parts.append(_prefixed((back,), count_overlaps(there, here)))
        return np.concatenate(parts)

    def merge(self, a: Counts, b: Counts) -> Counts:
        """Return the counts of the chunks of both."""
        return sum_counts([a, b])

    def advance(
        self, state: Sightings | None, partial: Counts, frame: int
    ) -> tuple[Sightings, pd.DataFrame]:
        """Return what is known after a frame, and the trajectories of its objects."""
        seen = state or Sightings(np.zeros((0, 4), np.int64), 0)
        own = partial[:, 0] == 0
        label, area = partial[own, 2], partial[own, 3]
        particle = self._link(seen, partial[~own], frame, label, area)
        is_new = particle == 0
        total = seen.total + int(is_new.sum())
        particle[is_new] = np.arange(seen.total + 1, total + 1)
        here = np.stack([particle, np.full_like(label, frame), label, area], axis=1)
        missing = ~np.isin(seen.rows[:, 0], particle) & (seen.rows[:, 1] >= frame - self.memory)
        table = pd.DataFrame({"frame": here[:, 1], "label": label, "particle": particle})
        return Sightings(np.concatenate([seen.rows[missing], here]), total), _with_units(table)

    def _link(
        self, seen: Sightings, pairs: Counts, frame: int, label: Counts, area: Counts
    ) -> Counts:
        """Return the trajectory that each object of a frame goes on with, or 0."""
        last = {(at, there): (k, n) for k, at, there, n in seen.rows.tolist()}
        areas = dict(zip(label.tolist(), area.tolist(), strict=True))
        candidates = []
        for back, there, here, both in pairs.tolist():
            if (frame - back, there) in last:  # it was not seen since
                known, size = last[frame - back, there]
                overlap = both / (size + areas[here] - both)
                if overlap >= self.min_overlap:
                    candidates.append((-overlap, back, known, here))
        chosen: dict[int, int] = {}
        taken: set[int] = set()
        for _, _, known, here in sorted(candidates):
            if known not in taken and here not in chosen:
                chosen[here] = known
                taken.add(known)
        return np.array([chosen.get(k, 0) for k in label.tolist()], np.int64)

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        return _with_units(
            pd.DataFrame({name: np.zeros(0, np.int64) for name in ("frame", "label", "particle")})
        )


def _prefixed(lead: tuple[int, ...], counts: Counts) -> Counts:
    rows = np.empty((len(counts), len(lead) + counts.shape[1]), np.int64)
    rows[:, : len(lead)] = lead
    rows[:, len(lead) :] = counts
    return rows


def _with_units(table: pd.DataFrame) -> pd.DataFrame:
    table.attrs["units"] = dict.fromkeys(table.columns, "")
    return table


def _runs(packed: Packed, size: int) -> LabelRuns:
    starts, values = unpack(packed)
    return LabelRuns(starts, values, size)
