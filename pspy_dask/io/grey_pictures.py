"""Pictures in grey whose levels are labels: masks, and what cannot be meant as labels."""

from __future__ import annotations

from functools import reduce
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import compute
from dask.delayed import delayed
from numpy.typing import NDArray

#: A picture of more classes, or one that is labelled all over with higher numbers, is none.
MOST_PICTURED = 20
_WHOLE = 0.95  # share of a picture that strokes never cover


def plain_labels(labels: xr.DataArray, what: str) -> xr.DataArray:
    """Return class 1 where a picture is a mask of 0 and 255, else the labels as they are.

    The picture is read once, one chunk a thread in memory.

    Raises
    ------
    ValueError
        It holds more than 20 labels, or is labelled all over with numbers above 20: it is a
        photograph, or grey strokes on white paper.
    """
    if labels.dtype.kind not in "iu":
        return labels
    parts: tuple[_Counts, ...] = compute(*map(delayed(_counts), labels.data.to_delayed().ravel()))
    found = reduce(_merge, parts)
    if set(found) - {0} == {255} and labels.dtype == np.uint8:
        return labels.copy(data=_is_mask(labels.data))
    _check(found, what)
    return labels


def is_black_and_white(picture: xr.DataArray) -> bool:
    """Whether a picture of 8 bits holds 255, and else 0 alone; others are not even read.

    The picture is read once, one chunk a thread in memory.
    """
    if picture.dtype != np.uint8:
        return False
    chunks = picture.data.to_delayed().ravel()
    found: tuple[tuple[bool, bool], ...] = compute(*map(delayed(_white_and_grey), chunks))
    return any(white for white, _ in found) and not any(grey for _, grey in found)


def _white_and_grey(pixels: NDArray[Any]) -> tuple[bool, bool]:
    """Return whether there are pixels of 255, and of any other level above 0."""
    white = pixels == 255
    return bool(white.any()), bool(((pixels != 0) & ~white).any())


_Counts = dict[int, int]


def _counts(pixels: NDArray[Any]) -> _Counts:
    values, counts = np.unique(pixels, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _merge(a: _Counts, b: _Counts) -> _Counts:
    return a | {value: count + a.get(value, 0) for value, count in b.items()}


def _is_mask(pixels: da.Array) -> da.Array:
    mask: da.Array = pixels == 255
    return mask


def _check(found: _Counts, what: str) -> None:
    kinds, total = set(found) - {0}, sum(found.values())
    share = 1 - found.get(0, 0) / total
    remedy = "paint strokes on a black picture of its size, one colour a class"
    if len(kinds) > MOST_PICTURED:
        raise ValueError(
            f"{what} would be {len(kinds)} classes, the grey levels of a photograph: {remedy}, or "
            "give so many labels as an array (.npy, Zarr)"
        )
    if share > _WHOLE and max(kinds) > MOST_PICTURED:
        listed = ", ".join(map(str, sorted(kinds)))
        raise ValueError(
            f"{what} cover {share:.0%} of the picture, with grey levels {listed}: {remedy}, for 0 "
            f"is where nothing is said; or number classes 1 to {MOST_PICTURED}"
        )
