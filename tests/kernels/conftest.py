"""What the tests of the filters share."""

import numpy as np
import pytest


def _windows_agree(function, image, halo, rng, number=6):
    """Cut windows with a halo anywhere in the image: their cores must be the whole's pixels."""
    whole = function(image)
    for _ in range(number):
        core, outer = [], []
        for length in image.shape:
            start = int(rng.integers(0, length))
            stop = int(rng.integers(start + 1, length + 1))
            low, high = max(0, start - halo), min(length, stop + halo)
            outer.append(slice(low, high))
            core.append((slice(start, stop), slice(start - low, stop - low)))
        part = function(np.ascontiguousarray(image[tuple(outer)]))
        expected = whole[tuple(one for one, _ in core)]
        got = part[tuple(two for _, two in core)]
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


@pytest.fixture
def windows_agree():
    return _windows_agree
