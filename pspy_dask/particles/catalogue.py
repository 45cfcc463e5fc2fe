"""Names of properties, and the families of measures that they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pspy_dask.particles.form import Column, TableForm
from pspy_dask.particles.measures import (
    hull,
    inertia,
    intensity,
    moments,
    outline,
    size,
    surroundings,
    weighted,
)
from pspy_dask.particles.measures.distribution import Distribution, level_of, percentile_property
from pspy_dask.particles.measures.family import Family, Property
from pspy_dask.particles.rows import Rows

#: Other names, those of older scikit-image and of ParticleSpy among them.
ALIASES = {
    "background": "local_background",
    "bbox_area": "area_bbox",
    "convex_area": "area_convex",
    "equivalent_diameter_area": "equivalent_diameter",
    "local_centroid": "centroid_local",
    "major_axis_length": "axis_major_length",
    "max_intensity": "intensity_max",
    "mean_intensity": "intensity_mean",
    "min_intensity": "intensity_min",
    "minor_axis_length": "axis_minor_length",
    "std_intensity": "intensity_std",
    "weighted_centroid": "centroid_weighted",
    "weighted_local_centroid": "centroid_weighted_local",
    "weighted_moments": "moments_weighted",
    "weighted_moments_central": "moments_weighted_central",
    "weighted_moments_hu": "moments_weighted_hu",
    "weighted_moments_normalized": "moments_weighted_normalized",
}

_HOLES = (
    "which background an object encloses is not known before the whole of it is: "
    "fill the holes of the mask before it is labelled, and ask for area"
)
_CROPS = "a table holds numbers: take image or mask of a particle that find_particles returns"

#: Properties of scikit-image that are not measured, and what to do instead.
ABSENT = {
    **dict.fromkeys(("area_filled", "filled_area", "image_filled", "filled_image"), _HOLES),
    **dict.fromkeys(("image", "image_intensity", "intensity_image", "coords", "slice"), _CROPS),
    **dict.fromkeys(("coords_scaled", "image_convex", "convex_image"), _CROPS),
}

#: What a table has where nothing is asked for, as far as it is defined.
DEFAULT = (
    *("area", "equivalent_diameter", "centroid", "bbox"),
    *(f"intensity_{name}" for name in ("sum", "mean", "min", "max", "std")),
    *("touches_border", "extent", "axis_major_length", "axis_minor_length"),
    *("eccentricity", "orientation"),
)

_MEDIAN = percentile_property("intensity_median", (50.0,))
_LISTED: tuple[Property, ...] = (
    *size.PROPERTIES,
    *inertia.PROPERTIES,
    *moments.PROPERTIES,
    *outline.PROPERTIES,
    *hull.PROPERTIES,
    *intensity.PROPERTIES,
    _MEDIAN,
    *weighted.PROPERTIES,
    *surroundings.PROPERTIES,
)
_BY_NAME = {p.name: p for p in _LISTED}


@dataclass(frozen=True)
class Choice:
    """Properties asked for, in their order, and the families that measure them."""

    names: tuple[str, ...]
    families: tuple[Family, ...]

    @property
    def halo(self) -> int:
        """How many pixels beyond a chunk the families must see."""
        return max((family.halo for family in self.families), default=0)

    def columns(self, rows: Rows, form: TableForm) -> list[Column]:
        """Return the columns of whole rows."""
        levels = _levels(self.names)
        properties = [_property(name, levels) for name in self.names]
        return [column for p in properties for column in p.columns(rows, form)]


def property_names(axes: int, *, image: bool) -> tuple[str, ...]:
    """Return the names of the properties of planes (2 axes) or volumes (3).

    >>> "eccentricity" in property_names(2, image=False)
    True
    >>> "intensity_mean" in property_names(2, image=False)
    False
    """
    return tuple(p.name for p in _LISTED if axes in p.axes and (image or not p.image))


def choose(properties: Sequence[str] | str | None, form: TableForm) -> Choice:
    """Return what is asked for: names, ``"all"``, or None for the usual ones.

    Raises
    ------
    ValueError
        A name is unknown, or its property is not defined here.
    """
    available = property_names(form.axes, image=form.intensity is not None)
    if properties is None:
        names = tuple(name for name in DEFAULT if name in available)
    elif properties == "all":
        names = available
    else:
        asked = [properties] if isinstance(properties, str) else properties
        full = (ALIASES.get(name, name) for name in asked)
        names = tuple(dict.fromkeys(name for name in full if name not in ("label", "frame")))
    for name in names:
        _check(name, available, form)
    levels = _levels(names)
    needs = dict.fromkeys(need for name in names for need in _property(name, levels).needs)
    kept = [need for need in needs if _CONTAINED.get(need) not in needs]
    return Choice(names, tuple(_FAMILIES[need](form, levels) for need in kept))


def _check(name: str, available: Sequence[str], form: TableForm) -> None:
    known = _BY_NAME.get(name)
    if name in ABSENT:
        raise ValueError(f"{name} is not measured, for {ABSENT[name]}")
    if known is None and level_of(name) is None:
        raise ValueError(
            f"{name!r} is not a property: choose from {', '.join(_BY_NAME)} "
            "and intensity_percentile_0 to _100"
        )
    if (known is None or known.image) and form.intensity is None:
        raise ValueError(f"{name} is measured on an image: give the image beside the labels")
    if known is not None and form.axes not in known.axes:
        raise ValueError(
            f"{name} is not defined for objects of {form.axes} axes: "
            f"choose from {', '.join(available)}"
        )


def _levels(names: Sequence[str]) -> tuple[float, ...]:
    levels = (level_of(name) for name in names)
    return tuple(dict.fromkeys(level for level in levels if level is not None))


def _property(name: str, levels: tuple[float, ...]) -> Property:
    return percentile_property(name, levels) if level_of(name) is not None else _BY_NAME[name]


# Families whose columns another one has, too.
_CONTAINED = {"second": "third", "weighted": "weighted_third"}

Factory = Callable[[TableForm, tuple[float, ...]], Family]

_FAMILIES: Mapping[str, Factory] = {
    "second": lambda form, _: moments.ShapeMoments(form.axes, 2),
    "third": lambda form, _: moments.ShapeMoments(form.axes, 3),
    "outline": lambda form, _: outline.Outline(form.axes),
    "hull": lambda form, _: hull.Hull(form.steps),
    "intensity": lambda _form, _: intensity.Intensity(),
    "distribution": lambda _form, levels: Distribution(levels),
    "weighted": lambda form, _: weighted.WeightedMoments(form.axes, 1, form.pixel_type),
    "weighted_third": lambda form, _: weighted.WeightedMoments(form.axes, 3, form.pixel_type),
    "surroundings": lambda _form, _: surroundings.Surroundings(),
}
