"""Foregrounds that break careless stitching, and chunkings to cut them with."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st


def spiral(n, width=2):
    """One component that winds through the whole image."""
    mask = np.zeros((n, n), bool)
    pitch = 2 * width
    for t in range(0, n // 2, pitch):
        a, b = t, n - t
        mask[a : a + width, max(0, a - pitch) : b] = True
        mask[a:b, b - width : b] = True
        mask[b - width : b, a:b] = True
        mask[a + pitch : b, a : a + width] = True
    return mask


def comb(n):
    """Teeth that meet only in the last row."""
    mask = np.zeros((n, n), bool)
    mask[:, ::2] = True
    mask[-1] = True
    return mask


def checkerboard(n):
    """Pixels that meet only at corners."""
    return np.indices((n, n)).sum(0) % 2 == 0


def rings(n, width=2):
    """Nested rings, none of which touches another."""
    y, x = np.indices((n, n)) - n // 2
    return (np.maximum(abs(y), abs(x)) // width) % 2 == 0


def diagonals(n):
    """Long lines that cross every seam at a corner."""
    y, x = np.indices((n, n))
    return ((y - x) % 7 == 0) | ((y + x) % 11 == 0)


def blobs(n, seed=0):
    """Discs of many sizes."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((n, n), bool)
    y, x = np.indices((n, n))
    for _ in range(max(1, n * n // 80)):
        cy, cx, r = *rng.uniform(0, n, 2), rng.uniform(0.5, 4)
        mask |= (y - cy) ** 2 + (x - cx) ** 2 <= r * r
    return mask


def lattice(n, pitch=7):
    """Discs in rows and columns, each of which touches four others."""
    y, x = np.indices((n, n)) % pitch - pitch // 2
    return y * y + x * x <= (pitch // 2) ** 2


def specks(n, density, seed=0):
    """Single pixels, many of them touching."""
    return np.random.default_rng(seed).random((n, n)) < density


N = 29
NAMED = {
    "spiral": spiral(N),
    "comb": comb(N),
    "checkerboard": checkerboard(N),
    "rings": rings(N),
    "diagonals": diagonals(N),
    "blobs": blobs(N),
    "lattice": lattice(N),
    "specks": specks(N, 0.4),
    "single pixels": specks(N, 0.02),
    "full": np.ones((N, N), bool),
    "empty": np.zeros((N, N), bool),
}


@st.composite
def ragged(draw, length, most=8):
    """Draw chunk lengths along an axis: 1-pixel chunks, ragged ones, one chunk."""
    if draw(st.booleans()) and length <= 40:
        return draw(st.sampled_from([(1,) * length, (length,)]))
    cuts = draw(st.lists(st.integers(1, max(1, length - 1)), max_size=most, unique=True))
    edges = [0, *sorted(c for c in cuts if c < length), length]
    return tuple(b - a for a, b in pairwise(edges))


@st.composite
def chunkings(draw, shape):
    """Draw chunks for an array."""
    return tuple(draw(ragged(length)) for length in shape)
