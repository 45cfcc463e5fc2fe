"""Segment huge images into labelled particles: the same result whatever the chunking."""

from pspy_dask.io.sources import open_image
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.particles.properties import region_properties
from pspy_dask.segmentation.labels import label, watershed
from pspy_dask.segmentation.objects import clear_border, remove_small_objects
from pspy_dask.segmentation.recipe import foreground, segment, threshold

__all__ = [
    "SegmentationParameters",
    "clear_border",
    "foreground",
    "label",
    "open_image",
    "region_properties",
    "remove_small_objects",
    "segment",
    "threshold",
    "watershed",
]
