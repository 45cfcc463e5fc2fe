"""Compiled for a lesser processor, membrane features and forests give the same bits."""

import os
import platform
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from pspy_dask.kernels.forest import forest_labels, forest_probabilities
from pspy_dask.kernels.membrane import membrane_features
from pspy_dask.kernels.membrane_lanes import features_by_lanes
from pspy_dask.kernels.simd import lanes_pay
from pspy_dask.kernels.trees import forest_of_estimator

AVX2 = "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt"


def results():
    """Return a digest of what each kernel gives, whichever path it takes here."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 4000, (30, 50)).astype("u2")
    padded, lanes = np.pad(image.astype("f8"), 9, "symmetric"), np.empty((6, 30, 50))
    features_by_lanes(padded, lanes)
    rows = rng.normal(0, 9, (3000, 7)).astype("f4")
    estimator = RandomForestClassifier(12, random_state=0).fit(rows, rows[:, 0] > rows[:, 1])
    forest, more = forest_of_estimator(estimator), rng.normal(0, 9, (3000, 7))
    arrays = [
        membrane_features(image),
        lanes,
        forest_labels(forest, more),
        forest_probabilities(forest, more),
    ]
    return [sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for array in arrays]


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("generic", ""),
        pytest.param(
            "haswell",
            AVX2,
            marks=pytest.mark.skipif(
                platform.machine().lower() not in ("x86_64", "amd64") or not lanes_pay(),
                reason="only processors with AVX2 run its code",
            ),
        ),
    ],
)
def test_results_are_the_same(tmp_path, name, features):
    environment = os.environ | {
        "NUMBA_CPU_NAME": name,
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    program = "from tests.kernels.test_other_processors import results; print(*results())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == results()
