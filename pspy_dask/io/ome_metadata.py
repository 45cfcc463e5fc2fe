"""OME-Zarr metadata, built and validated by the models of ome-zarr-models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import xarray as xr
import zarr
from ome_zarr_models import v04, v05
from ome_zarr_models.base import BaseAttrs
from ome_zarr_models.common.image_label_types import Color, Property, Source

from pspy_dask.blocks.coordinates import first_positions, is_named
from pspy_dask.blocks.images import axis_units, pixel_size

Version = Literal["0.4", "0.5"]
VERSIONS: tuple[Version, ...] = ("0.4", "0.5")

#: OME-Zarr writes units out; what it has no name for is written as it is.
_UNITS = {
    "Å": "angstrom", "A": "angstrom", "pm": "picometer", "nm": "nanometer",
    "um": "micrometer", "µm": "micrometer", "μm": "micrometer", "mm": "millimeter",
    "cm": "centimeter", "m": "meter", "ns": "nanosecond", "us": "microsecond",
    "µs": "microsecond", "μs": "microsecond", "ms": "millisecond", "s": "second",
    "min": "minute", "h": "hour",
}  # fmt: skip
_TYPES = {"t": "time"}


class Calibration(NamedTuple):
    """Names, units, pixel size and position of the first pixel along each axis."""

    dims: tuple[str, ...]
    units: tuple[str | None, ...]
    scale: tuple[float, ...]
    origin: tuple[float, ...]

    def halved(self, axes: Sequence[str], *, centred: bool) -> Calibration:
        """Return the calibration after joining pairs of pixels along some axes.

        The new pixel lies at the middle of its pair if ``centred``, else on its first pixel.
        """
        factor = [2 if d in axes else 1 for d in self.dims]
        scale = tuple(s * f for s, f in zip(self.scale, factor, strict=True))
        shift = [
            s * (f - 1) / 2 if centred else 0.0 for s, f in zip(self.scale, factor, strict=True)
        ]
        origin = tuple(o + d for o, d in zip(self.origin, shift, strict=True))
        return self._replace(scale=scale, origin=origin)


def calibration(image: xr.DataArray) -> Calibration:
    """Return the calibration that the coordinates of an image state, with OME's unit names."""
    dims = tuple(map(str, image.dims))
    steps, units, origin = pixel_size(image), axis_units(image), first_positions(image)
    return Calibration(
        dims,
        tuple(_UNITS.get(units[d], units[d]) if is_named(units[d]) else None for d in dims),
        tuple(steps[d] for d in dims),
        tuple(origin[d] for d in dims),
    )


def image_attributes(
    version: Version,
    levels: Mapping[str, Calibration],
    *,
    name: str,
    method: str,
    label: Mapping[int, Mapping[str, Any]] | None = None,
    colors: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """Return the attributes of the group of an image, or of labels where ``label`` is given.

    Parameters
    ----------
    version
        Version of OME-Zarr.
    levels
        Calibration of each level by the path of its array, largest first.
    name, method
        Name of the image; how one level is made of the one before.
    label
        Properties of each label, empty where there are none.
    colors
        Colour of labels, ``#rrggbb``.
    """
    multiscale = _multiscale(levels, name, method)
    shown = _label(version, label or {}, colors or {})
    attributes: dict[str, Any] = {"version": version, "multiscales": [multiscale]}
    if version == "0.5":
        if label is None:
            return {"ome": _plain(v05.image.ImageAttrs(**attributes))}
        attributes["image-label"] = v05.image_label_types.Label(
            **_label(version, label, colors or {})
        )
        return {"ome": _plain(v05.image_label.ImageLabelAttrs(**attributes))}
    old = multiscale.to_version("0.4").model_copy(update={"version": version})
    if label is None:
        return _plain(v04.image.ImageAttrs(multiscales=[old]))
    attributes = {"multiscales": [old]}
    attributes["image-label"] = v04.image_label_types.Label(**shown)
    return _plain(v04.image_label.ImageLabelAttrs(**attributes))


def labels_attributes(version: Version, names: Sequence[str]) -> dict[str, Any]:
    """Return the attributes of the group that lists the labels of an image."""
    if version == "0.5":
        return {"ome": _plain(v05.labels.LabelsAttrs(version=version, labels=list(names)))}
    return _plain(v04.labels.LabelsAttrs(labels=list(names)))


def listed_labels(group: zarr.Group) -> list[str]:
    """Return the names in the list of a group of labels."""
    return [str(name) for name in cast("list[Any]", _ome(group).get("labels", []))]


def version_and_levels(group: zarr.Group) -> tuple[Version, int]:
    """Return the OME-Zarr version of an image and the number of its resolution levels.

    Real files stray from the specification in ways that do not matter here, so nothing else is
    validated.
    """
    attributes = _ome(group)
    version = attributes.get("version") if group.metadata.zarr_format == 3 else "0.4"
    try:
        levels = len(attributes["multiscales"][0]["datasets"])
    except (KeyError, IndexError, TypeError):
        raise ValueError(
            f"{group.store_path} is not an OME-Zarr image: give the folder of the image itself"
        ) from None
    if version not in VERSIONS:
        raise ValueError(f"{group.store_path} is OME-Zarr {version}: convert it to 0.4 or 0.5")
    return version, levels


def _ome(group: zarr.Group) -> dict[str, Any]:
    attributes = dict(group.attrs)
    return cast("dict[str, Any]", attributes.get("ome", attributes))


def _multiscale(
    levels: Mapping[str, Calibration], name: str, method: str
) -> v05.multiscales.Multiscale:
    first = next(iter(levels.values()))
    axes = [
        v05.axes.Axis(name=dim, type=_TYPES.get(dim, "space"), unit=unit)
        for dim, unit in zip(first.dims, first.units, strict=True)
    ]
    datasets = tuple(
        v05.multiscales.Dataset.build(path=path, scale=level.scale, translation=level.origin)
        for path, level in levels.items()
    )
    return v05.multiscales.Multiscale(axes=axes, datasets=datasets, name=name, type=method)


def _label(
    version: Version, properties: Mapping[int, Mapping[str, Any]], colors: Mapping[int, str]
) -> dict[str, Any]:
    rows = tuple(Property(**{"label-value": label, **row}) for label, row in properties.items())
    shown = tuple(Color.model_validate(_color(*item)) for item in colors.items())
    return {
        "source": Source(),
        "version": version,
        "properties": rows or None,
        "colors": shown or None,
    }


def _color(label: int, color: str) -> dict[str, Any]:
    return {"label-value": label, "rgba": (*bytes.fromhex(color.removeprefix("#")), 255)}


def _plain(model: BaseAttrs) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
