"""The command line of a benchmark of its own."""

from __future__ import annotations

import argparse


def parser_of(module: str, doc: str | None, *, processes: bool = False) -> argparse.ArgumentParser:
    """Return the parser of a module whose documentation is its help.

    With `processes` it takes ``--one`` as well, which is not for users: what the module tells a
    process of its own that takes one measure.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if processes:
        parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    return parser
