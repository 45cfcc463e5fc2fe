"""Processors that Numba can be told to compile for, by the environment of a new process."""

from __future__ import annotations

import platform

from pspy_dask.kernels.simd import lanes_pay, processor_features

_AVX2 = "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt"
LESSER = {
    "generic": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "AVX2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": _AVX2},
}


def runs_avx2() -> bool:
    """Whether code for AVX2 alone runs on this machine."""
    return platform.machine().lower() in ("x86_64", "amd64") and lanes_pay()


def vectors() -> str:
    """Return the widest vectors of this processor in a word."""
    known = {"avx512f": "AVX-512", "avx2": "AVX2", "sse2": "SSE2", "neon": "NEON"}
    return next(
        (word for name, word in known.items() if name in processor_features()), "no vectors"
    )
