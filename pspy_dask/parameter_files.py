"""Parameters in files: names and values as YAML or JSON, complete or absent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml


def write_values(path: str | Path, values: Mapping[str, Any]) -> None:
    """Write values as YAML, or as JSON where the name ends in ``.json``.

    An older file of that name is replaced only when the new one is complete.

    Raises
    ------
    ValueError
        The name ends in anything else.
    FileNotFoundError
        There is no such folder.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in ("", ".yaml", ".yml", ".json"):
        raise ValueError(f"{target.name} is no name for YAML or JSON: end it in .yaml or .json")
    plain = dict(values)
    as_json = ending == ".json"
    text = json.dumps(plain, indent=2) if as_json else yaml.safe_dump(plain, sort_keys=False)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"no folder {target.parent}: create it or choose another path")
    partial = target.with_name(f".{target.name}-partial")
    try:
        partial.write_text(text)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def read_values(path: str | Path, *, example: str) -> dict[str, Any]:
    """Return the values of a file; errors show a line such as the example.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is neither YAML nor JSON, or holds no names and values.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"no parameter file {source}: check the path")
    try:
        read: Any = json.loads if source.suffix.lower() == ".json" else yaml.safe_load
        values = read(source.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{source} is neither YAML nor JSON{_where(error)}: write lines such as '{example}'"
        ) from None
    if not isinstance(values, dict):
        raise ValueError(f"{source} holds no parameters: write lines such as '{example}'")
    return values


def check_names(values: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError with the list of names where one is not known."""
    names = list(known)
    unknown = [name for name in values if name not in names]
    if unknown:
        raise ValueError(f"unknown parameter {unknown[0]!r}: choose from {', '.join(names)}")


def _where(error: Exception) -> str:
    """Return in which line a file went wrong, as far as the error says."""
    mark = getattr(error, "problem_mark", None)
    line = getattr(error, "lineno", None) if mark is None else mark.line + 1
    return "" if line is None else f" (line {line})"
