"""Compiled for a lesser processor, every kernel of the table gives the same bits.

A generic processor takes the plain loops, one with AVX2 alone the lanes.
"""

import os
import subprocess
import sys
from ast import literal_eval
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from benchmarks import planes
from benchmarks.comparisons import COMPARISONS
from benchmarks.processors import LESSER, runs_avx2
from pspy_dask.kernels.forest import forest_labels, forest_probabilities
from pspy_dask.kernels.membrane_lanes import features_by_lanes
from pspy_dask.kernels.trees import forest_of_estimator


def results():
    """Return a digest of what each kernel gives, whichever path it takes here."""
    found = []
    for comparison in COMPARISONS:
        given = comparison.given(planes.micrograph(96))
        found.append((comparison.name, comparison.ours(*given)))
    image = planes.micrograph(60).astype("f8")
    lanes = np.empty((6, 60, 60))
    features_by_lanes(np.pad(image, 9, "symmetric"), lanes)  # on any processor
    found.append(("membrane in lanes", lanes))
    (pixels,) = planes.forest_of_pixels(planes.micrograph(60))
    found.append(("shares", forest_probabilities(pixels.forest, pixels.rows)))
    rows = np.tile(pixels.rows, (1, 2))  # 14 features
    trees = RandomForestClassifier(20, random_state=0).fit(rows, rows[:, 1] > rows[:, 5])
    forest = forest_of_estimator(trees)
    found.append(("labels of 14 features", forest_labels(forest, rows)))
    return {n: sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for n, array in found}


@pytest.mark.parametrize(
    "lesser",
    [
        "generic",
        pytest.param(
            "AVX2",
            marks=pytest.mark.skipif(
                not runs_avx2(), reason="only processors with AVX2 run its code"
            ),
        ),
    ],
)
def test_results_are_the_same(tmp_path, lesser):
    environment = os.environ | LESSER[lesser] | {"NUMBA_CACHE_DIR": str(tmp_path)}
    program = "from tests.kernels.test_other_processors import results; print(results())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert literal_eval(done.stdout) == results()
