"""Samples of pixels that do not depend on chunks: the pixels of lowest hash of their coordinate.

A set of images is counted through by frames, so that frames in a list and the frames of a series
are one set alike. A pixel is drawn by the hash of (seed, frame, coordinate); a sample is therefore
the same whichever tasks see it, and samples of parts merge into the sample of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box
from pspy_dask.kernels.coordinate_hash import coordinate_hashes

_LAST = 2**64 - 1
_SPARE = 4  # pixels that pass for one that is taken


@dataclass(frozen=True)
class Sample:
    """Some pixels, the ``limit`` of lowest hash of all that were offered, sorted by hash.

    Attributes
    ----------
    limit
        Most pixels that are kept.
    hashes
        The hash of each, uint64.
    places
        Where each lies: (frame, z, y, x).
    rows
        What is known of each, one row a pixel.
    """

    limit: int
    hashes: NDArray[np.uint64]
    places: NDArray[np.int64]
    rows: NDArray[Any]

    def __len__(self) -> int:
        return len(self.hashes)

    def merge(self, other: Sample) -> Sample:
        """Return the sample of both sets of pixels, which have none in common.

        Pixels of the same hash come in the order of their places.
        """
        hashes = np.concatenate([self.hashes, other.hashes])
        places = np.concatenate([self.places, other.places])
        rows = np.concatenate([self.rows, other.rows])
        order = np.lexsort((*places.T[::-1], hashes))[: self.limit]
        return Sample(self.limit, hashes[order], places[order], rows[order])

    def in_raster_order(self) -> Sample:
        """Return the same pixels in the order of frame, z, y, x."""
        order = np.lexsort(self.places.T[::-1])
        return Sample(self.limit, self.hashes[order], self.places[order], self.rows[order])


@dataclass(frozen=True)
class SampleLaw:
    """Which pixels of a set are drawn: the ``size`` of lowest hash among those that may be.

    Only pixels whose hash lies below a threshold are looked at. Some ``4 * size`` of the set do,
    so that little travels between tasks; where less than a quarter of the set may be drawn, fewer
    than ``size`` are.

    Attributes
    ----------
    seed
        Another seed, another sample.
    size
        Pixels to draw.
    total
        Pixels of the set.
    """

    seed: int
    size: int
    total: int

    @property
    def last(self) -> int:
        """The highest hash that passes.

        >>> SampleLaw(seed=0, size=25, total=200).last == 2**63 - 1
        True
        """
        return min(_LAST, (_SPARE * self.size << 64) // self.total - 1)

    def drawn(
        self, frame: int, box: Box, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
        """Return the pixels of a box that pass: their places in it when flat, and their hashes.

        Parameters
        ----------
        frame
            Number of the frame in the set.
        box
            The pixels, ``(y, x)`` or ``(z, y, x)``.
        allowed
            Which of them may be drawn; None for all.
        """
        hashes = coordinate_hashes(self.seed, frame, box.start, box.shape)
        passing = hashes <= np.uint64(self.last)
        if allowed is not None:
            passing &= allowed
        at = np.flatnonzero(passing)
        return at, hashes.reshape(-1)[at]

    def sample(
        self,
        frame: int,
        box: Box,
        drawn: tuple[NDArray[np.intp], NDArray[np.uint64]],
        rows: NDArray[Any],
    ) -> Sample:
        """Return the sample of a box, of the pixels drawn in it and what is known of each."""
        at, hashes = drawn
        places = np.zeros((at.size, 4), np.int64)
        places[:, 0] = frame
        axes = len(box.start)
        places[:, -axes:] = np.stack(np.unravel_index(at, box.shape), axis=1) + box.start
        order = np.lexsort((at, hashes))[: self.size]
        return Sample(self.size, hashes[order], places[order], rows[order])
