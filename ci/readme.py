"""Print a command of the README, so that what is checked is what a reader types.

``python ci/readme.py install`` prints the block of shell commands that follows the line
``<!-- install -->``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def command(name: str, text: str) -> str:
    """Return the block after a marker; raise KeyError where there is none."""
    found = re.search(rf"<!-- {re.escape(name)} -->\s*```(?:bash|sh)\n(.*?)```", text, re.S)
    if found is None:
        raise KeyError(f"README.md has no block of commands marked {name}")
    return found[1]


if __name__ == "__main__":
    print(command(sys.argv[1], Path("README.md").read_text()))
