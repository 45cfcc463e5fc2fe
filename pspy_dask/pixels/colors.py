"""Classes painted in colours: pictures people draw, and the numbers that programs work with.

A colour is ``#rrggbb``; the first of a palette is class 1. Black is the background, 0, unless the
palette has it, and so is all that is fully transparent.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.images import looks_coloured, named_array, own_name
from pspy_dask.pixels.palettes import DEFAULT_COLORS, MOST_COLORS, check_colors, class_colors

__all__ = [
    "DEFAULT_COLORS",
    "Census",
    "Palette",
    "census",
    "check_colors",
    "class_colors",
    "is_picture",
    "toggle_channels",
]

_LISTED = 5
_MIXED = 20  # a colour of so many times fewer pixels than another is no stroke

Array = TypeVar("Array", xr.DataArray, da.Array, NDArray[Any])
Codes = NDArray[np.uint32]


def toggle_channels(
    image: Array, colors: Sequence[str] = DEFAULT_COLORS, *, warn: bool = True
) -> Array:
    """Return the classes of a painted picture, or the picture of classes: each undoes the other.

    Parameters
    ----------
    image
        A picture: uint8 of shape ``(..., y, x, 3)`` or ``(..., y, x, 4)``, the last for red, green,
        blue and opacity; or classes: integers (or booleans) of shape ``(..., y, x)``. A
        DataArray with an axis ``c`` is a picture, one that ends in ``x`` holds classes.
    colors
        The colour of class 1, of class 2, ... as ``#rrggbb``; `class_colors` has up to 255.
    warn
        Whether to name colours of no class, greys aside.

    Returns
    -------
    The same kind of array as the image, lazy where that is over dask.
        Of a picture the classes: uint8, 0 where a pixel has none of the colours. Of classes the
        picture: uint8 with red, green and blue along a last axis; black where the class is 0.

    Warns
    -----
    UserWarning
        A picture has colours, other than greys, of no class; when computed, for each chunk, where
        it is lazy.

    Raises
    ------
    ValueError
        A colour is not six hex digits or stands twice; a class has no colour (when computed).
    TypeError
        The image is neither a picture of 8 bits nor whole numbers.

    Examples
    --------
    >>> picture = toggle_channels(np.array([[0, 1], [2, 1]]), ["#ff0000", "#00ff00"])
    >>> picture[1, 0].tolist(), toggle_channels(picture, ["#ff0000", "#00ff00"]).tolist()
    ([0, 255, 0], [[0, 1], [2, 1]])
    """
    palette = Palette(check_colors(colors), warn)
    if isinstance(image, xr.DataArray):
        named: Array = _toggle_named(image, palette)
        return named
    if not hasattr(image, "shape") or not hasattr(image, "dtype"):
        raise TypeError(f"{type(image).__name__} is not an array: open files with open_annotations")
    toggled: Array = _toggle(image, palette, _is_picture(image.shape, image.dtype))
    return toggled


@dataclass(frozen=True, eq=False)
class Census:
    """The colours of a picture, or of a part of one.

    Attributes
    ----------
    codes
        The colours as numbers of 24 bits, in rising order.
    pixels
        How many pixels each is of.
    """

    codes: Codes
    pixels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    def merge(self, other: Census) -> Census:
        """Return the colours of both."""
        codes, where = np.unique(np.concatenate([self.codes, other.codes]), return_inverse=True)
        pixels = np.zeros(len(codes), np.int64)
        np.add.at(pixels, where, np.concatenate([self.pixels, other.pixels]))
        return Census(codes, pixels)

    def without(self, colors: Sequence[str]) -> Census:
        """Return the colours that are none of these."""
        others = ~np.isin(self.codes, Palette(tuple(colors)).codes)
        return Census(self.codes[others], self.pixels[others])

    def coloured(self) -> Census:
        """Return the colours that are not grey: paper, and the micrograph that was painted on."""
        parts = self.codes >> 16, self.codes >> 8 & 255, self.codes & 255
        vivid = (parts[0] != parts[1]) | (parts[1] != parts[2])
        return Census(self.codes[vivid], self.pixels[vivid])

    def likely(self, extent: int) -> tuple[str, ...]:
        """Return colours that classes may have been painted in, of a picture of so many pixels.

        Greys are not, nor what most of the picture has, nor the rare mixtures at soft edges.
        """
        vivid = self.coloured()
        strokes = vivid.pixels <= extent // 2
        few = Census(vivid.codes[strokes], vivid.pixels[strokes])
        least = few.pixels.max(initial=0) / _MIXED
        return Census(few.codes[few.pixels > least], few.pixels[few.pixels > least]).most

    @property
    def most(self) -> tuple[str, ...]:
        """The colours of most pixels, at most five of them."""
        return tuple(f"#{code:06x}" for code in self.codes[self._order])

    @property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(-self.pixels, kind="stable")[:_LISTED]

    def __str__(self) -> str:
        """Return the commonest in words."""
        pairs = zip(self.most, self.pixels[self._order].tolist(), strict=True)
        listed = ", ".join(f"{color} ({count} pixel{'s' * (count > 1)})" for color, count in pairs)
        more = len(self) - len(self.most)
        return f"{listed} and {more} more" if more else listed


@dataclass(frozen=True)
class Palette:
    """Colours of classes, from 1 on; and whether to warn of pictures that have others."""

    colors: tuple[str, ...]
    warn: bool = False

    @cached_property
    def codes(self) -> Codes:
        """The colours as numbers of 24 bits."""
        return np.array([int(color[1:], 16) for color in self.colors], np.uint32)

    def classes_of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the class of each pixel of a picture, 0 where it has none."""
        codes, clear = _codes(picture)
        # Only what is written to and read of the 16 MB takes memory, a page at a time.
        table = np.zeros(2**24, np.uint8)
        table[self.codes] = np.arange(1, len(self.colors) + 1)
        classes: NDArray[np.uint8] = table[codes]
        if clear is not None:
            classes[clear] = 0
        if self.warn:
            strange = _counts(codes[(classes == 0) & (codes != 0)]).coloured()
            if len(strange):
                kept = int(np.count_nonzero(classes))
                warnings.warn(self.complaint(strange, kept), UserWarning, stacklevel=4)
        return classes

    def picture_of(self, classes: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the picture of classes, black where they are 0."""
        if classes.size and classes.dtype != np.bool_:
            for wrong in (int(classes.min()), int(classes.max())):
                if not 0 <= wrong <= len(self.colors):
                    raise ValueError(f"class {wrong} has no colour: {self._remedy(wrong)}")
        table = np.zeros((len(self.colors) + 1, 3), np.uint8)
        table[1:] = self.codes[:, None] >> np.array([16, 8, 0], np.uint32) & 255
        picture: NDArray[np.uint8] = np.take(table, classes.astype(np.intp), axis=0)
        return picture

    def complaint(self, strange: Census, kept: int) -> str:
        """Return the sentence about colours of no class, where so many pixels have one."""
        lost = int(strange.pixels.sum())
        return (
            f"{kept:,} pixels have the colour of a class; {lost:,} of other colours are left out, "
            f"{strange}: paint with hard edges in the colours of the classes, "
            f"{', '.join(self.colors[:_LISTED])}{', ...' * (len(self.colors) > _LISTED)}, "
            "or name these in colors"
        )

    def _remedy(self, wrong: int) -> str:
        if 0 < wrong <= MOST_COLORS:
            return f"give {wrong} of them, such as colors=class_colors({wrong})"
        return f"number classes 1 to {MOST_COLORS}, 0 for none"


def census(picture: NDArray[np.uint8]) -> Census:
    """Return the colours of a picture that are not background."""
    codes, _ = _codes(picture)
    return _counts(codes[codes != 0])


def is_picture(image: xr.DataArray) -> bool:
    """Whether an image with named axes is painted, not labelled."""
    if "c" in image.dims or image.dims[-1] == "x":
        return "c" in image.dims
    return _is_picture(image.shape, image.dtype)


def _is_picture(shape: Sequence[int], dtype: Any) -> bool:
    is_colour = len(shape) > 2 and shape[-1] in (3, 4)
    return is_colour and (np.dtype(dtype) == np.uint8 or looks_coloured(shape))


def _toggle_named(image: xr.DataArray, palette: Palette) -> xr.DataArray:
    if not is_picture(image):
        data = _toggle(image.data, palette, False)
        return named_array(
            data, image.coords, (*image.dims, "c"), name=own_name(image), attrs=image.attrs
        )
    last = image.transpose(..., "c") if "c" in image.dims else image
    plane = last.isel({last.dims[-1]: 0}, drop=True)
    return plane.copy(data=_toggle(last.data, palette, True))


def _toggle(image: Any, palette: Palette, painted: bool) -> Any:
    """Return classes or picture of a NumPy array, or of any other array lazily."""
    dtype = np.dtype(image.dtype)
    if painted and (dtype != np.uint8 or image.shape[-1] not in (3, 4)):
        raise TypeError(
            f"a picture of {dtype} and shape {tuple(image.shape)} is not painted in colours of "
            "8 bits: give uint8 with 3 or 4 of them along the last axis"
        )
    if dtype.kind not in "biu":
        raise TypeError(f"classes are whole numbers, not {dtype}: convert them to uint8")
    function: Callable[..., Any] = palette.classes_of if painted else palette.picture_of
    if isinstance(image, np.ndarray):
        return function(image)
    lazy = image if isinstance(image, da.Array) else da.from_array(image)
    axis = lazy.ndim - painted
    shape_of: dict[str, Any] = (
        {"drop_axis": axis} if painted else {"new_axis": axis, "chunks": (*lazy.chunks, (3,))}
    )
    whole = lazy.rechunk({axis: -1}) if painted else lazy
    meta = np.empty((0,) * (axis + (not painted)), np.uint8)
    return da.map_blocks(function, whole, dtype=np.uint8, meta=meta, **shape_of)


def _codes(picture: NDArray[np.uint8]) -> tuple[Codes, NDArray[np.bool_] | None]:
    """Return colours as numbers of 24 bits, and what is transparent: it counts as black."""
    codes = picture[..., 0].astype(np.uint32)
    for k in (1, 2):
        codes <<= 8
        codes |= picture[..., k]
    if picture.shape[-1] == 3:
        return codes, None
    clear = picture[..., 3] == 0
    codes[clear] = 0
    return codes, clear


def _counts(codes: Codes) -> Census:
    return Census(*np.unique(codes, return_counts=True))
