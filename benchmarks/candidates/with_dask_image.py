"""dask-image: the steps that it has, which are a Gaussian, a global threshold and labels.

Without border, size and writing: its region sums read the whole image once an object. The mask is
kept in memory for it, as ``label`` would compute what is before it once for every seam.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask
import dask.array as da
import numpy as np
from dask_image import ndfilters, ndmeasure
from skimage.filters import threshold_otsu


def prepare(data: str, options: dict[str, Any]) -> Callable[[], int]:
    """Return the recipe as far as it goes."""

    def work() -> int:
        image = da.from_zarr(data, component="0", chunks=(2048, 2048)).astype(np.float32)
        smooth = ndfilters.gaussian_filter(image, options["gaussian"], mode="nearest")
        with dask.config.set(scheduler="synchronous"):
            mask = (smooth > _level(smooth, options["threshold"])).persist()
            labels, count = ndmeasure.label(mask, np.ones((3, 3)))
            found, _ = dask.compute(count, labels.max())
        return int(found)

    return work


def _level(smooth: Any, method: str) -> float:
    if method == "mean":
        return float(smooth.mean())
    if method != "otsu":
        raise ValueError(f"the threshold {method} needs the whole image in memory.")
    low, high = dask.compute(smooth.min(), smooth.max())
    counts, edges = da.histogram(smooth, 256, range=(float(low), float(high)))
    centers = (np.asarray(edges[1:]) + np.asarray(edges[:-1])) / 2
    return float(threshold_otsu(hist=(counts.compute(), centers)))
