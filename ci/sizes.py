"""Files of the package stay short enough to read in one go."""

from __future__ import annotations

import sys
from pathlib import Path

MOST_LINES = 350

too_long = {
    path: lines
    for path in sorted(Path("pspy_dask").rglob("*.py"))
    if (lines := len(path.read_text().splitlines())) > MOST_LINES
}
for path, lines in too_long.items():
    print(f"{path} has {lines} lines, more than {MOST_LINES}: split it")
sys.exit(bool(too_long))
