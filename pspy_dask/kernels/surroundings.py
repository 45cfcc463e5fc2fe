"""The ring about a region: the pixels two steps away from it along the axes, and no nearer."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.kernels.jit import compiled, inlined

#: A chunk must see so many pixels beyond itself to know which pixel of a region a pixel of its
#: ring belongs to.
RING_HALO = 4


def ring_pixels(
    index: NDArray[np.int32], core: tuple[slice, ...]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return each pair of a region and a pixel of its ring that a chunk owns.

    The ring is what dilating the region twice by a cross adds to dilating it once. Pixels of other
    regions may lie in it, pixels beyond the image not. A pair belongs to the chunk in which the
    first of those pixels of the region lies that are two steps away from the ring's pixel.

    Parameters
    ----------
    index
        The chunk and a halo of 4 pixels, clipped at the image's edges; ``(z, y, x)``, 0 for
        background, the number of its region for any other pixel.
    core
        Where the chunk lies in it.

    Returns
    -------
    regions, places
        Numbers of the regions, and flat indices into ``index`` of the rings' pixels.
    """
    box = np.array([part.indices(n)[:2] for part, n in zip(core, index.shape, strict=True)])
    regions, places = _ring(np.ascontiguousarray(index), box, _far(flat=index.shape[0] == 1))
    return regions, places


def _far(*, flat: bool) -> NDArray[np.int64]:
    """Return the offsets of pixels two steps away, in raster order."""
    every = product((0,) if flat else range(-2, 3), range(-2, 3), range(-2, 3))
    return np.array([step for step in every if sum(map(abs, step)) == 2], np.int64)


@compiled
def _ring(index: Any, box: Any, far: Any) -> Any:
    regions, places = np.empty(1024, np.int32), np.empty(1024, np.int64)
    count = 0
    height, width = index.shape[1:]
    for z in range(box[0, 0], box[0, 1]):
        for y in range(box[1, 0], box[1, 1]):
            for x in range(box[2, 0], box[2, 1]):
                region = index[z, y, x]
                if region == 0 or _touches_all(index, z, y, x, region):
                    continue
                for k in range(len(far)):
                    p, q, r = z + far[k, 0], y + far[k, 1], x + far[k, 2]
                    if not _owns(index, z, y, x, p, q, r, region, far):
                        continue
                    if count == len(regions):
                        regions, places = _longer(regions), _longer(places)
                    regions[count] = region
                    places[count] = (p * height + q) * width + r
                    count += 1
    return regions[:count].copy(), places[:count].copy()


@compiled
def _longer(values: Any) -> Any:
    result = np.empty(2 * len(values), values.dtype)
    for k in range(len(values)):  # quicker to compile than a slice
        result[k] = values[k]
    return result


@inlined
def _is(index: Any, z: Any, y: Any, x: Any, region: Any) -> Any:
    """Whether a pixel is in the image and of the region."""
    return (
        0 <= z < index.shape[0]
        and 0 <= y < index.shape[1]
        and 0 <= x < index.shape[2]
        and index[z, y, x] == region
    )


@inlined
def _touches_all(index: Any, z: Any, y: Any, x: Any, region: Any) -> Any:
    """Whether all neighbours in the image are of the region: then the ring is nearer to them."""
    planes, height, width = index.shape
    return (
        (x == 0 or index[z, y, x - 1] == region)
        and (x == width - 1 or index[z, y, x + 1] == region)
        and (y == 0 or index[z, y - 1, x] == region)
        and (y == height - 1 or index[z, y + 1, x] == region)
        and (z == 0 or index[z - 1, y, x] == region)
        and (z == planes - 1 or index[z + 1, y, x] == region)
    )


@inlined
def _owns(index: Any, z: Any, y: Any, x: Any, p: Any, q: Any, r: Any, region: Any, far: Any) -> Any:
    """Whether (p, q, r) is in the ring, and (z, y, x) the first of the region two steps away."""
    planes, height, width = index.shape
    if not (0 <= p < planes and 0 <= q < height and 0 <= r < width):
        return False
    if (
        index[p, q, r] == region
        or _is(index, p, q, r - 1, region)
        or _is(index, p, q, r + 1, region)
        or _is(index, p, q - 1, r, region)
        or _is(index, p, q + 1, r, region)
        or _is(index, p - 1, q, r, region)
        or _is(index, p + 1, q, r, region)
    ):
        return False
    for k in range(len(far)):
        a, b, c = p + far[k, 0], q + far[k, 1], r + far[k, 2]
        if _is(index, a, b, c, region):
            return a == z and b == y and c == x
    return False
