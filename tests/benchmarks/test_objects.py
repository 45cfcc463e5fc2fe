"""What the benchmarks of many objects measure is what they say, and their help is help."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pspy_dask.api as ps
from benchmarks import objects, objects_memory, particle_analysis


def test_discs_made_where_they_are_read_are_those_in_memory(monkeypatch):
    monkeypatch.setattr(objects_memory, "_CHUNK", 150)  # seams cut discs
    lazy = objects_memory.labels(100)
    assert lazy.chunks == ((150, 150, 20),) * 2
    np.testing.assert_array_equal(lazy, objects.discs(100, 320))


def test_all_discs_of_the_picture_are_particles():
    params = ps.parameters()
    params.generate()
    pixels = particle_analysis.picture(16)
    found = ps.particle_analysis(pixels, params)
    labels = objects.discs(16, 128)
    assert len(found) == 16
    np.testing.assert_array_equal(found.list[3].mask, labels == 4)


@pytest.mark.parametrize(
    "module",
    [
        "local_zarr",
        "memory",
        "objects_memory",
        "particle_analysis",
        "series",
        "watershed_memory",
    ],
)
def test_help_ends_in_no_traceback(module):
    command = [sys.executable, "-m", f"benchmarks.{module}", "--help"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: python -m benchmarks.{module}")
