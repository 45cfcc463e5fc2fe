"""Lists of particles in a folder: the table as Parquet, images and labels as OME-Zarr."""

from __future__ import annotations

import json
import os
from pathlib import Path

import xarray as xr

from pspy_dask.io.ome_zarr import write_image, write_labels
from pspy_dask.io.outputs import (
    check_output,
    explain_full_disk,
    partial_name,
    remove,
    replace_folder,
)
from pspy_dask.io.pyramid_write import PyramidWrite
from pspy_dask.io.sources import open_image
from pspy_dask.io.tables import read_table, write_parquet
from pspy_dask.particles.crops import Pictures
from pspy_dask.particles.particle_list import Particles

_TABLE, _LISTING, _LABELS = "particles.parquet", "particles.json", "particles"
_FORMAT = 1


def save_particles(
    particles: Particles, folder: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write a list of particles, with its images and labels, as one folder, complete or absent.

    Parameters
    ----------
    particles
        The list.
    folder
        ``particles.parquet``, a table with the units of its columns; ``0.ome.zarr`` and so on,
        an image with its labels for each source; and ``particles.json``, which lists them.
    overwrite
        Replace a folder that was written here.

    Raises
    ------
    TypeError
        No list of particles, but a table, say.
    FileExistsError
        Something of this name is there, and ``overwrite`` is False or it holds no particles.

    Notes
    -----
    Pixels are written chunk by chunk, never whole in memory. They are copies: the folder needs no
    other file.
    """
    if not isinstance(particles, Particles):
        raise TypeError(
            f"{type(particles).__name__} is no list of particles: make one of a table, "
            "Particles(table, labels, image), or store the table with write_parquet"
        )
    target = check_output(folder, overwrite=overwrite)
    if target.exists() and not (target / _LISTING).is_file():
        raise FileExistsError(f"{target} holds no list of particles: choose another output")
    partial = partial_name(target)
    remove(partial)
    partial.mkdir()
    try:
        with explain_full_disk(str(target)):
            sources = [_save(pictures, partial, k) for k, pictures in enumerate(particles.pictures)]
            write_parquet(particles.table, partial / _TABLE)
            listing = {"format": _FORMAT, "sources": sources}
            (partial / _LISTING).write_text(json.dumps(listing, indent=1), encoding="utf-8")
        replace_folder(partial, target)
    finally:
        remove(partial)


def load_particles(folder: str | os.PathLike[str]) -> Particles:
    """Return a list of particles that :func:`save_particles` wrote; pixels stay lazy.

    Raises
    ------
    FileNotFoundError
        No such folder.
    ValueError
        The folder holds no list of particles, or one of a newer form.

    Examples
    --------
    >>> import pandas as pd
    >>> folder = getfixture("tmp_path") / "gold"
    >>> save_particles(Particles(pd.DataFrame({"label": [1, 2], "area": [9.0, 4.0]})), folder)
    >>> [particle.label for particle in load_particles(folder)]
    [1, 2]
    """
    home = Path(folder)
    if not home.is_dir():
        raise FileNotFoundError(f"no folder {home}: check the path")
    if not (home / _LISTING).is_file():
        raise ValueError(f"{home} holds no list of particles: give a folder of save_particles")
    listing = json.loads((home / _LISTING).read_text(encoding="utf-8"))
    if listing.get("format") != _FORMAT:
        raise ValueError(
            f"{home} has form {listing.get('format')} and not {_FORMAT}: read it with a newer "
            "pspy_dask"
        )
    pictures = [_load(source, home) for source in listing["sources"]]
    return Particles.of_pictures(read_table(home / _TABLE), pictures)


def _save(pictures: Pictures, folder: Path, number: int) -> dict[str, str | None]:
    """Write what there is of image and labels; return where, from the folder."""
    found: dict[str, str | None] = {"image": None, "labels": None}
    name = f"{number}.ome.zarr"
    if pictures.image is not None:
        _store(write_image(pictures.image, folder / name))
        found["image"] = name
        if pictures.labels is not None:
            _store(write_labels(pictures.labels, folder / name, name=_LABELS))
            found["labels"] = f"{name}/labels/{_LABELS}"
    elif pictures.labels is not None:
        _store(write_image(pictures.labels, folder / name, method="nearest"))
        found["labels"] = name
    return found


def _store(write: PyramidWrite) -> None:
    try:
        for step in write.steps():
            step.compute()
    except BaseException:
        write.discard()
        raise
    write.finish()


def _load(source: dict[str, str | None], home: Path) -> Pictures:
    return Pictures.of(_open(source["labels"], home), _open(source["image"], home))


def _open(name: str | None, home: Path) -> xr.DataArray | None:
    return None if name is None else open_image(home / name)
