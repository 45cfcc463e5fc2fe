"""Segment huge images into labelled particles: the same result whatever the chunking."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pspy_dask.feature_parameters import FeatureParameters
    from pspy_dask.io.sources import open_image
    from pspy_dask.parameters import SegmentationParameters
    from pspy_dask.particles.properties import region_properties
    from pspy_dask.pixels.features import features
    from pspy_dask.segmentation.labels import flooding, label, watershed
    from pspy_dask.segmentation.objects import clear_border, remove_small_objects
    from pspy_dask.segmentation.recipe import foreground, segment, threshold

__all__ = [
    "FeatureParameters",
    "SegmentationParameters",
    "clear_border",
    "features",
    "flooding",
    "foreground",
    "label",
    "open_image",
    "region_properties",
    "remove_small_objects",
    "segment",
    "threshold",
    "watershed",
]

# Imported when they are first asked for: it takes seconds, in which the command is to answer.
_HOMES = {
    "FeatureParameters": "feature_parameters",
    "SegmentationParameters": "parameters",
    "clear_border": "segmentation.objects",
    "features": "pixels.features",
    "flooding": "segmentation.labels",
    "foreground": "segmentation.recipe",
    "label": "segmentation.labels",
    "open_image": "io.sources",
    "region_properties": "particles.properties",
    "remove_small_objects": "segmentation.objects",
    "segment": "segmentation.recipe",
    "threshold": "segmentation.recipe",
    "watershed": "segmentation.labels",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
