"""How kernels are compiled; once, all their tests with the bounds of arrays checked."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import pspy_dask.kernels

MODULES = [
    importlib.import_module(f"pspy_dask.kernels.{module.name}")
    for module in pkgutil.iter_modules(pspy_dask.kernels.__path__)
]
KERNELS = {
    f"{module.__name__}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Dispatcher)
}


@pytest.mark.parametrize("name", KERNELS)
def test_releases_the_gil_and_keeps_to_its_thread(name):
    options = KERNELS[name].targetoptions
    assert options["nogil"] and not options.get("parallel") and not options.get("fastmath")


def test_there_are_kernels():
    assert len(KERNELS) > 20


def test_compiled_code_lies_outside_the_package():
    """Else an uninstallation leaves folders that hide a later editable installation."""
    package = Path(pspy_dask.kernels.__file__).parents[1]
    for kernel in KERNELS.values():
        assert package not in Path(kernel.stats.cache_path).parents
    program = "import pspy_dask.kernels.runs as r; print(r._paint.stats.cache_path)"
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert package not in Path(done.stdout.strip()).parents


BREAKS_OUT = """
import numpy as np
from pspy_dask.kernels.jit import compiled

@compiled
def beyond(a):
    return a[a.size]

try:
    beyond(np.zeros(3))
except IndexError:
    print("checked")
"""


def with_bounds_checked(arguments, cache):
    environment = os.environ | {
        "NUMBA_BOUNDSCHECK": "1",
        "NUMBA_CACHE_DIR": str(cache),  # compiled code of other runs does not check
        "NUMBA_OPT": "0",  # most of the time goes into compiling
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_bounds_are_checked_when_asked(tmp_path):
    (tmp_path / "beyond.py").write_text(BREAKS_OUT)
    assert "checked" in with_bounds_checked([str(tmp_path / "beyond.py")], tmp_path).stdout


# Where a filter looks does not depend on the type of its pixels: bytes and single floats will do.
FEW_TYPES = (
    "not ((tophat or gaussian or local or extrema) and (u2 or i1 or i2 or i4 or u4 or f2 or f8))"
)


def test_kernels_stay_within_their_arrays(tmp_path):
    here = Path(__file__)
    others = here.with_name("test_other_processors.py")  # the same kernels once more
    ignored = [f"--ignore={here}", f"--ignore={others}"]
    options = ["-q", "-x", "-p", "no:xdist", *ignored, "-k", FEW_TYPES]
    done = with_bounds_checked(["-m", "pytest", str(here.parent), *options], tmp_path / "cache")
    assert done.returncode == 0, done.stdout[-3000:]
