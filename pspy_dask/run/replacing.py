"""What a job may replace: the results of an earlier one, never the image or files of others."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

# Files that a file browser leaves in every folder it shows.
_BROWSER = {".DS_Store", "Thumbs.db", "desktop.ini"}


def check_replaceable(out: Path, source: Any, stated: object, results: Collection[str]) -> None:
    """Raise where replacing a folder would lose more than the results of an earlier job.

    Parameters
    ----------
    out
        The folder, absolute; it need not exist.
    source, stated
        What the image is read from, and where the opened image says that it came from.
    results
        Names of all that a job makes in its folder.

    Raises
    ------
    ValueError
        The image lies in the folder.
    FileExistsError
        The folder holds something that no job makes, or is a file.
    """
    for path in _paths(source, stated):
        if path.is_relative_to(out):
            raise ValueError(f"{out} holds the image {path}: choose another folder for the results")
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file: choose a folder for the results")
    names = {path.name for path in out.iterdir()} if out.exists() else set()
    foreign = sorted(names - set(results) - _BROWSER)
    if foreign:
        raise FileExistsError(
            f"{out} holds {foreign[0]}, which is no result of pspy-dask: move it away or choose "
            "another folder for the results"
        )


def _paths(source: Any, stated: object) -> Iterator[Path]:
    """Yield where the image lies on local disks, as far as that is known."""
    several = source if isinstance(source, list | tuple) else [source]
    for text in [*several, stated]:
        if isinstance(text, str | Path):
            local = str(text).removeprefix("file://")
            if "://" not in local:
                yield Path(local).resolve()
