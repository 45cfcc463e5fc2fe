"""Points, lines and polygons as JSON: a list with a mapping for each, as drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pspy_dask.pixels.shapes import Line, Points, Polygon, Shape

_KINDS: dict[str, type[Shape]] = {"points": Points, "line": Line, "polygon": Polygon}
_SIZES = {"points": "radius", "line": "width"}
_EXAMPLE = '{"label": 1, "polygon": [[y, x], [y, x], [y, x]]}'


def read_shapes(path: Path) -> list[Shape]:
    """Return the shapes in a file.

    Raises
    ------
    ValueError
        It is no JSON, or a shape is not one.
    """
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no JSON ({error}): write a list of {_EXAMPLE}") from None
    if not isinstance(listed, list):
        raise ValueError(f"{path} is no list of shapes: write a list of {_EXAMPLE}")
    return shapes_of(listed, what=str(path))


def shapes_of(listed: Sequence[Any], *, what: str) -> list[Shape]:
    """Return shapes from mappings; those that are shapes already stay.

    >>> shapes_of([{"label": 2, "points": [[3, 4]], "radius": 1}], what="the list")
    [Points(label=2, coordinates=((3.0, 4.0),), radius=1)]
    """
    return [
        each if isinstance(each, Shape) else _shape_of(each, f"shape {number} of {what}")
        for number, each in enumerate(listed, 1)
    ]


def _shape_of(values: Any, what: str) -> Shape:
    if not isinstance(values, Mapping):
        raise ValueError(f"{what} is a {type(values).__name__}: write {_EXAMPLE}")
    kinds = [kind for kind in _KINDS if kind in values]
    if len(kinds) != 1 or "label" not in values:
        raise ValueError(
            f"{what} must have a label and one of points, line and polygon: write {_EXAMPLE}"
        )
    kind = kinds[0]
    size = {name: values[name] for name in [_SIZES.get(kind, "")] if name in values}
    unknown = [name for name in values if name not in ("label", kind, *size)]
    if unknown:
        raise ValueError(f"{what} has the unknown name {unknown[0]!r}: leave it out")
    try:
        return _KINDS[kind](values["label"], values[kind], **size)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
