"""ParticleSpy's particle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.io.particlespy_files import PlacedMask


class particle:  # noqa: N801
    """A segmented particle.

    Attributes
    ----------
    properties
        By name a dictionary of ``value`` and ``units``, None where there are none.
    bbox
        First row and column of its bounds, and the row and column after the last; those of its
        mask where they were not set.
    background
        Mean of the image in a ring around it.
    spectrum
        Spectra by the type of their signal.
    maps
        Maps by element.
    composition
        Atomic percentages by element.
    cluster_number
        What `particle_list.cluster_particles` found, -1 for noise.
    """

    cluster_number: int
    origin: Any
    zone: Any
    spectrum: dict[str, Any]
    maps: dict[str, Any]
    composition: dict[str, Any]

    def __init__(self) -> None:
        self.properties: dict[str, dict[str, Any]] = {}
        self._mask: PlacedMask | Callable[[], PlacedMask] | None = None
        self._image: Any = None
        self._bbox: tuple[int, int, int, int] | None = None
        self._background: float | None = None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Its pixels: booleans of the shape of the image, made when asked for."""
        return self.placed_mask().whole()

    @property
    def image(self) -> Any:
        """Its image: a signal where it was found in one, else a DataArray; read when asked for."""
        if self._image is None:
            raise AttributeError("the particle has no image: analyse with store_im=True")
        if callable(self._image):
            self._image = self._image()
        return self._image

    @image.setter
    def image(self, value: Any) -> None:
        self._image = value

    @property
    def bbox(self) -> tuple[int, int, int, int]:
        """Its bounds."""
        return self.placed_mask().bounds if self._bbox is None else self._bbox

    @bbox.setter
    def bbox(self, value: tuple[int, int, int, int]) -> None:
        self._bbox = value

    @property
    def background(self) -> float:
        """The mean of the image in a ring around it."""
        if self._background is None:
            raise AttributeError(
                "the particle has no background: particle_analysis finds it, and files of "
                "ParticleSpy do not hold it"
            )
        return self._background

    @background.setter
    def background(self, value: float) -> None:
        self._background = value

    @property
    def has_mask(self) -> bool:
        """Whether it has a mask, which lists that are saved need."""
        return self._mask is not None

    def placed_mask(self) -> PlacedMask:
        """Return its mask within its bounds."""
        if self._mask is None:
            raise AttributeError("the particle has no mask: set_mask gives it one")
        return self._mask() if callable(self._mask) else self._mask

    def set_origin(self, origin: Any) -> None:
        """Set where the data are from."""
        self.origin = origin

    def set_property(self, propname: str, value: Any, units: str | None) -> None:
        """Set a property of any name.

        >>> one = particle()
        >>> one.set_property("height", 3.0, "nm")
        >>> one.properties["height"]
        {'value': 3.0, 'units': 'nm'}
        """
        self.properties[propname] = {"value": value, "units": units}

    def set_area(self, area: float, units: str | None) -> None:
        """Set the area."""
        self.set_property("area", area, units)

    def set_circdiam(self, circdiam: float, units: str | None) -> None:
        """Set the diameter of the circle of the same area."""
        self.set_property("equivalent circular diameter", circdiam, units)

    def set_axes_lengths(self, axeslengths: Sequence[float], units: str | None) -> None:
        """Set the axes of the ellipse of the same moments, the longer first."""
        self.set_property("major axis length", axeslengths[0], units)
        self.set_property("minor axis length", axeslengths[1], units)

    def set_circularity(self, circularity: float) -> None:
        """Set the circularity."""
        self.set_property("circularity", circularity, None)

    def set_eccentricity(self, eccentricity: float) -> None:
        """Set the eccentricity."""
        self.set_property("eccentricity", eccentricity, None)

    def set_intensity(self, intensity: float) -> None:
        """Set the sum of intensity."""
        self.set_property("intensity", intensity, None)

    def set_zone(self, zone: Any) -> None:
        """Set the zone axis."""
        self.zone = zone

    def set_boundingbox(self, bbox: tuple[int, int, int, int]) -> None:
        """Set the bounds."""
        self.bbox = bbox

    def set_mask(self, mask: NDArray[Any] | PlacedMask | Callable[[], PlacedMask]) -> None:
        """Set the mask: an array of the shape of the image, what is not 0 being the particle."""
        known = isinstance(mask, PlacedMask) or callable(mask)
        self._mask = mask if known else PlacedMask.of(np.asarray(mask))  # type: ignore[assignment]

    def store_im(self, p_im: Any) -> None:
        """Set the image, or the function that reads it."""
        self._image = p_im

    def maps_gen(self) -> None:
        """Make room for maps."""
        self.maps = {}

    def store_map(self, p_map: Any, element: str) -> None:
        """Set the map of an element."""
        self.maps[element] = p_map

    def store_spectrum(self, spectrum: Any, stype: str) -> None:
        """Set the spectrum of a type of signal."""
        self.spectrum[stype] = spectrum

    def store_composition(self, composition: dict[str, Any]) -> None:
        """Set atomic percentages by element."""
        self.composition = composition
