"""Random bits that belong to a place: the same whatever is read, in whatever order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled


@compiled
def mix(h: np.uint64) -> np.uint64:
    """Scramble 64 bits (the finalizer of SplitMix64)."""
    h = h + np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


def coordinate_hashes(
    seed: int, frame: int, start: tuple[int, ...], shape: tuple[int, ...]
) -> NDArray[np.uint64]:
    """Return 64 random bits for every pixel of a box.

    They are scrambled of the seed, the frame and the coordinates of the pixel alone, so that boxes
    that share a pixel agree on it. A plane has the bits of the first plane of a volume.

    Parameters
    ----------
    seed
        Any integer; what lies beyond 64 bits does not count.
    frame
        Number of the frame, from 0.
    start, shape
        First pixel and lengths of the box, ``(y, x)`` or ``(z, y, x)``.

    Examples
    --------
    >>> whole = coordinate_hashes(7, 0, (0, 0), (4, 5))
    >>> bool((coordinate_hashes(7, 0, (2, 1), (2, 3)) == whole[2:, 1:4]).all())
    True
    """
    flat = len(shape) == 2
    depth, rows, columns = (1, *shape) if flat else shape
    z, y, x = (0, *start) if flat else start
    hashes = np.empty((depth, rows, columns), np.uint64)
    _fill(hashes, np.uint64(seed % 2**64), frame, z, y, x)
    return hashes[0] if flat else hashes


@compiled
def _fill(hashes: NDArray[np.uint64], seed: np.uint64, frame: int, z: int, y: int, x: int) -> None:
    depth, rows, columns = hashes.shape
    of_frame = mix(mix(seed) ^ np.uint64(frame))
    for k in range(depth):
        of_plane = mix(of_frame ^ np.uint64(z + k))
        for i in range(rows):
            of_row = mix(of_plane ^ np.uint64(y + i))
            for j in range(columns):
                hashes[k, i, j] = mix(of_row ^ np.uint64(x + j))


def point_hashes(seed: int, points: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return 64 random bits for every point: those of its pixel in `coordinate_hashes`.

    Parameters
    ----------
    seed
        Any integer; what lies beyond 64 bits does not count.
    points
        (n, 4): frame, plane, row and column of each, 0 where there is no such axis.

    Examples
    --------
    >>> bits = point_hashes(7, np.array([[0, 0, 2, 1], [0, 0, 3, 4]]))
    >>> bool((bits == coordinate_hashes(7, 0, (0, 0), (4, 5))[[2, 3], [1, 4]]).all())
    True
    """
    hashes = np.empty(len(points), np.uint64)
    _fill_points(hashes, np.uint64(seed % 2**64), np.ascontiguousarray(points, np.int64))
    return hashes


@compiled
def _fill_points(hashes: NDArray[np.uint64], seed: np.uint64, points: NDArray[np.int64]) -> None:
    for number in range(len(hashes)):
        h = mix(seed)
        for axis in range(points.shape[1]):
            h = mix(h ^ np.uint64(points[number, axis]))
        hashes[number] = h
