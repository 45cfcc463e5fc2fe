"""Zarr groups and arrays on disk: opened for writing, created, listed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numcodecs
import numpy as np
import zarr
from zarr.abc.store import Store
from zarr.codecs import BloscCodec
from zarr.errors import GroupNotFoundError
from zarr.storage import LocalStore

from pspy_dask.blocks.rooted import rooted
from pspy_dask.io.ome_metadata import Version, labels_attributes, listed_labels
from pspy_dask.io.outputs import check_writable
from pspy_dask.io.pyramid import Level

_Shuffle = Literal["noshuffle", "bitshuffle"]
_SHUFFLES: Mapping[_Shuffle, int] = {
    "noshuffle": numcodecs.Blosc.NOSHUFFLE,
    "bitshuffle": numcodecs.Blosc.BITSHUFFLE,
}

StoreLike = str | os.PathLike[str] | Store


def open_group(where: StoreLike) -> zarr.Group:
    """Return an existing group for writing, raise if there is none or it cannot be written to."""
    place = where
    if isinstance(where, os.PathLike) or (isinstance(where, str) and "://" not in where):
        place = str(Path(where).absolute())  # workers may be at home in another folder
    try:
        # Consolidated metadata would not see what is added here.
        group = rooted(zarr.open_group(place, mode="r+", use_consolidated=False))
    except (GroupNotFoundError, FileNotFoundError):
        raise FileNotFoundError(f"no OME-Zarr image at {where}: check the path") from None
    if group.store.read_only:
        raise PermissionError(f"{where} was opened read-only: open it for writing")
    folder = local_folder(group)
    if folder is not None:
        check_writable(folder)
        if (folder / "labels").exists():
            check_writable(folder / "labels")
    return group


def local_folder(group: zarr.Group) -> Path | None:
    """Return the folder of a group, or None where it is not on a local disk."""
    return group.store.root / group.path if isinstance(group.store, LocalStore) else None


def labels_group(image: zarr.Group, version: Version) -> zarr.Group:
    """Return the group of the labels of an image, made with an empty list if there is none."""
    group = image.require_group("labels")
    if not group.attrs:
        group.attrs.update(labels_attributes(version, []))
    return group


def list_labels(group: zarr.Group, name: str, *, listed: bool = True) -> None:
    """Add a name to the list of a group of labels, or take it out; other attributes stay."""
    version: Version = "0.5" if group.metadata.zarr_format == 3 else "0.4"
    names = listed_labels(group)
    if (name in names) == listed:
        return
    new = labels_attributes(version, [n for n in names if n != name] + [name] * listed)
    ome = group.attrs.get("ome")
    if version == "0.5" and isinstance(ome, dict):
        new = {"ome": {**ome, **new["ome"]}}
    group.attrs.update(new)


def consolidate_again(image: zarr.Group) -> None:
    """Renew consolidated metadata of the image if it has any, or readers miss what was added."""
    consolidated = zarr.open_group(image.store_path, mode="r").metadata.consolidated_metadata
    if consolidated is not None:
        zarr.consolidate_metadata(image.store, path=image.path or None)


def create_array(
    group: zarr.Group, level: Level, dtype: np.dtype[Any], *, labels: bool = False
) -> None:
    """Make the empty array of a level, sharded if it is Zarr 3 and a unit has several chunks.

    Images are packed by lz4 with their bits shuffled: of the noise of a micrograph zstd takes 3 %
    more, but is 1.4 times as long to read back. Labels are runs of equal numbers, which zstd packs
    better as they are: 4096^2 of them 37, 69, 144 times instead of 18, 36, 103 times (82e3, 20e3,
    3e3 objects, 32 bit), in the same time.
    """
    layout, dims = level.layout, level.calibration.dims
    codec: Literal["zstd", "lz4"] = "zstd" if labels else "lz4"
    effort = 3 if labels else 5
    shuffle: _Shuffle = "noshuffle" if labels else "bitshuffle"
    if group.metadata.zarr_format == 3:
        options: dict[str, Any] = {
            "shards": layout.unit if layout.unit != layout.chunk else None,
            "compressors": BloscCodec(cname=codec, clevel=effort, shuffle=shuffle),
            "dimension_names": dims,
        }
    else:
        blosc = numcodecs.Blosc(cname=codec, clevel=effort, shuffle=_SHUFFLES[shuffle])
        keys = {"name": "v2", "separator": "/"}
        options = {"compressors": blosc, "chunk_key_encoding": keys}
    group.create_array(
        level.path, shape=level.shape, chunks=layout.chunk, dtype=dtype, fill_value=0, **options
    )


def holds(
    group: zarr.Group,
    levels: Sequence[Level],
    attributes: Mapping[str, Any],
    dtype: np.dtype[Any],
) -> bool:
    """Whether a group has just these levels and attributes, so that a write may go on in it.

    Attributes come last when a group is made, so arrays are all there if they are.
    """
    return dict(group.attrs) == attributes and all(
        isinstance(array := group.get(level.path), zarr.Array)
        and array.shape == level.shape
        and array.dtype == dtype
        and array.chunks == level.layout.chunk
        and (array.shards or level.layout.unit) == level.layout.unit
        for level in levels
    )
