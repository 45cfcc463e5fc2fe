"""Every kernel of the table of comparisons gives what its reference gives."""

import numpy as np
import pytest

from benchmarks import planes
from benchmarks.comparisons import COMPARISONS


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda c: c.name)
def test_equals_its_reference(comparison):
    given = comparison.given(planes.micrograph(300))
    difference = comparison.difference(comparison.ours(*given), comparison.theirs(*given))
    assert difference <= comparison.tolerance
    assert (comparison.tolerance == 0) == (comparison.why == "")


def test_differences_are_seen():
    a = np.arange(6.0).reshape(2, 3)
    assert planes.largest_difference(a, a) == 0
    assert planes.largest_difference(a, a + 1e-9) > 0
    assert planes.largest_difference(a, a.astype(int)) == np.inf
    assert planes.other_pixels(np.array([1, 2, 0]), np.array([1, 1, 0])) == 0.5


def test_names_are_unlike():
    assert len({c.name for c in COMPARISONS}) == len(COMPARISONS)
