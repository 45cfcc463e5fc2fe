"""From an image to a list of its particles, computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from pspy_dask.blocks.images import ImageLike, require_ascending
from pspy_dask.blocks.sources import source_of
from pspy_dask.io.sources import open_image
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.particles.crops import Pictures
from pspy_dask.particles.particle_list import Particles
from pspy_dask.particles.properties import region_properties
from pspy_dask.segmentation.recipe import segment


def find_particles(
    image: ImageLike | None = None,
    parameters: SegmentationParameters | None = None,
    *,
    labels: ImageLike | None = None,
    properties: Sequence[str] | str | None = None,
    **overrides: Any,
) -> Particles:
    """Segment an image, measure its particles and return their list, computed once.

    Parameters
    ----------
    image
        Image of shape ``([t,] [z,] y, x)``, or whatever else :func:`pspy_dask.open_image` opens;
        None where there are ``labels`` alone.
    parameters, overrides
        The recipe, as :func:`pspy_dask.segment` takes it.
    labels
        Labels of the image, where it is segmented already; opened in the same way. Where only
        one of the two states a pixel size, it is that of both.
    properties
        As :func:`pspy_dask.region_properties` takes them; the bounds are always measured.

    Returns
    -------
    Particles
        Its table is in memory. So are labels that are not read from a file or array (on a
        cluster: in the memory of its workers), else each crop would segment the image anew. For
        an image whose labels do not fit, have the command segment it and give what
        :func:`pspy_dask.open_image` returns of the stored labels as ``labels``.

    Raises
    ------
    ValueError
        There is neither image nor labels, labels and a recipe, or both state different pixel
        sizes.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((6, 8))
    >>> image[1:3, 1:4] = image[4, 5] = 1
    >>> particles = find_particles(image)
    >>> particles["area"].tolist(), particles[0].mask.shape
    ([6.0, 1.0], (2, 3))
    """
    if labels is not None and (parameters is not None or overrides):
        raise ValueError("there are labels and a recipe to make them: give one of the two")
    if labels is None and image is None:
        raise ValueError("there is neither an image nor labels: give one of the two")
    opened = None if image is None else open_image(image)
    made = segment(opened, parameters, **overrides) if labels is None else open_image(labels)
    pictures = Pictures.of(made, opened)
    placed, pixels = pictures.require_labels(), pictures.image
    require_ascending(placed)
    kept = _at_hand(placed)
    names = properties
    if properties is not None and properties != "all":
        asked = [properties] if isinstance(properties, str) else properties
        names = list(dict.fromkeys([*asked, "bbox"]))
    table = region_properties(kept, pixels, properties=names).compute()
    return Particles(table, kept, pixels)


def _at_hand(labels: xr.DataArray) -> xr.DataArray:
    return labels if source_of(labels.data) is not None else labels.persist()
