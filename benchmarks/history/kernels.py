"""Each kernel of the table of comparisons, without its reference."""

from __future__ import annotations

from benchmarks import planes
from benchmarks.comparisons import COMPARISONS

_SIDE = 1024
_BY_NAME = {comparison.name: comparison for comparison in COMPARISONS}


class Kernels:
    """A kernel on a synthetic micrograph of 1024 x 1024 pixels."""

    params = tuple(_BY_NAME)
    param_names = ("kernel",)

    def setup(self, name: str) -> None:
        """Make what the kernel is given, and compile it."""
        comparison = _BY_NAME[name]
        self.work, self.given = comparison.ours, comparison.given(planes.micrograph(_SIDE))
        self.work(*self.given)

    def time_kernel(self, name: str) -> None:
        """Time one call."""
        self.work(*self.given)
