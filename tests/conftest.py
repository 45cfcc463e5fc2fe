"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# The first example compiles kernels; a slow machine is no failure.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
