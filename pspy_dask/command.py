"""Where the command starts: interrupts are answered before anything else is imported."""

from __future__ import annotations

from pspy_dask.run.interrupts import leave_when_interrupted


def main() -> None:
    """Run the command ``pspy-dask``."""
    leave_when_interrupted()
    from pspy_dask.cli import main as command

    command()
