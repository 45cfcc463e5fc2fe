"""What every sink checks before work starts, and how a file comes to be complete or absent."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: How many times smaller than its pixels an output is assumed to be at the very best.
_BEST_COMPRESSION = 50
_FREE_SPACE = "free some space or choose another output"


def check_output(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Return the path if a result may be written there, raise before any work if not.

    Raises
    ------
    FileExistsError
        Something of this name exists and ``overwrite`` is False.
    FileNotFoundError
        The folder that it should go to does not exist.
    NotADirectoryError
        That is no folder.
    PermissionError
        The folder cannot be written to.
    """
    target = Path(path)
    if os.path.lexists(target) and not overwrite:
        raise FileExistsError(
            f"{target} exists: pass --overwrite (overwrite=True) or choose another output"
        )
    check_writable(target.parent)
    return target


def check_file(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Return the path if a file may be written there; a folder is never replaced by a file."""
    target = check_output(path, overwrite=overwrite)
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder: choose a file as the output")
    return target


def check_writable(folder: Path) -> None:
    """Raise an OSError of the right kind where no file can be made in the folder."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, no folder: choose another output")
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: create it or choose another output")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(
            f"{folder} cannot be written to: ask for write access or choose another output"
        )


def check_space(folder: Path, nbytes: int) -> None:
    """Raise OSError where not even well compressed pixels of so many bytes would fit."""
    free = shutil.disk_usage(folder).free
    if free < nbytes / _BEST_COMPRESSION:
        raise OSError(
            errno.ENOSPC,
            f"{folder} has {free / 1e9:.3g} GB free, too little for {nbytes / 1e9:.3g} GB of "
            f"pixels even compressed: {_FREE_SPACE}",
        )


@contextmanager
def explain_full_disk(where: str) -> Iterator[None]:
    """Say where a disk ran full and what to do, once; every other error passes unchanged."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not full or _FREE_SPACE in str(error.strerror):
            raise
        raise OSError(
            error.errno,
            f"{error.strerror} while writing {where}: {_FREE_SPACE}",
        ) from error


def partial_name(target: Path) -> Path:
    """Return the hidden sibling under which an output grows until it is complete."""
    return target.with_name(f".{target.name}-partial")


@contextmanager
def growing_file(target: Path) -> Iterator[Path]:
    """Give a hidden sibling to write to; it takes the target's name only if all went well.

    The rename is atomic, so readers see the old file, no file or the complete new one.
    """
    partial = partial_name(target)
    remove(partial)
    try:
        with explain_full_disk(str(target)):
            yield partial
        partial.replace(target)
    finally:
        remove(partial)


def replace_folder(partial: Path, target: Path) -> None:
    """Rename a complete folder to its final name; a folder of that name is removed after.

    The old folder steps aside first, because folders cannot be renamed over one another: a crash
    between the two renames leaves both, under hidden names.
    """
    aside = target.with_name(f".{target.name}-replaced")
    remove(aside)
    if target.exists():
        target.rename(aside)
    try:
        partial.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
    remove(aside)


def remove(path: Path) -> None:
    """Remove a file or folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
