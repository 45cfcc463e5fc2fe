"""Segment huge images into labelled particles: the same result whatever the chunking."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pspy_dask.feature_parameters import FeatureParameters
    from pspy_dask.io.annotations import open_annotations, write_class_picture
    from pspy_dask.io.sources import open_image
    from pspy_dask.parameters import SegmentationParameters
    from pspy_dask.particles.properties import region_properties
    from pspy_dask.pixels.clustering import cluster
    from pspy_dask.pixels.colors import toggle_channels
    from pspy_dask.pixels.features import features
    from pspy_dask.pixels.palettes import class_colors
    from pspy_dask.pixels.shapes import Line, Points, Polygon
    from pspy_dask.run.classifier import PixelClassifier
    from pspy_dask.run.fitting import fit_classifier
    from pspy_dask.segmentation.labels import flooding, label, watershed
    from pspy_dask.segmentation.objects import clear_border, remove_small_objects
    from pspy_dask.segmentation.recipe import foreground, segment, threshold

__all__ = [
    "FeatureParameters",
    "Line",
    "PixelClassifier",
    "Points",
    "Polygon",
    "SegmentationParameters",
    "class_colors",
    "clear_border",
    "cluster",
    "features",
    "fit_classifier",
    "flooding",
    "foreground",
    "label",
    "open_annotations",
    "open_image",
    "region_properties",
    "remove_small_objects",
    "segment",
    "threshold",
    "toggle_channels",
    "watershed",
    "write_class_picture",
]

# Imported when they are first asked for: it takes seconds, in which the command is to answer.
_HOMES = {
    "FeatureParameters": "feature_parameters",
    "Line": "pixels.shapes",
    "PixelClassifier": "run.classifier",
    "Points": "pixels.shapes",
    "Polygon": "pixels.shapes",
    "SegmentationParameters": "parameters",
    "class_colors": "pixels.palettes",
    "clear_border": "segmentation.objects",
    "cluster": "pixels.clustering",
    "features": "pixels.features",
    "fit_classifier": "run.fitting",
    "flooding": "segmentation.labels",
    "foreground": "segmentation.recipe",
    "label": "segmentation.labels",
    "open_annotations": "io.annotations",
    "open_image": "io.sources",
    "region_properties": "particles.properties",
    "remove_small_objects": "segmentation.objects",
    "segment": "segmentation.recipe",
    "threshold": "segmentation.recipe",
    "toggle_channels": "pixels.colors",
    "watershed": "segmentation.labels",
    "write_class_picture": "io.annotations",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
