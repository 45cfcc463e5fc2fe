"""Images from Zarr: OME-Zarr 0.4 and 0.5, and plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
import zarr
from ome_zarr_models import v04, v05
from pydantic import ValidationError
from zarr.errors import ContainsArrayError, GroupNotFoundError

from pspy_dask.blocks.rooted import rooted
from pspy_dask.io.axes import Axis, Wanted, image_of, unnamed
from pspy_dask.io.local_zarr import local
from pspy_dask.io.units import short_unit


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr array or group."""
    return any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zarray"))


def is_ome_zarr(source: object) -> bool:
    """Whether a path is that of a folder with an OME-Zarr image."""
    if not isinstance(source, str | Path) or not is_zarr(Path(source)):
        return False
    try:
        return "multiscales" in _ome(zarr.open_group(str(source), mode="r").attrs)
    except (ContainsArrayError, GroupNotFoundError, FileNotFoundError, ValueError):
        return False


def open_zarr(source: Any, wanted: Wanted, level: int) -> xr.DataArray:
    """Return the image in a Zarr array or OME-Zarr group, or in the folder of one."""
    where = None if isinstance(source, zarr.Array | zarr.Group) else str(source)
    node = rooted(source) if where is None else _open(where)
    what = where or str(node.store_path)
    if isinstance(node, zarr.Array):
        if level:
            raise ValueError(f"{what} has no level {level}: it is a single array")
        return _array_image(node, wanted, what)
    attributes = _ome(node.attrs)
    if "plate" in attributes:
        wells = [w["path"] for w in attributes["plate"].get("wells", [])][:1]
        raise ValueError(
            f"{what} is a plate of many images: open one of them, such as "
            f"{what}/{wells[0] if wells else 'A/1'}/0"
        )
    if "multiscales" not in attributes:
        if "bioformats2raw.layout" in node.attrs or "bioformats2raw.layout" in attributes:
            return open_zarr(node["0"], wanted, level)
        names = ", ".join(sorted(name for name, _ in node.members())) or "nothing"
        raise ValueError(f"{what} is a Zarr group but no image: it holds {names}; open one of them")
    return _ome_image(node, attributes, wanted, level, what)


def _open(where: str) -> Any:
    """Return the node at a path or an address; whatever is wrong with it is a ValueError."""
    try:
        return zarr.open(where, mode="r")
    except Exception as error:  # of a store, of a protocol, of damaged metadata
        ways = "check the address" if "://" in where else "it is damaged, or no Zarr"
        raise ValueError(
            f"{where} cannot be opened ({type(error).__name__}: {error}): {ways}"
        ) from error


def _ome_image(
    group: zarr.Group, attributes: Mapping[str, Any], wanted: Wanted, level: int, what: str
) -> xr.DataArray:
    multiscale = _multiscale(group, attributes, what)
    datasets = multiscale.datasets
    if not 0 <= level < len(datasets):
        raise ValueError(f"{what} has no level {level}: choose 0 to {len(datasets) - 1}")
    dataset = datasets[level]
    array = group[dataset.path]
    if not isinstance(array, zarr.Array):
        raise ValueError(f"{what} has no array {dataset.path}: the file is damaged")
    steps, origins = [1.0] * array.ndim, [0.0] * array.ndim
    for transform in (*dataset.coordinateTransformations, *_common(multiscale)):
        scale = getattr(transform, "scale", None) or [1.0] * array.ndim
        move = getattr(transform, "translation", None) or [0.0] * array.ndim
        if isinstance(scale, str) or isinstance(move, str):
            raise ValueError(f"{what} keeps its calibration in other files: convert it first")
        steps = [s * k for s, k in zip(steps, scale, strict=True)]
        origins = [o * k + m for o, k, m in zip(origins, scale, move, strict=True)]
    axes = [
        Axis(str(a.name).lower(), n, s, short_unit(a.unit), o)
        for a, n, s, o in zip(multiscale.axes, array.shape, steps, origins, strict=True)
    ]
    channels = attributes.get("omero", {}).get("channels", [])
    names = [str(c.get("label", k)) for k, c in enumerate(channels)]
    stem = Path(what).name.removesuffix(".zarr").removesuffix(".ome")
    return image_of(
        local(array),
        axes,
        wanted,
        what=what,
        name=stem,
        source=what,
        names=names,
        stored=array.shards or array.chunks,
    )


def _multiscale(group: zarr.Group, attributes: Mapping[str, Any], what: str) -> Any:
    """Return the first multiscale image, as ome-zarr-models understands it."""
    try:
        if group.metadata.zarr_format == 3:
            return v05.image.ImageAttrs(**_only_image(attributes)).multiscales[0]
        return v04.image.ImageAttrs(**_only_image(attributes)).multiscales[0]
    except (ValidationError, IndexError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "no image"
        raise ValueError(
            f"{what} is not valid OME-Zarr ({reason}): open one of its arrays instead"
        ) from None


def _only_image(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out display settings, which many writers get wrong."""
    return {k: v for k, v in attributes.items() if k in ("multiscales", "version")}


def _common(multiscale: Any) -> Sequence[Any]:
    return tuple(getattr(multiscale, "coordinateTransformations", None) or ())


def _array_image(array: zarr.Array[Any], wanted: Wanted, what: str) -> xr.DataArray:
    stated = getattr(array.metadata, "dimension_names", None) or array.attrs.get(
        "_ARRAY_DIMENSIONS"
    )
    names = [str(n).lower() for n in stated] if isinstance(stated, list | tuple) else []
    axes = [Axis(n, size) for n, size in zip(names, array.shape, strict=False)]
    if len(names) != array.ndim or not set("yx") <= set(names):
        axes = [*unnamed(array.shape, wanted, what)]
    return image_of(
        local(array),
        axes,
        wanted,
        what=what,
        name=Path(what).stem,
        source=what,
        stored=array.shards or array.chunks,
    )


def _ome(attributes: Any) -> dict[str, Any]:
    values = dict(attributes)
    ome = values.get("ome", values)
    return dict(ome) if isinstance(ome, Mapping) else {}
