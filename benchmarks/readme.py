"""The table of the README is that of the results."""

from __future__ import annotations

import re
from pathlib import Path

_BLOCK = re.compile(r"(<!-- figures -->\n\n)(.*?)(\n<!-- end of figures -->)", re.S)


def put_headline(readme: Path, table: str) -> None:
    """Replace the table between the README's marks."""
    text = readme.read_text()
    if not _BLOCK.search(text):
        raise ValueError(f"{readme} has no place marked for figures")
    readme.write_text(_BLOCK.sub(lambda found: found[1] + table + found[3], text))


def headline_of(readme: Path) -> str:
    """Return the table between the README's marks."""
    found = _BLOCK.search(readme.read_text())
    return found[2] if found else ""
