"""Arrays on disk that are found from any folder."""

from __future__ import annotations

from copy import copy, deepcopy
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def rooted(node: T) -> T:
    """Return the same Zarr array or group, its store by absolute path; anything else as it is.

    Workers may be at home in another folder. A file that is not found is no error to Zarr but a
    chunk that was never written, so an array opened by a relative path would read as zeros there.
    """
    store: Any = getattr(node, "store", None)
    root = getattr(store, "root", None)
    if not isinstance(root, Path) or root.is_absolute():
        return node
    moved = copy(store)
    moved.root = root.absolute()
    return deepcopy(node, {id(store): moved})
