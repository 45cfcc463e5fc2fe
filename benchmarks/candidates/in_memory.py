"""scikit-image: the same steps in memory, the image read from Zarr and the labels written to it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import zarr
from scipy.ndimage import distance_transform_edt
from skimage import feature, filters, measure, morphology, segmentation

_COLUMNS = ("label", "area", "bbox", "centroid", "equivalent_diameter_area", "intensity_mean")
_COLUMNS += ("intensity_min", "intensity_max", "intensity_std")
_GLOBAL = ("otsu", "mean", "minimum", "yen", "isodata", "li", "triangle")


def prepare(data: str, options: dict[str, Any]) -> Callable[[], int]:
    """Return the recipe."""

    def work() -> int:
        raw = zarr.open_group(data, mode="r")["0"][:]
        image = raw.astype(np.float32)
        if options.get("gaussian"):
            image = filters.gaussian(image, options["gaussian"], preserve_range=True)
        method, size = options["threshold"], options.get("local_size", 51)
        if method == "sauvola":  # of the pixels that were filtered; scikit-image takes 1 for floats
            half_range = np.iinfo(raw.dtype).max / 2
            mask = image > filters.threshold_sauvola(image, size, r=half_range)
        else:
            mask = foreground(image, method, size)
        labels = parted(mask, options["min_size"]) if options.get("watershed") else None
        labels = measure.label(mask) if labels is None else labels
        labels = segmentation.clear_border(labels)
        labels = morphology.remove_small_objects(labels, max_size=options["min_size"] - 1)
        labels = segmentation.relabel_sequential(labels)[0].astype(np.int32)
        if options.get("table"):
            return len(measure.regionprops_table(labels, raw, properties=_COLUMNS)["label"])
        with tempfile.TemporaryDirectory() as folder:
            sizes = {"chunks": (512, 512), "shards": (2048, 2048)}
            kwargs = {"shape": labels.shape, "dtype": labels.dtype, **sizes}
            zarr.create_array(folder + "/labels.zarr", **kwargs)[:] = labels
        return int(labels.max())

    return work


def foreground(image: Any, method: str, size: int) -> Any:
    """Return where the image is above a threshold."""
    if method in _GLOBAL:
        return image > getattr(filters, f"threshold_{method}")(image)
    if method in ("local_otsu", "lg_otsu"):
        low, high = image.min(), image.max()
        levels = (255 * ((image.astype(np.float64) - low) / (high - low))).astype(np.uint8)
        mask = levels >= filters.rank.otsu(levels, morphology.disk(size // 2))
        return mask & (levels > filters.threshold_otsu(levels)) if method == "lg_otsu" else mask
    surface = getattr(filters, f"threshold_{method}")
    return image > surface(image, size)


def parted(mask: Any, min_size: int) -> Any:
    """Return the particles of a foreground, parted by a watershed."""
    side = round(2 * (min_size / np.pi) ** 0.5)  # as pspy_dask does
    distance = distance_transform_edt(mask)
    peaks = feature.peak_local_max(
        distance,
        footprint=np.ones((side, side)),
        labels=measure.label(mask),
        exclude_border=False,
    )
    marked = np.zeros(mask.shape, bool)
    marked[tuple(peaks.T)] = True
    return segmentation.watershed(-distance, measure.label(marked), mask=mask)
