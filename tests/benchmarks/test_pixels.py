"""Features and classes of pixels are those of what they are timed against."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import kernels, planes, report
from benchmarks.candidates import predicted
from benchmarks.features_in_memory import features_in_memory
from benchmarks.pixels import CLASSIFIERS, CLUSTERS, DEFAULT, FEATURES, fitted
from pspy_dask.blocks.grid import Box
from pspy_dask.datasets import MosaicSource


@pytest.mark.parametrize("comparison", [*FEATURES, *CLASSIFIERS, CLUSTERS], ids=lambda c: c.name)
def test_equals_its_reference(comparison):
    given = comparison.given(planes.micrograph(1024)[100:190, 200:300])
    ours = comparison.ours(*given)
    np.testing.assert_array_equal(ours, comparison.theirs(*given))
    assert len(np.unique(ours)) > 1


def test_the_forest_knows_particles():
    """Its mistakes are few; where labels were mistaken, its trees are larger."""
    plain, mistaken = fitted()[0].forest, fitted(0.1)[0].forest
    assert plain.roots.size == 200 and mistaken.left.size > 2 * plain.left.size
    assert fitted()[1].score(*_others()) > 0.9


def _others():
    """Pixels that the forest has not seen, and what they show."""
    box = Box((1100, 1100), (1200, 1200))
    source = MosaicSource((2048, 2048), seed=7)
    stack = features_in_memory(source.read(box), DEFAULT)
    return stack.reshape(len(stack), -1).T, 1 + (source.particles(box).reshape(-1) > 0)


def test_a_prediction_counts_particles():
    count = predicted.prepare("", {"side": 256, "chunks": 100})()
    assert 0.1 < count / 256**2 < 0.9
    assert count == predicted.prepare("", {"side": 256, "chunks": 256})()


def test_the_section_can_be_printed():
    row = kernels.measured(FEATURES[0], 64, 1).row()
    found = {"side": 64, "rows": [row], "memory": [{"side": 64, "peak": 2**28}]}
    page = report.SECTIONS["pixels"](found)
    assert "| gaussian 1, uint16 |" in page and "256 MiB at 64 x 64" in page
