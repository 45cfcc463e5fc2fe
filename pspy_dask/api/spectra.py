"""Spectra, maps and compositions of particles from what was acquired beside the image."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from pspy_dask.api.one_particle import particle
from pspy_dask.api.segment_parameters import parameters as Parameters  # noqa: N812
from pspy_dask.io.microscopy import is_signal
from pspy_dask.io.signals import composition_of, cut_map, kind_of, line_maps, spectrum_of
from pspy_dask.io.spectra import open_spectra
from pspy_dask.particles.particle_list import Particles


def add_spectra(
    particles: Sequence[particle], found: Particles, acquired: Sequence[Any], asked: Parameters
) -> None:
    """Give particles the sum of every spectrum image over their pixels.

    Parameters
    ----------
    particles, found
        The same particles.
    acquired
        Spectrum images: HyperSpy signals whose type says what they are of, or arrays, whose
        spectra are named by the array or ``spectrum``.
    asked
        What of EDS signals is wanted.
    """
    for own in particles:
        own.spectrum = {}
    for spectra in acquired:
        if not is_signal(spectra):
            _add_sums(particles, found, spectra, str(getattr(spectra, "name", None) or "spectrum"))
        elif kind := kind_of(spectra):
            if kind == "EDS_TEM" and asked.store["store_maps"]:
                _add_maps(particles, spectra, asked)
            _add_sums(particles, found, spectra, kind)
            if kind == "EDS_TEM" and asked.eds["factors"] is not False:
                _add_composition(particles, asked)
        else:
            warnings.warn(
                "a signal beside the image has no signal_type and is left out: set it with "
                "set_signal_type",
                stacklevel=3,
            )


def _add_sums(particles: Sequence[particle], found: Particles, spectra: Any, kind: str) -> None:
    if not is_signal(spectra):
        for own, values in zip(particles, np.asarray(found.sum_spectra(spectra)), strict=True):
            own.store_spectrum(values, kind)
        return
    sums = np.asarray(found.sum_spectra(open_spectra(spectra)))
    for own, values in zip(particles, sums, strict=True):
        own.store_spectrum(spectrum_of(spectra, values, kind.split("-", maxsplit=1)[0]), kind)


def _add_maps(particles: Sequence[particle], spectra: Any, asked: Parameters) -> None:
    maps = line_maps(spectra, asked.eds["elements"])
    pad = asked.store["pad"]
    for own in particles:
        own.maps_gen()
        height, width = own.placed_mask().shape
        y0, x0, y1, x1 = own.bbox
        y = max(y0 - pad, 0), min(y1 + pad, height)
        x = max(x0 - pad, 0), min(x1 + pad, width)
        for element, each in maps.items():
            own.store_map(cut_map(each, y, x), element)


def _add_composition(particles: Sequence[particle], asked: Parameters) -> None:
    eds = asked.eds
    for own in particles:
        spectrum = own.spectrum["EDS_TEM"]
        own.store_composition(
            composition_of(spectrum, eds["method"], eds["factors"], eds["elements"])
        )
