"""scikit-image: the same steps in memory, the image read from Zarr and the labels written to it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import zarr
from scipy.ndimage import distance_transform_edt
from skimage import feature, filters, measure, morphology, segmentation

COLUMNS = ("label", "area", "bbox", "centroid", "equivalent_diameter_area", "intensity_mean")
COLUMNS += ("intensity_min", "intensity_max", "intensity_std")
_GLOBAL = ("otsu", "mean", "minimum", "yen", "isodata", "triangle")


def prepare(data: str, options: dict[str, Any]) -> Callable[[], int]:
    """Return the recipe."""

    def work() -> int:
        raw = zarr.open_group(data, mode="r")["0"][:]
        image = raw.astype(np.float32)
        if options.get("gaussian"):
            image = filters.gaussian(image, options["gaussian"], preserve_range=True)
        half_range = np.iinfo(raw.dtype).max / 2  # of the pixels before they were filtered
        mask = foreground(image, options["threshold"], options.get("local_size", 51), half_range)
        parting = options.get("watershed")
        labels = parted(mask, options["min_size"]) if parting else measure.label(mask)
        labels = segmentation.clear_border(labels)
        labels = morphology.remove_small_objects(labels, max_size=options["min_size"] - 1)
        labels = segmentation.relabel_sequential(labels)[0].astype(np.int32)
        if options.get("table"):
            return len(measure.regionprops_table(labels, raw, properties=COLUMNS)["label"])
        with tempfile.TemporaryDirectory() as folder:
            sizes = {"chunks": (512, 512), "shards": (2048, 2048)}
            kwargs = {"shape": labels.shape, "dtype": labels.dtype, **sizes}
            zarr.create_array(folder + "/labels.zarr", **kwargs)[:] = labels
        return int(labels.max())

    return work


def foreground(image: Any, method: str, size: int, half_range: float) -> Any:
    """Return where the image is above a threshold."""
    if method == "li":  # sums of float32 are too coarse: on 4096 x 4096 pixels it never ends
        return image > filters.threshold_li(image.astype(np.float64))
    if method in _GLOBAL:
        return image > getattr(filters, f"threshold_{method}")(image)
    if method in ("local_otsu", "lg_otsu"):
        low, high = image.min(), image.max()
        levels = (255 * ((image.astype(np.float64) - low) / (high - low))).astype(np.uint8)
        mask = levels >= filters.rank.otsu(levels, morphology.disk(size // 2))
        return mask & (levels > filters.threshold_otsu(levels)) if method == "lg_otsu" else mask
    if method == "sauvola":  # scikit-image takes a half range of 1 for floats
        return image > filters.threshold_sauvola(image, size, r=half_range)
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
