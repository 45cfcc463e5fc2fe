"""How this package compiles its kernels: in one way, in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

from numba import config, njit
from platformdirs import user_cache_dir

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function with Numba, one thread, the GIL released, exact arithmetic.

    There is no `fastmath` and no `parallel`: a compiled function rounds as the same Python does,
    in the order that its text says. Division by zero gives inf or nan, as in NumPy.
    """
    return _compiled(function, {})


def inlined(function: Function) -> Function:
    """Compile a function as `compiled` does, into each of its callers.

    For a step of an inner loop. A call takes and gives up a reference to each array that it
    passes, by an atomic instruction of some 20 cycles.
    """
    return _compiled(function, {"forceinline": True})


def _compiled(function: Function, more: dict[str, Any]) -> Function:
    options: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
    options["no_cfunc_wrapper"] = True  # none is passed as a function; saves 7 % of compiling
    with _cache_outside_the_package():
        kernel: Function = njit(**options, **more)(function)
    return kernel


@contextmanager
def _cache_outside_the_package() -> Iterator[None]:
    """Have compiled code kept in the user's cache folder, unless NUMBA_CACHE_DIR names another.

    Beside the sources, where Numba would keep it, it outlives an uninstallation, and what then is
    left of the package's folders hides an editable installation from Python. And Numba looks at
    the file of a kernel alone: a folder for each state of all kernels keeps it from running old
    code of another file that the kernel calls.
    """
    settings: Any = config
    asked = settings.CACHE_DIR
    settings.CACHE_DIR = str(Path(asked or user_cache_dir("pspy_dask", appauthor=False)) / _state())
    try:
        yield
    finally:
        settings.CACHE_DIR = asked


@cache
def _state() -> str:
    """Return a name for the present state of all kernels, and of numbers that they hold."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    text = b"".join(path.read_bytes() for path in sources)
    return f"{crc32(text + version('scikit-image').encode()):08x}"
