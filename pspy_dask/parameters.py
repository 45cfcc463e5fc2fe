"""What a user may ask of the segmentation, checked when it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from operator import index
from pathlib import Path
from typing import Any, Literal, SupportsIndex, get_args

import numpy as np

from pspy_dask.parameter_files import check_names, read_values, write_values

GlobalMethod = Literal["otsu", "mean", "minimum", "yen", "isodata", "li", "triangle"]
LocalMethod = Literal["local", "local_otsu", "lg_otsu", "niblack", "sauvola"]
ThresholdMethod = GlobalMethod | LocalMethod

GLOBAL_METHODS: tuple[str, ...] = get_args(GlobalMethod)
LOCAL_METHODS: tuple[str, ...] = get_args(LocalMethod)
METHODS: tuple[str, ...] = GLOBAL_METHODS + LOCAL_METHODS

#: Names of parameters that say what becomes of a foreground, however it was found.
OBJECT_PARAMETERS: tuple[str, ...] = (
    "min_size",
    "clear_border",
    "watershed",
    "watershed_separation",
    "watershed_erosion",
    "watershed_budget",
    "watershed_exact",
)

LEAST_BUDGET = 4096  # pixels: a window of 64 x 64 or of 16 x 16 x 16
MOST_BUDGET = 2**30  # positions in a raster are 32-bit integers


@dataclass(frozen=True)
class SegmentationParameters:
    """The automatic recipe: background, smoothing, threshold, which objects are kept.

    Parameters
    ----------
    threshold
        One of ``otsu``, ``mean``, ``minimum``, ``yen``, ``isodata``, ``li``, ``triangle``
        (one value for the image) or ``local``, ``local_otsu``, ``lg_otsu``, ``niblack``,
        ``sauvola`` (one value a pixel).
    rolling_ball
        Side in pixels of the square footprint of the white top-hat that removes the background;
        0 leaves the background.
    gaussian
        Standard deviation in pixels of the Gaussian that smooths the image; 0 does not smooth.
    local_size
        Side in pixels (odd) of the neighbourhood of a local threshold; for the two local Otsu
        methods the diameter of a disk.
    invert
        True where particles are darker than their background. The image is inverted first.
    min_size
        Objects of fewer pixels are dropped.
    clear_border
        Drop objects that touch an edge of the image.
    threshold_over
        ``frame``: a series gets a threshold for each frame; ``series``: one for all of it.
    watershed
        True parts particles that touch, as :func:`pspy_dask.watershed` does; the parameters named
        ``watershed_...`` count only then.
    watershed_separation
        Side in pixels of the footprint in which there is one marker; None takes the diameter of a
        disk (ball) of ``min_size`` pixels, or 20 where that is 0. With a ``min_size`` below about
        10 that is 1 to 3 pixels, which parts nothing (1) or too much: give a number then.
    watershed_erosion
        Radius in pixels of the disk (ball) that erodes the foreground before markers are found.
    watershed_budget
        A component whose bounding box holds more pixels is flooded window by window, which is not
        exact (but the same at any chunks). None takes what the memory of the workers allows when
        the labels are asked for: give a number where machines must agree on such components.
    watershed_exact
        True refuses components beyond the budget: computing the labels fails.

    Examples
    --------
    >>> SegmentationParameters(threshold="li", gaussian=2.0).threshold
    'li'
    >>> SegmentationParameters(threshold="best")
    Traceback (most recent call last):
        ...
    ValueError: unknown threshold 'best': choose one of otsu, mean, minimum, yen, isodata, li, \
triangle, local, local_otsu, lg_otsu, niblack, sauvola
    """

    threshold: ThresholdMethod = "otsu"
    rolling_ball: int = 0
    gaussian: float = 0.0
    local_size: int = 51
    invert: bool = False
    min_size: int = 0
    clear_border: bool = True
    threshold_over: Literal["frame", "series"] = "frame"
    watershed: bool = False
    watershed_separation: int | None = None
    watershed_erosion: int = 0
    watershed_budget: int | None = None
    watershed_exact: bool = False

    def __post_init__(self) -> None:
        self._make_plain()
        check_method(self.threshold)
        check_local_size(self.local_size)
        check_count("rolling_ball", self.rolling_ball)
        check_count("min_size", self.min_size)
        _check_switch("invert", self.invert)
        _check_switch("clear_border", self.clear_border)
        _check_switch("watershed", self.watershed)
        check_count("watershed_erosion", self.watershed_erosion)
        if self.watershed_separation is not None:
            check_count("watershed_separation", self.watershed_separation, least=1)
        if self.watershed_budget is not None:
            check_budget("watershed_budget", self.watershed_budget)
        _check_switch("watershed_exact", self.watershed_exact)
        is_number = isinstance(self.gaussian, int | float) and not isinstance(self.gaussian, bool)
        if not (is_number and 0 <= self.gaussian < float("inf")):
            raise ValueError(f"gaussian is {self.gaussian!r}: give a sigma of 0 or more pixels")
        if self.threshold_over not in ("frame", "series"):
            raise ValueError(
                f"threshold_over is {self.threshold_over!r}: choose 'frame' or 'series'"
            )

    def _make_plain(self) -> None:
        """Turn NumPy's numbers and switches into Python's, which files can hold."""
        for name, value in asdict(self).items():
            if isinstance(value, np.generic):
                object.__setattr__(self, name, value.item())

    def save(self, path: str | Path) -> None:
        """Write the parameters as YAML, or as JSON where the name ends in ``.json``.

        An older file of that name is replaced only when the new one is complete.
        """
        write_values(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> SegmentationParameters:
        """Read parameters from YAML or JSON; a name that does not exist is an error."""
        return cls.from_mapping(read_values(path, example="gaussian: 2.0"))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> SegmentationParameters:
        """Make parameters from names and values; unknown names are an error."""
        check_names(values, [f.name for f in fields(cls)])
        return cls(**values)


def check_method(method: str) -> None:
    """Raise ValueError with the list of names where the threshold is not one of them."""
    if method not in METHODS:
        raise ValueError(f"unknown threshold {method!r}: choose one of {', '.join(METHODS)}")


def check_local_size(size: int) -> None:
    """Raise ValueError where the size of a neighbourhood is not a positive odd integer."""
    if not _is_whole(size) or size < 1 or size % 2 == 0:
        raise ValueError(f"local_size is {size!r}: give a positive odd number of pixels")


def check_count(name: str, value: SupportsIndex, least: int = 0, most: int = 2**62) -> int:
    """Return a number of pixels as Python's; raise ValueError where it is not whole or in range.

    >>> check_count("min_size", np.uint8(7))
    7
    """
    count = index(value) if _is_whole(value) else least - 1
    if count < least:
        raise ValueError(f"{name} is {value!r}: give a whole number of pixels, {least} or more")
    if count > most:
        raise ValueError(f"{name} is {value!r}: give a whole number of pixels up to {most}")
    return count


def _is_whole(value: Any) -> bool:
    """Whether a value is an integer, of Python or NumPy."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_budget(name: str, value: int) -> None:
    """Raise ValueError where a budget is no number of pixels, or one that cannot be."""
    check_count(name, value, LEAST_BUDGET, MOST_BUDGET)


def _check_switch(name: str, value: bool) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}: give True or False")
