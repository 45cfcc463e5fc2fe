"""How this package compiles its kernels: in one way, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function with Numba, one thread, the GIL released, exact arithmetic.

    There is no `fastmath` and no `parallel`: a compiled function rounds as the same Python does,
    in the order that its text says. Division by zero gives inf or nan, as in NumPy.
    """
    options: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
    kernel: Function = njit(**options)(function)
    return kernel
