"""NumPy's own files, read at random through the memory map that each process makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pspy_dask.blocks.grid import Box, Index
from pspy_dask.io.axes import Wanted, check_pixels, choose_axes, image_of, unnamed
from pspy_dask.kernels.selection import native


@dataclass(frozen=True)
class NpySource:
    """The array in a .npy file, some of whose axes are held at a position."""

    path: str
    fixed: tuple[int | None, ...]
    shape: Index
    dtype: np.dtype[Any]
    stamp: int

    def read(self, box: Box) -> NDArray[Any]:
        """Return the pixels of the box."""
        return native(np.array(_mapped(self.path, self.stamp)[box.among(self.fixed)]))


@lru_cache(maxsize=64)
def _mapped(path: str, stamp: int) -> NDArray[Any]:
    mapped: NDArray[Any] = np.load(path, mmap_mode="r")
    return mapped


def open_npy(path: Path, wanted: Wanted) -> xr.DataArray:
    """Return the image in a .npy file; its axes are those of an array."""
    stamp, what = path.stat().st_mtime_ns, str(path)
    try:
        array = _mapped(what, stamp)
    except (ValueError, EOFError, OSError):
        raise ValueError(
            f"{path} cannot be read as NumPy's format: it is damaged, or holds no numbers"
        ) from None
    axes = unnamed(array.shape, wanted, what)
    fixed = choose_axes(axes, wanted.channel, what=what)
    check_pixels(array, array.shape, what)
    shape = tuple(a.size for a, at in zip(axes, fixed, strict=True) if at is None)
    source = NpySource(what, fixed, shape, array.dtype.newbyteorder("="), stamp)
    return image_of(source, axes, wanted, what=what, name=path.stem, source=what)
