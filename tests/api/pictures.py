"""Images that tests of ParticleSpy's names share."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
from skimage.draw import disk

import pspy_dask.api as ps

ELLIPSES = [  # y, x, half axes along y and x, level
    (15, 20, 8, 11, 300),
    (40, 30, 9, 9, 400),
    (44, 46, 9, 8, 350),
    (20, 70, 6, 14, 250),
    (66, 80, 9, 9, 500),
]


def picture():
    """Return five ellipses on a slope: one touches the border, and two of them one another."""
    y, x = np.mgrid[:72, :96]
    image = 100 + y + x // 2 + (7 * y + 13 * x) % 11
    for cy, cx, ry, rx, level in ELLIPSES:
        inside = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1
        image = np.where(inside, image + level, image)
    return image.astype(np.uint16)


def disc():
    """Return the disc whose figures ParticleSpy's own tests state."""
    image = np.zeros((200, 200))
    image[disk((100, 100), 80, shape=image.shape)] = 1
    return image


def signal(image, scale=0.5, units="nm"):
    made = hs.signals.Signal2D(image)
    for axis in made.axes_manager.signal_axes:
        axis.scale, axis.units = scale, units
    return made


def generated(**asked):
    params = ps.parameters()
    params.generate(**asked)
    return params


def values(particles, name):
    return [own.properties[name]["value"] for own in particles.list]
