"""One way to compile a kernel: releases the GIL, single-threaded, cached, exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return the function compiled by Numba without fastmath or threads."""
    result: F = njit(nogil=True, cache=True)(function)
    return result
