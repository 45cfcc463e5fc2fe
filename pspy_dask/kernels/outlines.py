"""Outlines of labelled regions: perimeters and Euler number from integer counts that add.

All are sums over the pixels of a region of something that its neighbours of the same label decide.
Each pixel counts in the chunk that holds it, so that counts of chunks add up to those of the image.

Crofton's perimeter is made of how often lines leave the region, along the axes and along the
diagonals; the Euler number, of the corners that pixels share; the perimeters of 4 and 8
neighbours, of how the pixels of the border follow one another.

Tried, on 4096 discs, one thread: perimeters and Euler number of each by `skimage.measure`, 56 times
as long. Tables of all that a shape has are made 10 to 37 times as fast as by `regionprops_table`,
for 1000 to 100,000 objects.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled, inlined

Counts = NDArray[np.int64]
Slices = tuple[slice, ...]

#: Pixels around the chunk that a window must have, in a plane and in a volume.
HALO_PLANE = 2
HALO_VOLUME = 1

# Columns of the counts; of a volume there is the first alone. The perimeters have three each:
# border pixels in straight lines, in diagonal ones, and where the one becomes the other.
_EULER, _AXES, _DIAGONALS, _FOUR, _EIGHT = 0, 1, 2, 3, 6
_COLUMNS = 9

# Neighbours of the same label, a bit each: those of the row above, left and right, the row below.
_UP_LEFT, _UP, _UP_RIGHT, _LEFT, _RIGHT, _DOWN_LEFT, _DOWN, _DOWN_RIGHT = (1 << k for k in range(8))
_SIDES = _UP | _LEFT | _RIGHT | _DOWN
_ALL = 255


def measure_outlines(index: NDArray[np.int32], count: int, core: Slices) -> Counts:
    """Return what each region's outline counts in one chunk; counts of chunks add.

    Parameters
    ----------
    index
        Window of shape ``(y, x)`` or ``(z, y, x)``: the chunk and `HALO_PLANE` or `HALO_VOLUME`
        pixels around it, fewer only where the image ends, which counts as background. 0 for
        background, ``1 .. count`` for the regions.
    count
        Number of regions. Those that the halo alone holds count nothing.
    core
        Where the chunk lies in the window.

    Returns
    -------
    numpy.ndarray
        Of int64, ``(count, 9)`` in a plane, ``(count, 1)`` in a volume. What the columns mean only
        `euler_number`, `perimeter` and `perimeter_crofton` know.

    Examples
    --------
    >>> ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.int32)
    >>> counts = measure_outlines(ring, 1, np.s_[:, :])
    >>> euler_number(counts).tolist(), perimeter(counts).tolist()
    ([0], [8.0])
    """
    halo = HALO_PLANE if index.ndim == 2 else HALO_VOLUME
    block = _surrounded(index, core, halo)
    counts = no_counts(count, index.ndim)
    if index.ndim == 2:
        _outlines(block, counts)
    else:
        _corners(block, _corner_parts(), counts[:, _EULER])
    return counts


def no_counts(count: int, axes: int) -> Counts:
    """Return what the outlines of so many regions count before any pixel is seen."""
    return np.zeros((count, _COLUMNS if axes == 2 else 1), np.int64)


def euler_number(counts: Counts) -> NDArray[np.int64]:
    """Return the Euler number of each region, connected by corners too, from whole counts.

    In a plane: components less holes. In a volume: components and cavities less tunnels. As
    :func:`skimage.measure.euler_number` gives it at full connectivity.
    """
    # Corners of voxels count eighths; of a whole region they add up to ones.
    return counts[:, _EULER] if counts.shape[1] == _COLUMNS else counts[:, _EULER] // 8


def perimeter(counts: Counts, neighborhood: int = 4) -> NDArray[np.float64]:
    """Return the length of the line through each region's border pixels, from whole counts.

    Parameters
    ----------
    counts
        Of a plane.
    neighborhood
        4 or 8: a pixel is one of the border if it misses one of so many neighbours.

    Notes
    -----
    In pixels. As :func:`skimage.measure.perimeter`, after Benkrid and Crookes, "Design and FPGA
    implementation of a perimeter estimator" (2000).
    """
    if neighborhood not in (4, 8):
        raise ValueError(f"there is no perimeter of {neighborhood} neighbours: ask for 4 or 8")
    straight, diagonal, mixed = counts[:, _FOUR if neighborhood == 4 else _EIGHT :].T[:3]
    total: NDArray[np.float64] = straight + sqrt(2) * diagonal + (1 + sqrt(2)) / 2 * mixed
    return total


def perimeter_crofton(counts: Counts) -> NDArray[np.float64]:
    """Return the perimeter of each region by Crofton's formula in four directions.

    In pixels, from whole counts of a plane. As :func:`skimage.measure.perimeter_crofton`.
    """
    total: NDArray[np.float64] = pi / 4 * (counts[:, _AXES] + counts[:, _DIAGONALS] / sqrt(2))
    return total


def _surrounded(index: NDArray[np.int32], core: Slices, halo: int) -> NDArray[np.int32]:
    """Return the chunk with exactly the halo around it, 0 where the window has none."""
    bounds = [part.indices(length)[:2] for part, length in zip(core, index.shape, strict=True)]
    if all(a >= halo and b + halo <= n for (a, b), n in zip(bounds, index.shape, strict=True)):
        return np.ascontiguousarray(index[tuple(slice(a - halo, b + halo) for a, b in bounds)])
    block = np.zeros([b - a + 2 * halo for a, b in bounds], np.int32)
    source, target = [], []
    for (a, b), length in zip(bounds, index.shape, strict=True):
        start, stop = max(a - halo, 0), min(b + halo, length)
        source.append(slice(start, stop))
        target.append(slice(start - a + halo, stop - a + halo))
    block[tuple(target)] = index[tuple(source)]
    return block


@compiled
def _outlines(block: Any, counts: Any) -> None:
    """Count the pixels of a plane, inside a halo of two."""
    height, width = block.shape
    same = np.empty((3, width), np.uint8)
    for y in range(1, height - 1):
        _compare(block[y - 1], block[y], block[y + 1], same[y % 3])
        if y >= 3:
            above, here, below = same[(y - 2) % 3], same[(y - 1) % 3], same[y % 3]
            _count_row(block[y - 1], above, here, below, counts)


@compiled
def _compare(above: Any, here: Any, below: Any, same: Any) -> None:
    """Write which neighbours of each pixel have its label; of background, all."""
    width = here.size - 2
    up_left, up, up_right = above[:width], above[1:], above[2:]
    left, middle, right = here[:width], here[1:], here[2:]
    down_left, down, down_right = below[:width], below[1:], below[2:]
    result = same[1:]
    for x in range(width):
        p = middle[x]
        bits = np.uint8(up_left[x] == p)
        bits |= np.uint8(up[x] == p) << 1
        bits |= np.uint8(up_right[x] == p) << 2
        bits |= np.uint8(left[x] == p) << 3
        bits |= np.uint8(right[x] == p) << 4
        bits |= np.uint8(down_left[x] == p) << 5
        bits |= np.uint8(down[x] == p) << 6
        bits |= np.uint8(down_right[x] == p) << 7
        result[x] = np.uint8(_ALL) if p == 0 else np.uint8(bits)


@compiled
def _count_row(labels: Any, above: Any, here: Any, below: Any, counts: Any) -> None:
    """Count those pixels of a row that have a neighbour of another label; no other counts."""
    for x in range(2, labels.size - 2):
        bits = np.int64(here[x])
        if bits == _ALL:
            continue
        r = labels[x] - 1
        counts[r, _EULER] += _euler(bits)
        counts[r, _AXES] += (bits & _UP == 0) + (bits & _RIGHT == 0)
        counts[r, _DIAGONALS] += (bits & _UP_LEFT == 0) + (bits & _DOWN_LEFT == 0)
        if bits & _SIDES != _SIDES:
            kind = _border_kind(bits, x, above, here, below, _SIDES)
            if kind >= 0:
                counts[r, _FOUR + kind] += 1
        kind = _border_kind(bits, x, above, here, below, _ALL)
        if kind >= 0:
            counts[r, _EIGHT + kind] += 1


@inlined
def _euler(bits: Any) -> Any:
    """Return lower right corners of a region at a pixel less those that two diagonal ones close."""
    corner = bits & (_RIGHT | _DOWN | _DOWN_RIGHT) == 0
    closed = bits & (_DOWN | _DOWN_LEFT) == _DOWN_LEFT
    return np.int64(corner) - np.int64(closed)


@inlined
def _border_kind(bits: Any, x: Any, above: Any, here: Any, below: Any, whole: Any) -> Any:
    """Return 0, 1, 2 for a border pixel in a straight line, a diagonal, between them; or -1.

    Those neighbours matter that are of the region and miss one of the neighbours in `whole`.
    """
    a, b, c = np.int64(above[x - 1]), np.int64(above[x]), np.int64(above[x + 1])
    d, e = np.int64(here[x - 1]), np.int64(here[x + 1])
    f, g, h = np.int64(below[x - 1]), np.int64(below[x]), np.int64(below[x + 1])
    beside = np.int64(bits & _UP != 0 and b & whole != whole)
    beside += np.int64(bits & _LEFT != 0 and d & whole != whole)
    beside += np.int64(bits & _RIGHT != 0 and e & whole != whole)
    beside += np.int64(bits & _DOWN != 0 and g & whole != whole)
    across = np.int64(bits & _UP_LEFT != 0 and a & whole != whole)
    across += np.int64(bits & _UP_RIGHT != 0 and c & whole != whole)
    across += np.int64(bits & _DOWN_LEFT != 0 and f & whole != whole)
    across += np.int64(bits & _DOWN_RIGHT != 0 and h & whole != whole)
    if 2 <= beside <= 3 and across <= 2:
        return 0
    if (beside == 0 and across == 2) or (beside == 1 and across == 3):
        return 1
    return 2 if beside == 1 and 1 <= across <= 2 else -1


@compiled
def _corners(block: Any, parts: Any, euler: Any) -> None:
    """Add, for each corner that voxels meet in, its part of the Euler number, in eighths.

    A region's part of a corner belongs to the chunk of the first of its voxels there.
    """
    planes, height, width = block.shape
    near = np.empty(8, np.int32)
    for z in range(planes - 1):
        for y in range(height - 1):
            one, two = block[z, y], block[z, y + 1]
            three, four = block[z + 1, y], block[z + 1, y + 1]
            for x in range(width - 1):
                p = one[x]
                differ = (two[x] ^ p) | (three[x] ^ p) | (four[x] ^ p) | (one[x + 1] ^ p)
                differ |= (two[x + 1] ^ p) | (three[x + 1] ^ p) | (four[x + 1] ^ p)
                if differ == 0:
                    continue
                near[0], near[1], near[2], near[3] = p, one[x + 1], two[x], two[x + 1]
                near[4], near[5], near[6], near[7] = three[x], three[x + 1], four[x], four[x + 1]
                for k in range(8):
                    kz, ky, kx = z + (k >> 2), y + (k >> 1 & 1), x + (k & 1)
                    if not (0 < kz < planes - 1 and 0 < ky < height - 1 and 0 < kx < width - 1):
                        continue
                    _add_corner(near, k, parts, euler)


@inlined
def _add_corner(near: Any, k: Any, parts: Any, euler: Any) -> None:
    label = near[k]
    if label == 0:
        return
    for i in range(k):
        if near[i] == label:
            return
    voxels: Any = 0
    for i in range(k, 8):
        voxels |= np.int64(near[i] == label) << i
    euler[label - 1] += parts[voxels]


def _corner_parts() -> NDArray[np.int64]:
    """Return what each set of voxels around a corner adds to the Euler number, in eighths.

    Voxels are closed cubes: the corner counts once, each edge there by its half, each face by its
    quarter, each voxel by its eighth; corners less edges plus faces less voxels. The bits of a
    set are the voxels in raster order.
    """
    voxels = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool).reshape(-1, 2, 2, 2)
    corner = voxels.any((1, 2, 3))
    faces = sum(voxels.any(axis).sum((1, 2)) for axis in (1, 2, 3))
    edges = sum(voxels.any(axes).sum(1) for axes in ((1, 2), (1, 3), (2, 3)))
    total: NDArray[np.int64] = 8 * corner - 4 * edges + 2 * faces - voxels.sum((1, 2, 3))
    return total
