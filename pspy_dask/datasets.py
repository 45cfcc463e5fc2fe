"""A mosaic to try things on: as large as one likes, and made only where it is read."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, floor, log, pi, sin, sqrt
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.chunking import ChunksLike
from pspy_dask.blocks.grid import Box, Index
from pspy_dask.blocks.images import source_image
from pspy_dask.kernels.coordinate_hash import mix
from pspy_dask.kernels.jit import compiled

_CELL = 32  # at most one particle a cell
_RADIUS = (5.0, 40.0)
_WANDER = 4.0  # pixels a particle strays from where it would drift
_REACH = _RADIUS[1] + _WANDER + 1
_DRIFT = (0.6, -0.4)  # pixels a frame
_DENSITY_PITCH, _LIGHT_PITCH, _TILE = 1024, 1536, 2048
_COUNTS, _READ = 3.0, 20.0  # counts an electron gives, counts the readout strays

# What a random number is for: the numbers of one purpose do not depend on those of another.
_PRESENT, _PARTICLE, _DENSITY, _LIGHT, _GAIN, _NOISE = 1, 2, 3, 4, 5, 6


def mosaic(
    shape: tuple[int, int] = (8192, 8192),
    *,
    seed: int = 7,
    chunks: ChunksLike = "auto",
    pixel_size: float = 0.5,
    frames: int | None = None,
) -> xr.DataArray:
    """Return a synthetic HAADF mosaic of nanoparticles, the same pixels whatever is read.

    Parameters
    ----------
    shape
        Rows and columns; a chunk is made when it is read, so any size will do.
    seed
        Another seed, another specimen.
    chunks
        As in :func:`pspy_dask.open_image`.
    pixel_size
        In nm.
    frames
        Length of a time series in which the particles drift; None for one image.

    Returns
    -------
    xarray.DataArray
        Lazy uint16 of axes ``([t,] y, x)``: some 650 particles in 1024 x 1024 pixels, radii 5 to
        40 pixels, on an uneven background with the faint seams of a stage scan.

    Examples
    --------
    >>> image = mosaic((65536, 65536))
    >>> image.sizes["x"], str(image.dtype), image.coords["x"].attrs["units"]
    (65536, 'uint16', 'nm')
    """
    lengths = (int(shape[0]), int(shape[1])) if len(shape) == 2 else ()
    if not lengths or min(lengths) < 1 or (frames is not None and frames < 1):
        raise ValueError(f"shape is {shape} and frames {frames}: give positive lengths (y, x)")
    full = lengths if frames is None else (int(frames), *lengths)
    return source_image(
        MosaicSource(full, int(seed)),
        ("y", "x") if frames is None else ("t", "y", "x"),
        chunks=chunks,
        steps={"y": pixel_size, "x": pixel_size},
        units={"y": "nm", "x": "nm"},
        name="mosaic",
    )


@dataclass(frozen=True)
class MosaicSource:
    """The pixels of a mosaic of this shape, ``([t,] y, x)``; each depends on where it is alone."""

    shape: Index
    seed: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        return np.dtype(np.uint16)

    def read(self, box: Box) -> NDArray[np.uint16]:
        """Return the pixels of the box."""
        series = len(self.shape) == 3
        times = range(box.start[0], box.stop[0]) if series else range(1)
        frames = [self._frame(t, box) for t in times]
        return np.stack(frames) if series else frames[0]

    def particles(self, box: Box, frame: int = 0) -> NDArray[np.float32]:
        """Return how bright the particles alone are in a box of a frame; 0 where there is none."""
        particles = np.zeros(box.shape[-2:], np.float32)
        _draw_particles(particles, self._bits, frame, *box.start[-2:])
        return particles

    def _frame(self, t: int, box: Box) -> NDArray[np.uint16]:
        return _expose(self.particles(box, t), self._bits, t, *box.start[-2:])

    @property
    def _bits(self) -> np.uint64:
        return np.uint64(self.seed % 2**64)


@compiled
def _hash(seed: np.uint64, purpose: int, i: int, j: int) -> np.uint64:
    """Return 64 random bits that belong to this place and purpose."""
    h = mix(seed ^ mix(np.uint64(purpose)))
    return mix(mix(h ^ np.uint64(i)) ^ np.uint64(j))


@compiled
def _unit(h: np.uint64, k: int) -> float:
    """Return the k-th random number, above 0 and below 1, that belongs to these bits."""
    return (float(mix(h + np.uint64(k)) >> np.uint64(12)) + 0.5) * 2.0**-52


@compiled
def _ease(f: float) -> float:
    return f * f * (3.0 - 2.0 * f)


@compiled
def _node(seed: np.uint64, purpose: int, y: int, column: int, pitch: int) -> float:
    """Return a slowly varying random field, 0 to 1, in row y on a column of its lattice."""
    row = y // pitch
    above, below = _hash(seed, purpose, row, column), _hash(seed, purpose, row + 1, column)
    return _unit(above, 0) + (_unit(below, 0) - _unit(above, 0)) * _ease(y / pitch - row)


@compiled
def _field(seed: np.uint64, purpose: int, y: int, x: int, pitch: int) -> float:
    """Return the field at a pixel."""
    column = x // pitch
    left = _node(seed, purpose, y, column, pitch)
    right = _node(seed, purpose, y, column + 1, pitch)
    return left + (right - left) * _ease(x / pitch - column)


@compiled
def _draw_particles(out: NDArray[np.float32], seed: np.uint64, t: int, y0: int, x0: int) -> None:
    """Draw the particles of every cell that can reach the window whose first pixel is (y0, x0).

    The brighter wins where two overlap, so that the order in which they are drawn has no say.
    """
    top, left = y0 - _DRIFT[0] * t, x0 - _DRIFT[1] * t
    rows = range(floor((top - _REACH) / _CELL), ceil((top + out.shape[0] + _REACH) / _CELL))
    for row in rows:
        first = floor((left - _REACH) / _CELL)
        for column in range(first, ceil((left + out.shape[1] + _REACH) / _CELL)):
            density = _field(seed, _DENSITY, row * _CELL, column * _CELL, _DENSITY_PITCH)
            if _unit(_hash(seed, _PRESENT, row, column), 0) < 0.35 + 0.6 * density:
                _draw_particle(out, _hash(seed, _PARTICLE, row, column), row, column, t, y0, x0)


@compiled
def _draw_particle(
    out: NDArray[np.float32], h: np.uint64, row: int, column: int, t: int, y0: int, x0: int
) -> None:
    """Draw one ellipse whose brightness follows its thickness, with a sharp edge."""
    stray = _WANDER * sin(0.12 * t) if t else 0.0
    turn = 2.0 * pi * _unit(h, 0)
    cy = (row + _unit(h, 1)) * _CELL + _DRIFT[0] * t + stray * sin(turn)
    cx = (column + _unit(h, 2)) * _CELL + _DRIFT[1] * t + stray * cos(turn)
    grown = 4.5 - 2.6 * log(_unit(h, 3) * _unit(h, 4))  # gamma distribution of shape 2
    radius = min(max(grown, _RADIUS[0]), _RADIUS[1])
    flat, angle = 0.75 + 0.25 * _unit(h, 5), pi * _unit(h, 6)
    edge = 0.38 * (0.8 + 0.4 * _unit(h, 7))
    bulge = (0.25 + 0.035 * radius) * (0.8 + 0.4 * _unit(h, 8))
    c, s, limit = cos(angle), sin(angle), radius + 1.0
    for y in range(max(y0, floor(cy - limit)), min(y0 + out.shape[0], ceil(cy + limit))):
        for x in range(max(x0, floor(cx - limit)), min(x0 + out.shape[1], ceil(cx + limit))):
            u, v = (x - cx) * c + (y - cy) * s, ((y - cy) * c - (x - cx) * s) / flat
            depth = 1.0 - (u * u + v * v) / (radius * radius)
            if depth > 0.0:
                value = np.float32(edge + bulge * sqrt(depth))
                out[y - y0, x - x0] = max(out[y - y0, x - x0], value)


@compiled
def _expose(
    particles: NDArray[np.float32], seed: np.uint64, t: int, y0: int, x0: int
) -> NDArray[np.uint16]:
    """Return the counts of a detector: background, gain of the tile, shot and read noise."""
    rows, columns = particles.shape
    out = np.empty((rows, columns), np.uint16)
    first, last = x0 // _LIGHT_PITCH, (x0 + columns) // _LIGHT_PITCH + 1
    light = np.empty(last - first + 1)
    for y in range(y0, y0 + rows):
        for k in range(light.size):
            light[k] = _node(seed, _LIGHT, y, first + k, _LIGHT_PITCH)
        noise = _hash(seed, _NOISE, t, y)
        gain = 1.0
        for x in range(x0, x0 + columns):
            if x == x0 or x % _TILE == 0:
                gain = 0.985 + 0.03 * _unit(_hash(seed, _GAIN, y // _TILE, x // _TILE), 0)
            k = x // _LIGHT_PITCH
            a, b = light[k - first], light[k + 1 - first]
            background = 160.0 + 380.0 * (a + (b - a) * _ease(x / _LIGHT_PITCH - k))
            mean = gain * (background + 900.0 * particles[y - y0, x - x0])
            value = (
                100.0 + mean + sqrt(_COUNTS * mean + _READ**2) * _normal(mix(noise + np.uint64(x)))
            )
            out[y - y0, x - x0] = np.uint16(min(max(value + 0.5, 0.0), 65535.0))
    return out


@compiled
def _normal(h: np.uint64) -> float:
    """Return a number of mean 0 and deviation 1: four 16-bit numbers added are nearly normal."""
    low = np.uint64(0xFFFF)
    total = (h & low) + ((h >> np.uint64(16)) & low) + ((h >> np.uint64(32)) & low)
    return (float(total + (h >> np.uint64(48))) - 131070.0) * (sqrt(3.0) / 65536.0)
