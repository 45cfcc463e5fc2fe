"""Random bits of places: the same in every box, different everywhere, without a pattern."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pspy_dask.kernels.coordinate_hash import coordinate_hashes, mix

BITS = 2**64


def mixed(h):
    """The finalizer with integers of any length."""
    h = (h + 0x9E3779B97F4A7C15) % BITS
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 % BITS
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB % BITS
    return h ^ (h >> 31)


@given(st.integers(0, BITS - 1))
def test_mix_is_that_of_long_integers(h):
    assert int(mix(np.uint64(h))) == mixed(h)


@given(
    st.integers(-BITS, 2 * BITS),
    st.integers(0, 2**31),
    st.tuples(*[st.integers(0, 2**40)] * 3),
)
def test_bits_are_those_of_seed_frame_and_coordinate(seed, frame, start):
    expected = mixed(seed % BITS)
    for number in (frame, start[0], start[1] + 1, start[2] + 2):
        expected = mixed(expected ^ number)
    assert int(coordinate_hashes(seed, frame, start, (1, 2, 3))[0, 1, 2]) == expected


@pytest.mark.parametrize("shape", [(40, 50), (6, 20, 30)])
def test_boxes_agree(shape):
    rng = np.random.default_rng(3)
    whole = coordinate_hashes(5, 2, (0,) * len(shape), shape)
    for _ in range(20):
        start = tuple(int(rng.integers(0, n)) for n in shape)
        stop = tuple(int(rng.integers(a + 1, n + 1)) for a, n in zip(start, shape, strict=True))
        part = coordinate_hashes(
            5, 2, start, tuple(b - a for a, b in zip(start, stop, strict=True))
        )
        np.testing.assert_array_equal(part, whole[tuple(map(slice, start, stop))])


def test_a_plane_is_the_first_of_a_volume():
    volume = coordinate_hashes(1, 0, (0, 3, 4), (2, 5, 6))
    np.testing.assert_array_equal(coordinate_hashes(1, 0, (3, 4), (5, 6)), volume[0])
    assert not (volume[0] == volume[1]).any()


def test_seeds_frames_and_pixels_differ():
    shape = (64, 64)
    planes = [coordinate_hashes(s, f, (0, 0), shape) for s in (0, 1, 2) for f in (0, 1, 2)]
    assert np.unique(planes).size == 9 * 64 * 64
    assert not np.array_equal(planes[0], planes[0].T)


def test_bits_are_even():
    """Every bit is as often 1 as 0, and shares of a threshold are what it says, within 5 sigma."""
    hashes = coordinate_hashes(0, 0, (0, 0), (512, 512)).ravel()
    ones = [np.count_nonzero(hashes >> np.uint64(k) & np.uint64(1)) for k in range(64)]
    n = hashes.size
    assert np.abs(np.array(ones) - n / 2).max() < 5 * np.sqrt(n / 4)
    for share in (0.5, 0.1, 0.01):
        passed = np.count_nonzero(hashes < np.uint64(int(share * BITS)))
        assert abs(passed - n * share) < 5 * np.sqrt(n * share)
    rows = (hashes < np.uint64(BITS // 10)).reshape(512, 512).sum(axis=1)
    assert 0.7 < rows.var() / (512 * 0.09) < 1.3
