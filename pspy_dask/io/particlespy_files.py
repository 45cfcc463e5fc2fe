"""ParticleSpy's own HDF5 files: parameters, and lists of particles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from platformdirs import user_data_path

Groups = Mapping[str, Mapping[str, Any]]
_BACKGROUND = "background"


@dataclass(frozen=True, eq=False)
class PlacedMask:
    """The mask of a particle: its bounds in a plane, and what lies in them.

    Attributes
    ----------
    shape
        Of the plane.
    start
        Row and column of the first pixel of the bounds.
    inside
        Booleans, True in the particle.
    """

    shape: tuple[int, int]
    start: tuple[int, int]
    inside: NDArray[np.bool_]

    @property
    def place(self) -> tuple[slice, slice]:
        """Where the bounds lie in the plane."""
        y, x = self.start
        height, width = self.inside.shape
        return slice(y, y + height), slice(x, x + width)

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """First row and column of the bounds, and the row and column after the last."""
        y, x = self.place
        return y.start, x.start, y.stop, x.stop

    def whole(self) -> NDArray[np.bool_]:
        """Return the mask of the whole plane.

        >>> PlacedMask((2, 3), (1, 1), np.ones((1, 2), bool)).whole().astype(int).tolist()
        [[0, 0, 0], [0, 1, 1]]
        """
        plane = np.zeros(self.shape, np.bool_)
        plane[self.place] = self.inside
        return plane

    @classmethod
    def of(cls, mask: NDArray[Any]) -> PlacedMask:
        """Return the bounds of a mask of a whole plane, and what lies in them."""
        inside = np.asarray(mask) != 0
        rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
        y0, y1 = (int(rows[0]), int(rows[-1]) + 1) if rows.size else (0, 0)
        x0, x1 = (int(columns[0]), int(columns[-1]) + 1) if columns.size else (0, 0)
        shape = (inside.shape[0], inside.shape[1])
        return cls(shape, (y0, x0), inside[y0:y1, x0:x1].copy())


@dataclass(frozen=True, eq=False)
class StoredParticle:
    """A particle as ParticleSpy's files hold it.

    Attributes
    ----------
    properties
        Value and units by name; either may be None.
    mask
        Where it is.
    image
        Pixels around it, or None.
    background
        Mean of the image in a ring around it, or None; ParticleSpy's files hold none.
    """

    properties: Mapping[str, tuple[Any, str | None]]
    mask: PlacedMask
    image: NDArray[Any] | None = None
    background: float | None = None


def user_file(name: str) -> Path:
    """Return the path of a file that user interfaces and scripts share."""
    return user_data_path("pspy_dask", appauthor=False) / name


def write_parameters(path: str | Path, groups: Groups) -> None:
    """Write names and values in groups; an older file is replaced when the new one is complete.

    Raises
    ------
    FileNotFoundError
        There is no such folder.
    """

    def fill(file: h5py.File) -> None:
        for group, values in groups.items():
            attributes = file.create_group(group).attrs
            for name, value in values.items():
                attributes[name] = value

    _write(Path(path), fill)


def read_parameters(
    path: str | Path, names: Mapping[str, Iterable[str]]
) -> dict[str, dict[str, Any]]:
    """Return the values of these names in groups, as plain numbers, switches, words and lists.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is no HDF5 file, or lacks a name.
    """
    with _open(Path(path), "parameters().save(path) writes one") as file:
        for group, members in names.items():
            missing = [n for n in members if group not in file or n not in file[group].attrs]
            if missing:
                raise ValueError(
                    f"{path} holds no parameters of ParticleSpy: it lacks {missing[0]!r} in "
                    f"{group!r}"
                )
        return {
            group: {name: _plain(file[group].attrs[name]) for name in members}
            for group, members in names.items()
        }


def write_particles(path: str | Path, particles: Iterable[StoredParticle]) -> None:
    """Write particles, one after the other, each with the mask of its whole plane.

    Only the part of a mask about the particle takes room and time.

    Raises
    ------
    FileNotFoundError
        There is no such folder.
    """

    def fill(file: h5py.File) -> None:
        for number, particle in enumerate(particles):
            _write_particle(file.create_group(f"Particle {number}"), particle)

    _write(Path(path), fill)


def read_particles(path: str | Path) -> list[StoredParticle]:
    """Return the particles of a file in the order of their numbers.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is no HDF5 file.
    """
    with _open(Path(path), "particle_list.save(path) writes one") as file:
        names = [name for name in file if re.fullmatch(r"Particle \d+", name)]
        return [_read_particle(file[name]) for name in sorted(names, key=lambda n: int(n[9:]))]


def _write_particle(group: h5py.Group, particle: StoredParticle) -> None:
    for name, (value, units) in particle.properties.items():
        if value is not None:
            group.attrs[name] = value
        if units is not None:
            group.attrs[f"{name} units"] = units
    mask = particle.mask
    chunks = tuple(min(n, 256) for n in mask.shape)
    stored = group.create_dataset(
        "Mask", shape=mask.shape, dtype=np.uint8, chunks=chunks, compression="gzip"
    )
    if mask.inside.size:
        stored[mask.place] = mask.inside.astype(np.uint8)
    if particle.background is not None:
        # ParticleSpy takes every attribute of the group for a property.
        stored.attrs[_BACKGROUND] = particle.background
    if particle.image is not None:
        group.create_dataset("Image", data=particle.image)


def _read_particle(group: h5py.Group) -> StoredParticle:
    attributes = group.attrs
    properties = {
        name: (_plain(attributes[name]), _plain(attributes.get(f"{name} units")))
        for name in attributes
        if not (name.endswith(" units") and name.removesuffix(" units") in attributes)
    }
    image = group["Image"][...] if "Image" in group else None
    mask = group["Mask"]
    return StoredParticle(properties, _read_mask(mask), image, _plain(mask.attrs.get(_BACKGROUND)))


def _read_mask(stored: h5py.Dataset) -> PlacedMask:
    """Return a mask of which only the chunks that were written are read."""
    if stored.chunks is None or stored.fillvalue != 0:
        return PlacedMask.of(stored[...])
    written = [stored.id.get_chunk_info(k) for k in range(stored.id.get_num_chunks())]
    shape = (stored.shape[0], stored.shape[1])
    if not written:
        return PlacedMask(shape, (0, 0), np.zeros((0, 0), np.bool_))
    offsets = np.array([chunk.chunk_offset for chunk in written])
    (y0, x0), (y1, x1) = offsets.min(axis=0), offsets.max(axis=0) + stored.chunks
    part = PlacedMask.of(stored[y0:y1, x0:x1])
    y, x = part.start
    return PlacedMask(shape, (int(y0) + y, int(x0) + x), part.inside)


def _write(target: Path, fill: Callable[[h5py.File], None]) -> None:
    if not target.parent.is_dir():
        raise FileNotFoundError(f"no folder {target.parent}: create it or choose another path")
    partial = target.with_name(f".{target.name}-partial")
    try:
        with h5py.File(partial, "w") as file:
            fill(file)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _open(path: Path, remedy: str) -> h5py.File:
    if not path.is_file():
        raise FileNotFoundError(f"no such file {path}: {remedy}")
    try:
        return h5py.File(path, "r")
    except OSError:
        raise ValueError(f"{path} is no HDF5 file: {remedy}") from None


def _plain(value: Any) -> Any:
    """Return what HDF5 gave as Python's own number, switch, word or list."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value
